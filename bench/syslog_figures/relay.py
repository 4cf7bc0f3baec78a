"""A relay whose collector is killed again and again: what is lost and what comes twice, over RELP and over TCP."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from figures import Figure

from tests.support.relay_kill import Outcome, kill_while_sending

KILLS = 10
_CONTROL_KILLS = 4
_LINES_PER_S = 500


def figures() -> list[Figure]:
    """Lost and repeated lines, with rsyslog's plain TCP forwarding as the control."""
    relp, tcp = _run("relp", KILLS), _run("tcp", _CONTROL_KILLS)
    notes = {
        "kills": relp.kills,
        "messages": relp.sent,
        "relay": "rsyslog omrelp, in-memory queue",
        "control": f"rsyslog omfwd over TCP, {tcp.kills} kills, {tcp.sent} messages",
    }
    return [
        Figure("lines lost by a relay while the collector is killed", "messages", relp.lost, 0, 0, "value", "lower",
               "rsyslog omfwd", tcp.lost, notes),
        Figure("lines counted twice after kills", "%", relp.repeated / relp.sent * 100, 0.1, 0.0, "value", "lower",
               "rsyslog omfwd", tcp.repeated / tcp.sent * 100, notes),
    ]  # fmt: skip


def _run(protocol: Literal["relp", "tcp"], kills: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return kill_while_sending(Path(folder), protocol, kills=kills, lines_per_s=_LINES_PER_S)
