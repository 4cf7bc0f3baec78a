"""Alerts as the run of a local command."""
