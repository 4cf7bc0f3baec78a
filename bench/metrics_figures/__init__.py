"""What the bench of the metrics page is made of."""
