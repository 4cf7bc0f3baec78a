"""`channelwatch rules`: check, list and test alert rules, and compile them for Prometheus."""
