"""Watching the watcher: the heartbeat of the service, and the second small process that listens to it."""
