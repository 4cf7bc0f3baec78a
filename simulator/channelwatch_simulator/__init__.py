"""A province of simulated devices that speak real SNMP and syslog."""
