"""Alerts through apprise: a last resort, and an optional extra."""
