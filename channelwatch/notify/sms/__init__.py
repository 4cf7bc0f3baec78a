"""Alerts as short messages through an HTTP gateway."""
