"""Polling: when each device is due, what became of it, and how well the collector itself kept time."""
