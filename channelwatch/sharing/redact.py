"""What a shared record may contain: listed fields that hold a code, a time or a version. The rest is dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, TypeAlias

from channelwatch.sharing.policy import INSIDE, Decision, Destination, Result

FieldValue: TypeAlias = str | int | None


class Kind(Enum):
    """What a field's value has to look like, so that no address or free text travels under a listed name."""

    CODE = auto()
    """ASCII letters, digits, `_`, `-` and `/`, at most 48; or a whole number."""
    TIME = auto()
    """Epoch ms."""
    VERSION = auto()
    """As CODE, with dots and spaces, at most 64."""


FIELDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "device_code": Kind.CODE,
        "site_code": Kind.CODE,
        "bloc": Kind.CODE,
        "health": Kind.CODE,
        "cause": Kind.CODE,
        "since": Kind.TIME,
        "until": Kind.TIME,
        "severity": Kind.CODE,
        "incident_number": Kind.CODE,
        "ha_state": Kind.CODE,
    }
)
"""For every destination outside."""

TECHNICAL_FIELDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {"model_family": Kind.VERSION, "firmware": Kind.VERSION, "ha_role": Kind.CODE}
)
"""Also for those who judge the device itself."""

TECHNICAL_READERS: Final = frozenset({Destination.BCY, Destination.ASSESSOR})

_PATTERNS: Final = {
    Kind.CODE: re.compile(r"[A-Za-z0-9][A-Za-z0-9_/-]{0,47}"),
    Kind.VERSION: re.compile(r"[A-Za-z0-9][A-Za-z0-9_/. -]{0,63}"),
}


def redact(record: Mapping[str, object], decision: Decision) -> dict[str, FieldValue]:
    """The part of `record` that `decision` lets out; nothing unless it says SHARE.

    Inside the instance every plain value stays: there the roles decide who sees it.
    """
    if decision.result is not Result.SHARE:
        return {}
    if decision.destination in INSIDE:
        return {
            name: value for name, value in record.items() if value is None or isinstance(value, str | int)
        }
    allowed = dict(FIELDS)
    if decision.destination in TECHNICAL_READERS:
        allowed |= TECHNICAL_FIELDS
    return {
        name: value
        for name, value in record.items()
        if name in allowed and (value is None or isinstance(value, str | int)) and _fits(value, allowed[name])
    }


def _fits(value: FieldValue, kind: Kind) -> bool:
    if value is None:
        return True
    if isinstance(value, int):
        return not isinstance(value, bool) and kind is not Kind.VERSION
    return kind is not Kind.TIME and _PATTERNS[kind].fullmatch(value) is not None
