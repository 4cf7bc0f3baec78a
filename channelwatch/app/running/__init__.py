"""The running engine: what comes in, the one way into the store, what goes out, and what holds it all up."""
