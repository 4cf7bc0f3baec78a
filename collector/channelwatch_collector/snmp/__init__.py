"""SNMP: polling behind one port, and the receiver of traps and informs."""
