"""Floor 3: Prometheus exposition of the fleet (own text, cached) and of the process (prometheus_client)."""
