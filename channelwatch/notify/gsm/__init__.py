"""Alerts as short messages through a GSM modem."""
