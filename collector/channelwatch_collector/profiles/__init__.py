"""Device profiles: data files that say what a device offers, and the pure code that decodes its answers."""
