"""What `bench/store.py` measures: reports, sizes, storms, steps and memory."""
