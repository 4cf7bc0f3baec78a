"""`channelwatch drill`: a fault that is not there, played to the real ladder, and what came of it."""
