"""Floor 0: clock, ids, intervals, errors, secrets, bounded queue. Standard library only."""
