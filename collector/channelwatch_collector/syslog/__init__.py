"""Syslog: receivers for UDP, TCP and TLS, and the pure road from bytes to a classified, redacted line."""
