"""Putting our dashboards into a shared Grafana over its HTTP API."""
