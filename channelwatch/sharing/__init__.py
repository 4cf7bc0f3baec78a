"""Floor 1: what may leave this instance, to whom, and in what form. Default: nothing."""
