"""What `bench/snmp.py` measures, one module for each kind of figure."""
