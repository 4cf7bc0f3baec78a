"""What `bench/alert.py` measures, one module for each kind of figure."""
