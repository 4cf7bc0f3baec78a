"""Builds the Grafana dashboards: `python -m dashboards.builder` writes them, byte for byte the same each time."""
