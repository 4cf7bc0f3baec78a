"""What fails now and may pass by itself: shown in the readiness, logged when it begins, changes and ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from channelwatch.base.errors import Transient

log = logging.getLogger(__name__)


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

    @contextmanager
    def tolerated(self, event: str) -> Iterator[None]:
        """A Transient in the block is `event`; what else is raised goes on."""
        try:
            yield
        except Transient as error:
            self.begins(event, str(error))
        else:
            self.ends(event)

    def sentences(self) -> list[str]:
        """Each present trouble with its reason."""
        return [f"{event}: {reason}" for event, reason in self._reasons.items()]
