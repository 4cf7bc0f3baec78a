"""What many devices add up to: units, blocs, layers. Pure.

Only devices in service count. A unit is as bad as its worst device; percentages are never averaged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from channelwatch.base.ids import UnitCode
from channelwatch.inventory.model import Bloc, Inventory, Role, UnitKind
from channelwatch.metrics.text import Family, Kind, label_value, more_label, sample

BLOC = {"bloc": "`party`, `gov`, `na`, `front`"}
SEVERITIES = ("fine", "degraded", "no_data", "weakened", "alarm", "down", "exposed")
"""Words of the numbers of `channelwatch_device_severity`."""

NO_DATA = SEVERITIES.index("no_data")
CARRIES = frozenset({0, 1, 3, 4})
"""Severities of a device whose channel is known to carry traffic under protection."""

LAYER_ROLES: Mapping[int, tuple[Role, ...]] = {
    1: (Role.ONSITE,),
    2: (Role.WATCH, Role.CHIEF, Role.RESPONDER),
    3: (Role.ASSESSOR, Role.AUDITOR),
    4: (Role.OWNER, Role.SHARE_OFFICER),
}
"""The posts of each of the four layers (domain model, sections 3.4 and 3.5)."""

UNIT_INFO = Family(
    "channelwatch_unit_info",
    "A unit of the inventory; always 1.",
    Kind.INFO,
    {
        **BLOC,
        "unit": "code",
        "kind": "`central`, `province_office`, `agency`, `commune`",
        "name": "as the inventory says",
    },
)
UNIT_SEVERITY = Family(
    "channelwatch_unit_severity",
    "The worst device of a bloc in a unit, as channelwatch_device_severity.",
    labels={**BLOC, "unit": "code of the unit"},
)
DEVICES = Family(
    "channelwatch_devices",
    "Devices in service, by how they are.",
    labels={**BLOC, "state": "`fine`, `degraded`, `no_data`, `weakened`, `alarm`, `down`, `exposed`"},
)
COVERAGE = Family(
    "channelwatch_coverage_ratio",
    "Share of the devices in service of which something is known now.",
    labels=BLOC,
    optional=True,
)
COMMUNES = Family(
    "channelwatch_communes",
    "Communes in a bloc's reach: those with a device in service.",
    labels=BLOC,
)
COMMUNES_SERVED = Family(
    "channelwatch_communes_with_channel",
    "Communes in a bloc's reach, all of whose devices there carry protected traffic.",
    labels=BLOC,
)
LAYER = Family(
    "channelwatch_layer_coverage_ratio",
    "Share of a layer's posts that a contact or an account fills: 1 on-site force; 2 watch, chief, responders; "
    "3 assessor, auditor; 4 owner, share officer.",
    labels={**BLOC, "layer": "`1` to `4`"},
)
FAMILIES = (UNIT_INFO, UNIT_SEVERITY, DEVICES, COVERAGE, COMMUNES, COMMUNES_SERVED, LAYER)


Place = tuple[Bloc, UnitCode]
"""The devices of one bloc in one unit."""


@dataclass(frozen=True, slots=True)
class Posts:
    """Roles that somebody fills, by bloc."""

    filled: Mapping[Bloc, frozenset[Role]]

    @classmethod
    def of(cls, inventory: Inventory, accounts: Iterable[tuple[Role, Collection[Bloc]]] = ()) -> Posts:
        """Those of the inventory's contacts and of accounts."""
        every = [(item.role, item.blocs) for item in inventory.contacts if item.deliver]
        every += [(role, tuple(blocs)) for role, blocs in accounts]
        return cls({bloc: frozenset(role for role, blocs in every if bloc in blocs) for bloc in Bloc})


class Rollup:
    """Adds up the devices of one inventory version; what does not change is written once."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._told: dict[Place, tuple[str, str]] = {}

    def lines(
        self,
        standing: Iterable[tuple[Place, int]],
        posts: Posts,
        *,
        blocs: Collection[Bloc],
        whole: bool = True,
    ) -> dict[str, bytes]:
        """The samples by family name. `standing`: place and severity of each device in service.

        Figures of a bloc are only told where `standing` has the `whole` of its devices.
        """
        worst: dict[Place, int] = {}
        counts: dict[Bloc, Counter[int]] = {bloc: Counter() for bloc in Bloc if bloc in blocs}
        for place, value in standing:
            if value > worst.get(place, -1):
                worst[place] = value
            counts[place[0]][value] += 1
        told = [(self._of(place), value) for place, value in worst.items()]
        found = {
            UNIT_INFO.name: "".join([info for (info, _), _ in told]),
            UNIT_SEVERITY.name: "".join([f"{opened}{value}\n" for (_, opened), value in told]),
        }
        if whole:
            for name, line in self._bloc_lines(counts, worst, posts):
                found[name] = found.get(name, "") + line
        return {name: text.encode() for name, text in found.items()}

    def _of(self, place: Place) -> tuple[str, str]:
        """A unit's identity, and its severity but for the value."""
        told = self._told.get(place)
        if told is None:
            unit = self._inventory.unit[place[1]]
            base = f'bloc="{place[0].value}",unit="{label_value(unit.code)}"'
            more = f',kind="{unit.kind.value}"{more_label("name", unit.name)}'
            told = f"{UNIT_INFO.name}{{{base}{more}}} 1\n", f"{UNIT_SEVERITY.name}{{{base}}} "
            self._told[place] = told
        return told

    def _bloc_lines(
        self, counts: Mapping[Bloc, Counter[int]], worst: Mapping[Place, int], posts: Posts
    ) -> Iterator[tuple[str, str]]:
        communes: dict[Bloc, list[int]] = {bloc: [] for bloc in counts}
        for (bloc, code), value in worst.items():
            if self._inventory.unit[code].kind is UnitKind.COMMUNE:
                communes[bloc].append(value)
        for bloc, count in counts.items():
            base = f'bloc="{bloc}"'
            yield from _count_lines(base, count)
            served = sum(value in CARRIES for value in communes[bloc])
            yield COMMUNES.name, sample(COMMUNES.name, base, len(communes[bloc]))
            yield COMMUNES_SERVED.name, sample(COMMUNES_SERVED.name, base, served)
            for layer, roles in LAYER_ROLES.items():
                filled = posts.filled[bloc].intersection(roles)
                yield LAYER.name, sample(LAYER.name, f'{base},layer="{layer}"', len(filled) / len(roles))


def _count_lines(base: str, count: Counter[int]) -> Iterator[tuple[str, str]]:
    for number, word in enumerate(SEVERITIES):
        yield DEVICES.name, sample(DEVICES.name, f'{base},state="{word}"', count[number])
    every = count.total()
    if every:
        yield COVERAGE.name, sample(COVERAGE.name, base, (every - count[NO_DATA]) / every)
