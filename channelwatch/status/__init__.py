"""Floor 1: from signals to the state of devices, pairs and channels. Pure functions of (state, observation, now)."""
