"""Floor 1: what stands where, who owns it, and who answers for it. Pure data and its rules."""
