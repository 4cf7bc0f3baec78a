"""Alerts to an HTTP endpoint."""
