"""What the board shows, as values, as text, and as a stream of patches."""
