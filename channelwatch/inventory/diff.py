"""What applying a wanted inventory would change. Pure; applying the same inventory twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from channelwatch.inventory.model import Inventory

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SECTIONS = ("owners", "units", "sites", "ha_groups", "devices", "channels", "contacts")


class ChangeKind(StrEnum):
    """What happens to an entry."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry's change; `before` and `after` hold only the fields that differ, as text."""

    section: str
    code: str
    kind: ChangeKind
    before: tuple[tuple[str, str], ...] = ()
    after: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        sign = {ChangeKind.ADD: "+", ChangeKind.REMOVE: "-", ChangeKind.CHANGE: "~"}[self.kind]
        old = dict(self.before)
        detail = ", ".join(
            f"{name}: {old[name]} -> {value}" if name in old else f"{name}: {value}"
            for name, value in self.after
        )
        return f"{sign} {self.section} {self.code}" + (
            f" ({detail})" if detail and self.kind is ChangeKind.CHANGE else ""
        )


def diff(current: Inventory | None, wanted: Inventory) -> list[Change]:
    """Changes from `current` to `wanted`, section by section, in code order."""
    changes: list[Change] = []
    if current is not None and current.province != wanted.province:
        changes.append(_changed("province", wanted.province.code, current.province, wanted.province))
    for section in SECTIONS:
        old = {item.code: item for item in getattr(current, section, ())}
        new = {item.code: item for item in getattr(wanted, section)}
        for code in sorted(old.keys() | new.keys()):
            if code not in old:
                changes.append(Change(section, code, ChangeKind.ADD, after=_texts(new[code])))
            elif code not in new:
                changes.append(Change(section, code, ChangeKind.REMOVE, before=_texts(old[code])))
            elif old[code] != new[code]:
                changes.append(_changed(section, code, old[code], new[code]))
    return changes


def _texts(item: DataclassInstance) -> tuple[tuple[str, str], ...]:
    return tuple((spec.name, _text(getattr(item, spec.name))) for spec in fields(item))


def _text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(str(part) for part in value) + "]"
    return "-" if value is None else str(value)


def _changed(section: str, code: str, old: DataclassInstance, new: DataclassInstance) -> Change:
    before, after = dict(_texts(old)), dict(_texts(new))
    names = [name for name in after if before.get(name) != after[name]]
    return Change(
        section,
        code,
        ChangeKind.CHANGE,
        before=tuple((name, before[name]) for name in names),
        after=tuple((name, after[name]) for name in names),
    )
