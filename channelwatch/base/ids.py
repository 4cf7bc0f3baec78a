"""Names of things. Each is ASCII text that a person assigned, except the numbers, which a store assigned."""

from __future__ import annotations

from typing import NewType

DeviceCode = NewType("DeviceCode", str)
GroupCode = NewType("GroupCode", str)
ChannelCode = NewType("ChannelCode", str)
CircuitCode = NewType("CircuitCode", str)
SiteCode = NewType("SiteCode", str)
UnitCode = NewType("UnitCode", str)
ContactCode = NewType("ContactCode", str)
RuleId = NewType("RuleId", str)
IncidentId = NewType("IncidentId", int)
LogId = NewType("LogId", str)
"""One append-only log: one (collector, bloc) pair writes it, numbering its entries from 1 without a gap."""
