"""Reading columns to their end, page by page. Pure: says what to ask next and takes what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channelwatch_collector.snmp.ask import Ask, ask
from channelwatch_collector.snmp.bindings import Bindings, Names, Page, Part
from channelwatch_collector.snmp.pdu import ErrorStatus, PduType
from channelwatch_collector.snmp.port import Oid, PollFailure, Value

ANSWER_OCTETS = 1_400
"""Answers are kept below this, so that an encryptor's tunnel need not fragment them."""
GUESSED_OCTETS = 30
"""Of one variable binding, before any has been seen."""
CAREFUL_OCTETS = 175
"""Asked for after silence, in case the path loses larger answers."""


@dataclass(slots=True)
class PageHint:
    """What earlier walks of the same columns taught.

    `rows` of the longest column (None if never read), `octets` of one variable binding, and the
    `answer_octets` that get through. `whole` is a question whose one answer brought all of them, as long as that is so.
    """

    rows: int | None = None
    octets: int = GUESSED_OCTETS
    answer_octets: int = ANSWER_OCTETS
    whole: Ask | None = None


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
        hint: PageHint,
    ) -> None:
        self._roots = self._active = self._lasts = tuple(dict.fromkeys(columns))
        self._rows: dict[Oid, dict[Oid, Value]] = {root: {} for root in self._roots}
        self._max_repetitions = max_repetitions
        self._max_rows = max_rows
        self._max_pages = max_pages
        self._pages = 0
        self._hint = hint
        self._abreast = len(self._active)
        self._fullest = 0
        self.failed: dict[Oid, PollFailure] = {}

    def question(self) -> tuple[Oid, ...]:
        """The objects to start the next page from; empty when all columns are done."""
        return self._lasts[: self._abreast]

    def repetitions(self) -> int:
        """Rows to ask for: what is probably left and one more, within the limits of count and size."""
        read = len(self._rows[self._active[0]])
        known = self._hint.rows
        expected = self._max_repetitions if known is None or known < read else known - read + 1
        abreast = min(self._abreast, len(self._active))
        fitting = self._hint.answer_octets // (self._hint.octets * abreast)
        return max(1, min(self._max_repetitions, expected, fitting))

    def take(self, found: Bindings, octets: int) -> None:
        """An answer without error; `octets` is the size of its datagram."""
        names, values, absent = found
        if not values:
            self.refused(ErrorStatus.TOO_BIG, 0)
            return
        if len(values) >= self._fullest:  # shorter ones are mostly frame
            self._fullest = len(values)
            self._hint.octets = max(1, octets // len(values))
        self._hint.answer_octets = max(self._hint.answer_octets, min(octets, ANSWER_OCTETS))
        asked, lasts = self._active[: self._abreast], self._lasts[: self._abreast]
        page = names.page
        if page is None or page.asked != asked or page.lasts != lasts or page.absent != absent:
            page = names.page = _divide(asked, lasts, names, absent)
        going = []
        for root, part, rows in zip(asked, page.parts, _rows_of(page, values), strict=True):
            self._rows[root].update(rows)
            if not (part.ends and part.failure is None) and self._goes_on(root, part):
                going.append((root, part.last))
        self._go_on(going + self._pairs()[len(asked) :])
        self._count_page()

    def refused(self, status: int, index: int) -> None:
        """An answer with an error-status: ask for less, or give up the column that `index` (from 1) names."""
        asked = self._active[: self._abreast]
        culprit = asked[index - 1] if 1 <= index <= len(asked) else asked[0] if len(asked) == 1 else None
        if status == ErrorStatus.TOO_BIG:
            self._ask_less(PollFailure.TOO_BIG)
        elif status == ErrorStatus.NO_SUCH_NAME and len(asked) == 1:
            self._drop(asked[0])
        elif culprit is not None:
            self._fail(culprit, failure_of(status))
        else:
            self._abreast = 1
        self._count_page()

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

    def give_up(self, failure: PollFailure) -> None:
        """Fail every column still open."""
        self.failed.update(dict.fromkeys(self._active, failure))
        self._go_on([])

    def columns(self) -> dict[Oid, dict[Oid, Value]]:
        """The rows of each column that did not fail, by suffix in the agent's order."""
        if not self.failed:
            return self._rows
        return {root: rows for root, rows in self._rows.items() if root not in self.failed}

    def learn(self) -> PageHint:
        """The hint, completed for next time; columns not read to their end teach nothing about rows."""
        hint = self._hint
        if not self.failed:
            hint.rows = max(map(len, self._rows.values()), default=0)
            fitting = hint.answer_octets // (hint.octets * max(1, len(self._roots)))
            if self._pages == 1 and hint.rows < min(self._max_repetitions, fitting):
                hint.whole = ask(PduType.GET_BULK, self._roots, hint.rows + 1)
        return hint

    def _goes_on(self, root: Oid, part: Part) -> bool:
        if part.failure is not None:
            self.failed[root] = part.failure
        elif not part.ends:
            if len(self._rows[root]) <= self._max_rows:
                return True
            self.failed[root] = PollFailure.WALK_TOO_LONG
        return False

    def _pairs(self) -> list[tuple[Oid, Oid]]:
        return list(zip(self._active, self._lasts, strict=True))

    def _go_on(self, pairs: Sequence[tuple[Oid, Oid]]) -> None:
        """The columns still open, each with where to go on from."""
        self._active = tuple([root for root, _ in pairs])
        self._lasts = tuple([last for _, last in pairs])

    def _drop(self, done: Oid) -> None:
        self._go_on([pair for pair in self._pairs() if pair[0] != done])

    def _fail(self, root: Oid, failure: PollFailure) -> None:
        self.failed[root] = failure
        self._drop(root)

    def _count_page(self) -> None:
        self._pages += 1
        if self._pages >= self._max_pages:
            self.give_up(PollFailure.WALK_TOO_LONG)

    def _ask_less(self, failure: PollFailure) -> None:
        if self._max_repetitions > 1:
            self._max_repetitions = max(1, min(self._max_repetitions, self.repetitions()) // 2)
        elif self._abreast > 1:
            self._abreast = 1
        else:
            self._fail(self._active[0], failure)


def whole_columns(
    found: Bindings, asked: Ask, octets: int, rows: int | None
) -> dict[Oid, dict[Oid, Value]] | None:
    """All columns that `asked` names, if `found` is all of them and their longest has `rows` as before."""
    page, names = found.names.page, asked.names
    if (
        page is None
        or not page.ends
        or page.asked != names
        or page.lasts != names
        or page.absent != found.absent
        or page.longest != rows
        or octets > ANSWER_OCTETS
    ):
        return None
    return dict(zip(names, _rows_of(page, found.values), strict=True))


def _rows_of(page: Page, values: Sequence[Value]) -> list[dict[Oid, Value]]:
    width = len(page.parts)
    # Without `strict`, which costs a third of this: behind a column's end its values go on.
    return [dict(zip(part.suffixes, values[at::width])) for at, part in enumerate(page.parts)]  # noqa: B905


def _divide(roots: tuple[Oid, ...], lasts: tuple[Oid, ...], names: Names, absent: tuple[int, ...]) -> Page:
    """How the `names` of an answer, read row by row, belong to the columns below `roots` after `lasts`."""
    width = len(roots)
    parts = tuple(
        [
            _part_of(
                root,
                last,
                names.oids[at::width],
                [(gone - at) // width for gone in absent if gone % width == at],
            )
            for at, (root, last) in enumerate(zip(roots, lasts, strict=True))
        ]
    )
    return Page(
        roots,
        lasts,
        absent,
        parts,
        ends=all(part.ends and part.failure is None for part in parts),
        longest=max([len(part.suffixes) for part in parts], default=0),
    )


def _part_of(root: Oid, last: Oid, oids: tuple[Oid, ...], absent: Sequence[int]) -> Part:
    depth = len(root)
    suffixes: list[Oid] = []
    for row, oid in enumerate(oids):
        if oid[:depth] != root or row in absent:
            return Part(tuple(suffixes), last, True, None)
        if oid <= last:
            return Part(tuple(suffixes), last, True, PollFailure.WALK_NOT_INCREASING)
        suffixes.append(oid[depth:])
        last = oid
    return Part(tuple(suffixes), last, False, None)


def failure_of(status: int) -> PollFailure:
    """The word for an error-status (RFC 3416 section 3) other than noError."""
    match status:
        case ErrorStatus.TOO_BIG:
            return PollFailure.TOO_BIG
        case ErrorStatus.NO_ACCESS | ErrorStatus.AUTHORIZATION_ERROR:
            return PollFailure.NO_ACCESS
        case _:
            return PollFailure.GEN_ERR
