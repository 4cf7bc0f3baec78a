"""The sharing decision (domain model, section 3.6) as a table read from the top: the first row that fits wins.

The table is the ceiling. Every destination outside the instance is also off until an owner enables it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from channelwatch.inventory.model import Category


class Destination(StrEnum):
    """Who asks."""

    LOCAL = "local"
    """Accounts of this instance, within their role's scope."""
    OWNER = "owner"
    """The owner of the system."""
    BLOC_CENTRAL = "bloc_central"
    """Central office of the same bloc."""
    MIL = "mil"
    """Military command."""
    BCY = "bcy"
    """Monitoring centre of the Cipher Committee."""
    ASSESSOR = "assessor"
    IRT = "irt"
    """Provincial response team."""
    STEERING = "steering"
    """Standing body of the provincial Steering Committee."""
    PROV_CSC = "prov_csc"
    """Provincial cyber-security centre, outside an instance that someone else operates."""
    NAT_CSC = "nat_csc"
    """National cyber-security centre."""
    OTHER_BLOC = "other_bloc"
    ELSEWHERE = "elsewhere"
    """Anyone not listed: the Internet, press, a vendor."""


INSIDE: Final = frozenset({Destination.LOCAL, Destination.OWNER})


class Result(StrEnum):
    """In what form data may go."""

    SHARE = "share"
    AGGREGATE = "aggregate"
    NEVER = "never"


class Reason(StrEnum):
    """Why a decision is what it is."""

    RULE = "rule"
    """The table's row says so."""
    NOT_ENABLED = "not_enabled"
    """The table would allow it; the owner has not."""
    EXPIRED = "expired"
    """The owner's permission has ended."""
    ASSESSOR_NOT_NAMED = "assessor_not_named"
    """Cipher systems: the Cipher Committee has not named this assessor."""


Level: TypeAlias = int | None
"""Cấp độ 1 to 5; None: unset."""

LEVELS: Final = (None, 1, 2, 3, 4, 5)

RESTRICTIVENESS: Final = (
    Category.UNSET,
    Category.MILITARY,
    Category.DEFENCE,
    Category.CIPHER,
    Category.STATE_SECRET,
    Category.GENERAL,
)
"""Most restrictive first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; None fits anything."""

    rule: int
    result: Result
    categories: frozenset[Category] | None = None
    levels: frozenset[Level] | None = None
    destinations: frozenset[Destination] | None = None

    def fits(self, category: Category, level: Level, destination: Destination) -> bool:
        """Does this line speak of the case?"""
        return (
            (self.categories is None or category in self.categories)
            and (self.levels is None or level in self.levels)
            and (self.destinations is None or destination in self.destinations)
        )


def _destinations(names: str) -> frozenset[Destination]:
    return frozenset(Destination(name) for name in names.split())


_SECRET_FORCES: Final = frozenset({Category.MILITARY, Category.DEFENCE})
_CIPHER: Final = frozenset({Category.CIPHER})
_STATE_SECRET: Final = frozenset({Category.STATE_SECRET})
_GENERAL: Final = frozenset({Category.GENERAL})
_LOW: Final = frozenset[Level]({1, 2})
_HIGH: Final = frozenset[Level]({3, 4, 5})
_UNSET: Final = frozenset[Level]({None})

TABLE: Final[tuple[Row, ...]] = (
    Row(1, Result.NEVER, destinations=_destinations("other_bloc elsewhere")),
    Row(2, Result.SHARE, destinations=INSIDE),
    Row(3, Result.SHARE, _SECRET_FORCES, destinations=_destinations("mil")),
    Row(3, Result.NEVER, _SECRET_FORCES),
    Row(4, Result.NEVER, frozenset({Category.UNSET})),
    Row(4, Result.NEVER, levels=_UNSET),
    Row(5, Result.SHARE, _CIPHER, destinations=_destinations("bcy assessor")),
    Row(5, Result.AGGREGATE, _CIPHER, destinations=_destinations("bloc_central mil irt steering")),
    Row(5, Result.NEVER, _CIPHER, destinations=_destinations("prov_csc nat_csc")),
    Row(6, Result.SHARE, _STATE_SECRET, destinations=_destinations("assessor")),
    Row(
        6,
        Result.AGGREGATE,
        _STATE_SECRET,
        destinations=_destinations("bloc_central irt steering bcy prov_csc"),
    ),
    Row(6, Result.NEVER, _STATE_SECRET, destinations=_destinations("nat_csc mil")),
    Row(7, Result.SHARE, _GENERAL, _HIGH, _destinations("nat_csc prov_csc irt assessor")),
    Row(7, Result.SHARE, _GENERAL, _LOW, _destinations("irt assessor")),
    Row(7, Result.AGGREGATE, _GENERAL, _LOW, _destinations("prov_csc")),
    Row(7, Result.NEVER, _GENERAL, _LOW, _destinations("nat_csc")),
    Row(7, Result.AGGREGATE, _GENERAL, destinations=_destinations("bloc_central steering")),
    Row(7, Result.NEVER, _GENERAL, destinations=_destinations("bcy mil")),
    Row(8, Result.NEVER),
)


@dataclass(frozen=True, slots=True)
class Enablement:
    """The permission of `owner` (its code) to send what concerns its own systems to one destination.

    It ends at `until` (epoch ms, not included). `document`: number of the paper that grants it, never empty.
    `named_by_cipher_committee`: for an assessor of cipher systems.
    """

    owner: str
    destination: Destination
    document: str
    until: int
    named_by_cipher_committee: bool = False

    def __post_init__(self) -> None:
        if not self.document.strip():
            raise ValueError("a destination is enabled by a document with a number")


FACTORY_STATE: Final[tuple[Enablement, ...]] = ()
"""Nothing is enabled."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What `destination` may get, by which rule of the table, and why. `document` is the permission that was used."""

    destination: Destination
    result: Result
    rule: int
    reason: Reason
    document: str | None = None


def effective_category(categories: Iterable[Category]) -> Category:
    """The most restrictive of device, system, site and the channel's far end; UNSET for none at all."""
    return min(categories, key=RESTRICTIVENESS.index, default=Category.UNSET)


def effective_level(levels: Sequence[Level]) -> Level:
    """The highest of them; unset if any is unset or there are none."""
    known = [level for level in levels if level is not None]
    return max(known) if known and len(known) == len(levels) else None


def ceiling(category: Category, level: Level, destination: Destination) -> Row:
    """The row that decides. ValueError for a level outside 1-5."""
    if level not in LEVELS:
        raise ValueError(f"a level is 1 to 5 or unset, not {level}")
    return next(row for row in TABLE if row.fits(category, level, destination))


def decide(
    category: Category,
    level: Level,
    destination: Destination,
    *,
    now: int,
    owner: str | None = None,
    enablements: Iterable[Enablement] = FACTORY_STATE,
) -> Decision:
    """May data of this effective category and level go to `destination` at `now` (epoch ms)?

    `owner`: code of the system's owner; only its own permissions count.
    """
    row = ceiling(category, level, destination)
    if row.result is Result.NEVER or destination in INSIDE:
        return Decision(destination, row.result, row.rule, Reason.RULE)
    granted = [item for item in enablements if (item.owner, item.destination) == (owner, destination)]
    valid = [item for item in granted if now < item.until]
    if not valid:
        reason = Reason.EXPIRED if granted else Reason.NOT_ENABLED
        return Decision(destination, Result.NEVER, row.rule, reason)
    if category is Category.CIPHER and destination is Destination.ASSESSOR:
        valid = [item for item in valid if item.named_by_cipher_committee]
        if not valid:
            return Decision(destination, Result.NEVER, row.rule, Reason.ASSESSOR_NOT_NAMED)
    return Decision(destination, row.result, row.rule, Reason.RULE, valid[0].document)
