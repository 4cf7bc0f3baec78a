"""Commands about the database itself: its projection, its copies, where it lives."""
