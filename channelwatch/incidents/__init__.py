"""Floor 1: the life of an incident, from the rule that opens it to the person who closes it. Pure."""
