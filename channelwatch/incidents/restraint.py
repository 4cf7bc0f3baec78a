"""Nobody is told more than they can read: ten messages in ten minutes, whatever happens. Pure.

A person who gets forty messages reads none of them. After the first six, what is new waits for a digest: one message
that names the gravest incident and counts all that await somebody, as of when it is sent. The first digest goes out
after a moment, so that it has the whole of a burst; the next ones keep their distance. The sixth is kept for a P1 or
P2: a storm of lesser faults leaves room for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode
from channelwatch.incidents.model import Page, PageKind

PROGRAMS = frozenset({"alertmanager", "syslog"})
"""Channels that no person reads: they are to have everything, and above all each end."""

WINDOW_MS = 600_000
DIGESTS = 4
RESERVED = 1


@dataclass(frozen=True, slots=True)
class Restraint:
    """At most `most` messages to a contact within ten minutes, each by one way; four of them are digests.

    A digest waits `settle_ms` for what belongs to it.
    """

    most: int = 10
    settle_ms: int = 1_000

    @property
    def single(self) -> int:
        """Messages of their own within the window."""
        return self.most - DIGESTS

    @property
    def reserved(self) -> int:
        """So many of these are kept for what is grave."""
        return min(RESERVED, self.single // 3)

    @property
    def digest_every_ms(self) -> int:
        """Between two digests."""
        return WINDOW_MS // DIGESTS


@dataclass(frozen=True, slots=True)
class Budget:
    """When a contact was told lately, one message each, and when its latest digest is due."""

    singles: tuple[EpochMs, ...] = ()
    digest_at: EpochMs = EpochMs(0)

    def followed(self, now: EpochMs, restraint: Restraint) -> Budget:
        """Without what no longer counts, and without what a clock that was set back since put into the future."""
        recent = tuple(at for at in self.singles if 0 <= now - at < WINDOW_MS)
        ahead = self.digest_at - now > restraint.digest_every_ms + restraint.settle_ms
        return Budget(recent, EpochMs(0) if ahead else self.digest_at)


def by_recipient(pages: Sequence[Page]) -> list[list[Page]]:
    """Pages that are ways to tell one contact the same, the first way first."""
    found: dict[str, list[Page]] = {}
    for page in pages:
        found.setdefault(page.chain or page.key, []).append(page)
    return list(found.values())


def spent(told: Iterable[Page]) -> dict[ContactCode, Budget]:
    """What contacts have had, from the first way of each message that was written for them lately, the oldest first."""
    found: dict[ContactCode, Budget] = {}
    for page in told:
        budget = found.get(page.contact, Budget())
        if page.kind is PageKind.DIGEST:
            found[page.contact] = replace(budget, digest_at=max(budget.digest_at, page.not_before))
        else:
            found[page.contact] = replace(budget, singles=(*budget.singles, page.not_before))
    return found


def spend(
    budget: Budget, chain: Sequence[Page], now: EpochMs, restraint: Restraint, *, is_grave: bool = True
) -> tuple[Budget, list[Page]]:
    """What goes out of `chain`: itself while there is room, else a digest, else nothing: a digest is on its way."""
    left = budget.followed(now, restraint)
    if chain[0].channel in PROGRAMS:
        return left, list(chain)
    if len(left.singles) < restraint.single - (0 if is_grave else restraint.reserved):
        return replace(left, singles=(*left.singles, now)), list(chain)
    if left.digest_at > now:
        return left, []
    due = max(now + restraint.settle_ms, left.digest_at + restraint.digest_every_ms)
    return replace(left, digest_at=EpochMs(due)), [_digest(page, due - now) for page in chain]


def _digest(page: Page, wait_ms: int) -> Page:
    return replace(
        page,
        kind=PageKind.DIGEST,
        key=f"{page.key}.digest",
        chain=f"{page.chain}.digest" if page.chain else "",
        not_before=EpochMs(page.not_before + wait_ms),
    )
