"""The on-call roster as files and commands."""
