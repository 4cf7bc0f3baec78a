"""Commands for people's own entries: maintenance windows and corrections, asked for by one, decided by another."""
