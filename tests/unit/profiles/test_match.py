"""Recognising what a device is."""

from __future__ import annotations

from pathlib import Path

import pytest
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.match import (
    SYS_DESCR,
    SYS_OBJECT_ID,
    By,
    Identity,
    identity,
    probes,
    recognise,
)
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.snmp.port import Oid, SnmpType, Value

from tests.unit.profiles.answers import oid

NET_SNMP = oid("1.3.6.1.4.1.8072.3.2.10")
PROBE = oid("1.3.6.1.4.1.99999.5.1.0")


def files(folder: Path) -> dict[str, Profile]:
    matches = {
        "family": "{sysobjectid: ['1.3.6.1.4.1.99999.5']}",
        "model": "{sysobjectid: ['1.3.6.1.4.1.99999.5.2']}",
        "by-text": "{sysdescr: '^Kestrel gateway'}",
        "by-probe": "{probe: '1.3.6.1.4.1.99999.5.1.0'}",
    }
    for name, match in matches.items():
        (folder / f"{name}.yaml").write_text(
            f"name: {name}\ndescription: x\nmatch: {match}\n", encoding="utf-8"
        )
    return dict(load_profiles(folder))


@pytest.mark.parametrize(
    ("object_id", "descr", "probed", "name", "by"),
    [
        (oid("1.3.6.1.4.1.99999.5.9"), "", None, "family", By.SYS_OBJECT_ID),
        (oid("1.3.6.1.4.1.99999.5.2.1"), "", None, "model", By.SYS_OBJECT_ID),
        (NET_SNMP, "Kestrel gateway 5", None, "by-text", By.SYS_DESCR),
        (NET_SNMP, "Linux host", True, "by-probe", By.PROBE),
        (NET_SNMP, "Linux host", False, "net-snmp", By.SYS_OBJECT_ID),
        ((0, 0), "something", False, "generic", By.NOTHING),
        ((), "", False, "generic", By.NOTHING),
    ],
)
def test_the_best_match_wins(
    tmp_path: Path, object_id: Oid, descr: str, probed: bool | None, name: str, by: By
) -> None:
    there = Value(SnmpType.INTEGER, 1) if probed else Value(SnmpType.NO_SUCH_OBJECT, None)
    answers = None if probed is None else {PROBE: there}
    found = recognise(files(tmp_path), Identity(object_id, descr), answers)
    assert found is not None
    assert (found.profile.name, found.by) == (name, by)


def test_a_generic_object_id_asks_for_the_probes_first(tmp_path: Path) -> None:
    profiles = files(tmp_path)
    assert recognise(profiles, Identity(NET_SNMP, "Linux host"), None) is None
    assert PROBE in probes(profiles)


def test_identity_survives_an_agent_that_says_little() -> None:
    missing = Value(SnmpType.NO_SUCH_OBJECT, None)
    assert identity({SYS_DESCR: missing, SYS_OBJECT_ID: missing}) == Identity()
    assert identity({}) == Identity()
    told = {
        SYS_DESCR: Value(SnmpType.OCTET_STRING, b"Box"),
        SYS_OBJECT_ID: Value(SnmpType.OBJECT_IDENTIFIER, (1, 3)),
    }
    assert identity(told) == Identity((1, 3), "Box")
