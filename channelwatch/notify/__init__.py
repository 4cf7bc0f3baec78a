"""Floor 3: ways to reach people. One folder a delivery channel: transport, template, README."""
