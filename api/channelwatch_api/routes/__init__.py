"""Routes of the JSON API, of the metrics and of the probes."""
