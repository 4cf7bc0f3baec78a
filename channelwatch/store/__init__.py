"""Floor 3: the status store. One code path for SQLite and PostgreSQL."""
