"""Floor 2: the use-cases. They decide with floor 1 and act through the ports of `ports.py`."""
