"""The collector: SNMP polls and traps, syslog, device profiles, and the link to the centre."""
