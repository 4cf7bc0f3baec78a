"""The tree of errors. What may be tried again is told from what may not by type, never by text."""

from __future__ import annotations


class ChannelwatchError(Exception):
    """Any failure that this product names.

    `operation` says what was being done and `subject` to whom (a device code, a file, an address);
    both are plain text without secrets, fit for a log line and for an operator.
    """

    def __init__(self, message: str, *, operation: str = "", subject: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.subject = subject

    def __str__(self) -> str:
        where = " ".join(part for part in (self.operation, self.subject) if part)
        return f"{where}: {self.message}" if where else self.message


class Transient(ChannelwatchError):
    """The same call may succeed later: a peer is silent, a lock is held, a disk is full."""


class Permanent(ChannelwatchError):
    """The same call will fail again: wrong input, wrong credential, refused request."""


class Bug(ChannelwatchError):
    """Our own contradiction. Never caught except by a task's supervisor."""


class InputError(Permanent):
    """Outside data that is refused: carries every problem found, each naming its place.

    `problems` are lines such as `inventory.yaml:12: devices[3].bloc: unknown bloc 'x'`.
    """

    def __init__(self, problems: list[str], *, operation: str = "", subject: str = "") -> None:
        super().__init__("\n".join(problems), operation=operation, subject=subject)
        self.problems = problems
