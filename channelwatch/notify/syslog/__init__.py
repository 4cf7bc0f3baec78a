"""Alerts as syslog lines."""
