"""The dashboards, each one question: most general at the top left, exceptions first."""
