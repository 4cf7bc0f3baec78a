"""What fails now and may pass by itself: shown in the readiness, logged when it begins, changes and ends."""

from __future__ import annotations

import logging
from types import TracebackType

from channelwatch.base.errors import Transient
from channelwatch.store.errors import StorePermanent, StoreReason

log = logging.getLogger(__name__)

_REPAIRABLE = frozenset({StoreReason.READ_ONLY, StoreReason.CORRUPT, StoreReason.CANNOT_OPEN})


def may_end(error: BaseException | None) -> bool:
    """May what the store refused now be taken later: by itself, or once a person has repaired the disk or the file?"""
    return isinstance(error, Transient) or (isinstance(error, StorePermanent) and error.reason in _REPAIRABLE)


class Troubles:
    """The present troubles by their event, such as `commit failed; will be tried again`."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def begins(self, event: str, reason: str) -> None:
        """`event` is the case, because of `reason`."""
        if self._reasons.get(event) != reason:
            self._reasons[event] = reason
            log.error(event, extra={"reason": reason})

    def ends(self, event: str) -> None:
        """`event` is the case no longer."""
        if self._reasons.pop(event, None) is not None:
            log.info("trouble is over", extra={"trouble": event})

    def tolerated(self, event: str) -> Tolerance:
        """A block in which an error that may end is `event` and ends the block; what else is raised goes on."""
        return Tolerance(self, event)

    def sentences(self) -> list[str]:
        """Each present trouble with its reason."""
        return [f"{event}: {reason}" for event, reason in self._reasons.items()]


class Tolerance:
    """What `Troubles.tolerated` gives: a context manager that may swallow."""

    def __init__(self, troubles: Troubles, event: str) -> None:
        self._troubles = troubles
        self._event = event

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if may_end(error):
            self._troubles.begins(self._event, str(error))
            return True
        if error is None:
            self._troubles.ends(self._event)
        return False
