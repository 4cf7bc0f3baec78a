"""Reading columns to their end, page by page. Pure: says what to ask next and takes what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from channelwatch_collector.snmp.pdu import ErrorStatus
from channelwatch_collector.snmp.port import Oid, PollFailure, SnmpType, Value, VarBind

ANSWER_OCTETS = 1_400
"""Answers are kept below this, so that an encryptor's tunnel need not fragment them."""
GUESSED_OCTETS = 30
"""Of one variable binding, before any has been seen."""
CAREFUL_OCTETS = 175
"""Asked for after silence, in case the path loses larger answers."""

_ENDS = frozenset({SnmpType.END_OF_MIB_VIEW, SnmpType.NO_SUCH_OBJECT, SnmpType.NO_SUCH_INSTANCE})


@dataclass(slots=True)
class PageHint:
    """What earlier walks of the same columns taught.

    `rows` of the longest column (None if never read), `octets` of one variable binding, and the
    `answer_octets` that get through.
    """

    rows: int | None = None
    octets: int = GUESSED_OCTETS
    answer_octets: int = ANSWER_OCTETS


@dataclass(slots=True)
class _Column:
    root: Oid
    last: Oid
    rows: dict[Oid, Value] = field(default_factory=dict)


class ColumnReader:
    """Reads all of `columns` abreast with GETBULK.

    Ask `question()` while it is not empty, with `repetitions()`; pass each answer to `take()` or
    `refused()`, and silence to `silent()`. A column that fails is dropped whole and named in `failed`.
    """

    def __init__(
        self,
        columns: Sequence[Oid],
        *,
        max_repetitions: int,
        max_rows: int,
        max_pages: int,
        hint: PageHint | None = None,
    ) -> None:
        self._columns = [_Column(root, root) for root in dict.fromkeys(columns)]
        self._active = list(self._columns)
        self._max_repetitions = max_repetitions
        self._max_rows = max_rows
        self._pages_left = max_pages
        self._hint = hint or PageHint()
        self._abreast = len(self._active)
        self.failed: dict[Oid, PollFailure] = {}

    def question(self) -> tuple[Oid, ...]:
        """The objects to start the next page from; empty when all columns are done."""
        return tuple(column.last for column in self._active[: self._abreast])

    def repetitions(self) -> int:
        """Rows to ask for: what is probably left and one more, within the limits of count and size."""
        read = len(self._active[0].rows)
        known = self._hint.rows
        expected = self._max_repetitions if known is None or known < read else known - read + 1
        abreast = min(self._abreast, len(self._active))
        fitting = self._hint.answer_octets // (self._hint.octets * abreast)
        return max(1, min(self._max_repetitions, expected, fitting))

    def take(self, varbinds: Sequence[VarBind], octets: int) -> None:
        """An answer without error; `octets` is the size of its datagram."""
        asked = self._active[: self._abreast]
        if not varbinds:
            self.refused(ErrorStatus.TOO_BIG, 0)
            return
        self._hint.octets = max(1, octets // len(varbinds))
        self._hint.answer_octets = max(self._hint.answer_octets, min(octets, ANSWER_OCTETS))
        width = len(asked)
        finished = {
            column.root for at, column in enumerate(asked) if not self._extend(column, varbinds[at::width])
        }
        self._pages_left -= 1
        self._active = [column for column in self._active if column.root not in finished]
        if self._pages_left <= 0:
            self.give_up(PollFailure.WALK_TOO_LONG)

    def refused(self, status: int, index: int) -> None:
        """An answer with an error-status: ask for less, or give up the column that `index` (from 1) names."""
        asked = self._active[: self._abreast]
        self._pages_left -= 1
        if status == ErrorStatus.TOO_BIG:
            self._ask_less(PollFailure.TOO_BIG)
        elif status == ErrorStatus.NO_SUCH_NAME and len(asked) == 1:
            self._active.remove(asked[0])
        elif 1 <= index <= len(asked):
            self._fail(asked[index - 1], failure_of(status))
        elif len(asked) > 1:
            self._abreast = 1
        else:
            self._fail(asked[0], failure_of(status))
        if self._pages_left <= 0:
            self.give_up(PollFailure.WALK_TOO_LONG)

    def silent(self, failure: PollFailure) -> None:
        """No usable answer to a page, after all retries.

        A path that loses large answers looks just like this, so a smaller page is tried; after that the
        columns still open are given up, since their rows would be incomplete.
        """
        hint = self._hint
        if (
            failure is PollFailure.NO_ANSWER
            and self.repetitions() > 1
            and hint.answer_octets > CAREFUL_OCTETS
        ):
            hint.answer_octets = CAREFUL_OCTETS
        else:
            self.give_up(failure)

    def columns(self) -> dict[Oid, dict[Oid, Value]]:
        """The rows of each column that did not fail, by suffix in the agent's order."""
        return {column.root: column.rows for column in self._columns if column.root not in self.failed}

    def learn(self) -> PageHint:
        """The hint for next time; columns that were not read to their end teach nothing about rows."""
        if not self.failed:
            self._hint.rows = max((len(column.rows) for column in self._columns), default=0)
        return self._hint

    def _extend(self, column: _Column, rows: Sequence[VarBind]) -> bool:
        """Append what is below the root; False when the column ends or fails within these rows."""
        root, last, kept = column.root, column.last, column.rows
        depth = len(root)
        for name, value in rows:
            if name[:depth] != root or value.type in _ENDS:
                return False
            if name <= last:
                self.failed[root] = PollFailure.WALK_NOT_INCREASING
                return False
            kept[name[depth:]] = value
            last = name
        column.last = last
        if len(kept) > self._max_rows:
            self.failed[root] = PollFailure.WALK_TOO_LONG
            return False
        return True

    def _ask_less(self, failure: PollFailure) -> None:
        if self._max_repetitions > 1:
            self._max_repetitions = max(1, min(self._max_repetitions, self.repetitions()) // 2)
        elif self._abreast > 1:
            self._abreast = 1
        else:
            self._fail(self._active[0], failure)

    def _fail(self, column: _Column, failure: PollFailure) -> None:
        self.failed[column.root] = failure
        self._active.remove(column)

    def give_up(self, failure: PollFailure) -> None:
        """Fail every column still open."""
        for column in self._active:
            self.failed[column.root] = failure
        self._active = []


def failure_of(status: int) -> PollFailure:
    """The word for an error-status (RFC 3416 section 3) other than noError."""
    match status:
        case ErrorStatus.TOO_BIG:
            return PollFailure.TOO_BIG
        case ErrorStatus.NO_ACCESS | ErrorStatus.AUTHORIZATION_ERROR:
            return PollFailure.NO_ACCESS
        case _:
            return PollFailure.GEN_ERR
