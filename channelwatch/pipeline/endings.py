"""A fault that is over before it was told of: one message says both, instead of two that come too late. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from channelwatch.incidents.model import Page, PageKind
from channelwatch.pipeline.ports import OutboxRow, OutboxState

UNTRIED = frozenset({OutboxState.PENDING, OutboxState.STANDBY})
"""Nobody is sending it, nor has it arrived."""
BEGINS = frozenset({PageKind.OPENED, PageKind.REOPENED, PageKind.LAPSED, PageKind.ESCALATED})
"""What a contact first hears of an incident."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox: its number, its page and where it stands."""

    row: int
    page: Page
    state: OutboxState


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The rows that need not be sent any more, and the chains of messages about the end that now say all."""

    rows: frozenset[int]
    chains: frozenset[str]


def ends_among(rows: Iterable[OutboxRow]) -> frozenset[int]:
    """The incidents of whose end `rows` tell."""
    return frozenset(row.page.incident for row in rows if row.page.kind is PageKind.RESTORED)


def overtaken(waiting: Sequence[Waiting], rows: Sequence[OutboxRow]) -> Overtaken:
    """What of `waiting` is overtaken by the ends that `rows` tell of.

    A message of the same incident to the same first way that nobody has begun to send; what is under way by one of its
    ways is left alone. A digest stands for others too, and stays.
    """
    ends = {_way(row.page): _chain(row.page) for row in rows if _is_end(row.page)}
    messages: defaultdict[tuple[int, str], list[Waiting]] = defaultdict(list)
    for item in waiting:
        if item.page.kind is not PageKind.DIGEST:
            messages[item.page.incident, _chain(item.page)].append(item)
    gone, chains = set[int](), set[str]()
    for ways in messages.values():
        first = next((item.page for item in ways if not item.page.is_spare), None)
        end = None if first is None else ends.get(_way(first))
        unsent = [item.row for item in ways if item.state in UNTRIED]
        begun = any(item.state in (OutboxState.CLAIMED, OutboxState.SENT) for item in ways)
        if first is None or end is None or begun or not unsent:
            continue
        gone.update(unsent)
        if first.kind in BEGINS:
            chains.add(end)
    return Overtaken(frozenset(gone), frozenset(chains))


def told_at_once(row: OutboxRow, found: Overtaken) -> OutboxRow:
    """`row`, which says that it began as well if the message about that is overtaken. Its key stays."""
    if row.page.kind is not PageKind.RESTORED or _chain(row.page) not in found.chains:
        return row
    passed = PageKind.PASSED
    return OutboxRow(replace(row.page, kind=passed), replace(row.alert, kind=passed))


def _is_end(page: Page) -> bool:
    return page.kind is PageKind.RESTORED and not page.is_spare


def _chain(page: Page) -> str:
    return page.chain or page.key


def _way(page: Page) -> tuple[int, str, str]:
    return (page.incident, page.channel, page.destination)
