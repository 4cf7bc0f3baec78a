"""Floor 4: settings, wiring, command line, and the engine that runs it all."""
