"""What `bench/syslog.py` measures, one module for each kind of figure."""
