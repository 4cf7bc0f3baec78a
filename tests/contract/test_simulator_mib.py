from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from channelwatch_simulator import ber, mib
from channelwatch_simulator.ber import Oid, Reader
from channelwatch_simulator.device import (
    BatteryStatus,
    CredentialKind,
    CredentialRole,
    CryptoMode,
    HaRole,
    PowerSource,
    SelfTest,
    Tamper,
    TemperatureStatus,
    TunnelState,
)
from channelwatch_simulator.notices import NoticeKind, label, trap_binds
from channelwatch_simulator.province import Preset, build_province
from channelwatch_simulator.story import Act, Event
from channelwatch_simulator.world import World
from pysmi.codegen import JsonCodeGen
from pysmi.compiler import MibCompiler
from pysmi.parser import SmiStarParser
from pysmi.reader import FileReader
from pysmi.writer import CallbackWriter

from tests.support.mibs import FOLDER, MODULE, write_base_modules

Definitions = dict[str, Any]
NOW = 5_000_000
WALL_OFFSET = 1_795_000_000_000


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    """The MIB as pysmi reads it."""
    texts: dict[str, str] = {}
    compiler = MibCompiler(
        SmiStarParser(tempdir=""),
        JsonCodeGen(),
        CallbackWriter(lambda name, text, _: texts.update({name: text})),
    )
    base = write_base_modules(tmp_path_factory.mktemp("mibs"))
    compiler.add_sources(FileReader(str(FOLDER)), FileReader(str(base)))
    outcome = compiler.compile(MODULE, rebuild=True)
    assert outcome[MODULE] == "compiled", outcome[MODULE]
    parsed: Definitions = json.loads(texts[MODULE])
    return parsed


@pytest.fixture(scope="module")
def world() -> World:
    return World(build_province(Preset.DEMO, 1), 1, now=NOW)


def arcs(definition: dict[str, Any]) -> Oid:
    return tuple(int(arc) for arc in definition["oid"].split("."))


def readable(definitions: Definitions) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in definitions.items():
        if definition.get("maxaccess") == "read-only":
            yield name, definition


def known_arcs() -> dict[str, Oid]:
    tables = (
        mib.SCALARS, mib.TUNNEL_COLUMNS, mib.CREDENTIAL_COLUMNS, mib.TEMPERATURE_COLUMNS, mib.FAN_COLUMNS,
        mib.PSU_COLUMNS,
    )  # fmt: skip
    found = {name: entry[0] for table in tables for name, entry in table.items()}
    return {**found, **mib.WALL_SCALARS}


def test_every_object_stands_where_the_mib_says(definitions: Definitions) -> None:
    assert {
        name: arcs(definition)[len(mib.OBJECTS) :] for name, definition in readable(definitions)
    } == known_arcs()


def test_every_value_has_the_type_that_the_mib_says(definitions: Definitions, world: World) -> None:
    tags = {
        "INTEGER": ber.INTEGER, "Integer32": ber.INTEGER, "TruthValue": ber.INTEGER, "Unsigned32": ber.GAUGE32,
        "Gauge32": ber.GAUGE32, "Counter32": ber.COUNTER32, "Counter64": ber.COUNTER64,
        "DisplayString": ber.OCTETS, "DateAndTime": ber.OCTETS,
    }  # fmt: skip
    view = mib.build_view(world.devices["51-D-T0001-A"], WALL_OFFSET)
    for name, definition in readable(definitions):
        following = view.after(arcs(definition), NOW)
        assert following is not None, name
        instance, encoded = following
        assert instance[: len(arcs(definition))] == arcs(definition), f"{name} has no instance"
        bind = Reader(encoded).enter(ber.SEQUENCE)
        bind.oid()
        assert bind.peek() == tags[definition["syntax"]["type"]], name


@pytest.mark.parametrize(
    ("name", "enumeration"),
    [
        ("cweCryptoMode", CryptoMode), ("cweSelfTest", SelfTest), ("cweTamper", Tamper),
        ("cweTunnelState", TunnelState), ("cweHaRole", HaRole), ("cwePowerSource", PowerSource),
        ("cweBatteryStatus", BatteryStatus), ("cweTemperatureStatus", TemperatureStatus),
        ("cweCredentialKind", CredentialKind), ("cweCredentialRole", CredentialRole),
    ],
)  # fmt: skip
def test_enumerations_agree_with_the_mib(definitions: Definitions, name: str, enumeration: Any) -> None:
    labels = definitions[name]["syntax"]["constraints"]["enumeration"]
    assert {label(member): member.value for member in enumeration}.items() <= labels.items()


def test_every_notice_carries_what_its_notification_promises(definitions: Definitions, world: World) -> None:
    forms = {arcs(item): item for item in definitions.values() if item.get("class") == "notificationtype"}
    acts = [
        (Act.TUNNEL_DOWN, "51-D-S0001-1"), (Act.TUNNEL_UP, "51-D-S0001-1"), (Act.HA_SWITCH, "51-D-T0001-A"),
        (Act.BYPASS_ON, "51-D-S0001-1"), (Act.BYPASS_OFF, "51-D-S0001-1"), (Act.TAMPER, "51-D-S0001-1"),
        (Act.POWER_BATTERY, "51-D-T0001-A"), (Act.HOT, "51-D-S0001-1"), (Act.KEY_EXPIRY, "51-D-S0001-1"),
        (Act.KEY_CHANGE, "51-D-S0001-1"), (Act.LOGIN_FAIL, "51-D-S0001-1"), (Act.CONFIG_CHANGE, "51-D-S0001-1"),
    ]  # fmt: skip
    told: set[NoticeKind] = set()
    for act, code in acts:
        for notice in world.apply(Event(0, act, (code,)), NOW):
            told.add(notice.kind)
            if notice.trap is None or notice.trap[: len(mib.ROOT)] != mib.ROOT:
                continue
            promised = [arcs(definitions[item["object"]]) for item in forms[notice.trap]["objects"]]
            names = [name for name, _ in trap_binds(notice, NOW)]
            assert [name[: len(want)] for name, want in zip(names, promised, strict=True)] == promised
    assert len(told) >= 11


def test_standard_objects_let_a_generic_collector_work(world: World) -> None:
    device = world.devices["51-D-21548-1"]
    view = mib.build_view(device, WALL_OFFSET)

    def value(text: str) -> bytes:
        name = tuple(int(arc) for arc in text.split("."))
        bind = Reader(view.get(name, NOW)).enter(ber.SEQUENCE)
        bind.oid()
        return bind.take(bind.peek())

    assert value("1.3.6.1.2.1.1.5.0") == b"51-D-21548-1"
    assert Reader(ber.tlv(ber.OID, value("1.3.6.1.2.1.1.2.0"))).oid() == mib.REFERENCE_ENCRYPTOR
    assert value("1.3.6.1.6.3.10.2.1.1.0") == device.engine_id
    assert value("1.3.6.1.2.1.31.1.1.1.1.2") == b"wan"
    assert value("1.3.6.1.2.1.25.1.2.0")[:2] == (2026).to_bytes(2, "big")
    ticks = int.from_bytes(value("1.3.6.1.2.1.1.3.0"), "big")
    seconds = int.from_bytes(value("1.3.6.1.6.3.10.2.1.3.0"), "big")
    assert ticks // 100 == seconds == device.uptime_ms(NOW) // 1000


def test_engine_ids_are_each_devices_own_and_of_legal_length(world: World) -> None:
    ids = [device.engine_id for device in world.devices.values()]
    assert len(set(ids)) == len(ids)
    assert all(5 <= len(one) <= 32 and one[0] & 0x80 for one in ids)


def test_date_and_time_is_that_of_the_province() -> None:
    assert mib.date_and_time(0).hex() == "040b" + "07b2" + "0101" + "070000" + "00" + "2b0700"
