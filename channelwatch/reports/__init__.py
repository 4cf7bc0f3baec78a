"""Floor 3: figures that `uptime` computed, rendered for people and for other programs."""
