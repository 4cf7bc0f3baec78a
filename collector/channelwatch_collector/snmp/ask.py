"""What is asked of an agent, by whichever engine."""

from __future__ import annotations

from functools import lru_cache

from channelwatch_collector.snmp.pdu import PduType, question
from channelwatch_collector.snmp.port import Oid

_PREPARED = 1_024


class Ask:
    """One question: its kind, the names, and for GET_BULK the repetitions. Equal only to itself; see `ask`.

    The answer to a GET carries exactly the names asked, or an error-status. `template` is the question prepared, for
    an engine that wants it so.
    """

    __slots__ = ("kind", "names", "repetitions", "template")

    def __init__(self, kind: PduType, names: tuple[Oid, ...], repetitions: int) -> None:
        self.kind = kind
        self.names = names
        self.repetitions = repetitions
        self.template = question(kind, names, max_repetitions=repetitions)


@lru_cache(_PREPARED)
def ask(kind: PduType, names: tuple[Oid, ...], repetitions: int = 0) -> Ask:
    """The question, the same whenever the same is asked."""
    return Ask(kind, names, repetitions)
