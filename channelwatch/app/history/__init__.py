"""Commands about the past: how available something was, and what people did about it."""
