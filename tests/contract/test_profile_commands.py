"""`channelwatch profile`: list, check, test, schema, new."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.load import BUILT_IN_FOLDER, check_profile
from channelwatch_collector.profiles.rows import Memory

from channelwatch.app.cli import main
from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal, SignalState
from tests.support.peers import ROOT
from tests.unit.profiles.answers import Given, answer, moment, oid

Command = Callable[..., tuple[int, str, str]]

OWN = """\
name: own
description: One of ours.
match: {sysobjectid: ['1.3.6.1.4.1.99998.1']}
includes: [system]
scalars: {mode: '1.3.6.1.4.1.99998.1.1.0'}
signals: [{signal: crypto.mode, value: mode, enum: {1: encrypting, 2: bypass_plaintext}}]
tables:
  - name: tunnels
    columns:
      peer: '1.3.6.1.4.1.99998.1.2.1.2'
      state: '1.3.6.1.4.1.99998.1.2.1.3'
      octets: '1.3.6.1.4.1.99998.1.2.1.4'
    component: peer
    peers: [peer]
    signals:
      - {signal: channel.state, value: state, enum: {1: up, 2: down}}
      - {signal: channel.rx_bytes, value: per_second(octets)}
"""

WALK = """\
1.3.6.1.2.1.1.1.0|4|Kestrel 7
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99998.1.4
1.3.6.1.2.1.1.3.0|67|{ticks}
1.3.6.1.4.1.99998.1.1.0|2|2
1.3.6.1.4.1.99998.1.2.1.2.1|4|hub
1.3.6.1.4.1.99998.1.2.1.3.1|2|1
1.3.6.1.4.1.99998.1.2.1.4.1|70|{octets}
this line is none
"""

REFERENCE_MIB = (
    ROOT / "simulator" / "channelwatch_simulator" / "mibs" / "CHANNELWATCH-REFERENCE-ENCRYPTOR-MIB"
)

OLD_MIB = """\
KESTREL-MIB DEFINITIONS ::= BEGIN
IMPORTS enterprises FROM RFC1155-SMI OBJECT-TYPE FROM RFC-1212 TRAP-TYPE FROM RFC-1215
        DisplayString FROM RFC1213-MIB;
kestrel OBJECT IDENTIFIER ::= { enterprises 99998 }
system  OBJECT IDENTIFIER ::= { kestrel 1 }
LinkState ::= INTEGER { established(1), negotiating(2), broken(3) }
serialNumber OBJECT-TYPE SYNTAX DisplayString ACCESS read-only STATUS mandatory ::= { system 1 }
preSharedKey OBJECT-TYPE SYNTAX DisplayString ACCESS read-write STATUS mandatory ::= { system 2 }
adminPassword OBJECT-TYPE SYNTAX DisplayString ACCESS read-write STATUS mandatory ::= { system 3 }
passwordExpires OBJECT-TYPE SYNTAX INTEGER ACCESS read-only STATUS mandatory ::= { system 4 }
colour OBJECT-TYPE SYNTAX INTEGER { red(1), green(2) } ACCESS read-only STATUS mandatory
    DESCRIPTION "Of the case." ::= { system 5 }
tunnelTable OBJECT-TYPE SYNTAX SEQUENCE OF TunnelEntry ACCESS not-accessible STATUS mandatory ::= { system 6 }
tunnelEntry OBJECT-TYPE SYNTAX TunnelEntry ACCESS not-accessible STATUS mandatory
    INDEX { tunnelIndex } ::= { tunnelTable 1 }
TunnelEntry ::= SEQUENCE { tunnelIndex INTEGER, tunnelName DisplayString, tunnelState LinkState }
tunnelIndex OBJECT-TYPE SYNTAX INTEGER (1..65535) ACCESS not-accessible STATUS mandatory ::= { tunnelEntry 1 }
tunnelName OBJECT-TYPE SYNTAX DisplayString ACCESS read-only STATUS mandatory ::= { tunnelEntry 2 }
tunnelState OBJECT-TYPE SYNTAX LinkState ACCESS read-only STATUS mandatory ::= { tunnelEntry 3 }
tunnelDown TRAP-TYPE ENTERPRISE kestrel VARIABLES { tunnelName } DESCRIPTION "A tunnel broke." ::= 5
END
"""


@pytest.fixture
def profile(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command; (status, output, errors)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main(["profile", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_list_names_every_built_in_profile_and_how_it_is_recognised(profile: Command) -> None:
    status, output, _ = profile("list", "--json")
    entries = {entry["name"]: entry for entry in json.loads(output)}
    assert status == 0
    assert {path.stem for path in BUILT_IN_FOLDER.glob("*.yaml")} - {"never-read"} == set(entries)
    assert "sysObjectID 1.3.6.1.4.1.12356.101.1" in entries["fortigate"]["recognised_by"]
    assert "channel.state" in entries["fortigate"]["signals"]
    assert all(entry["recognised_by"] for name, entry in entries.items() if name != "generic")
    _, text, _ = profile("list")
    assert "fortigate: FortiGate firewall" in text


def test_a_profile_without_a_mistake_passes_alone_and_in_its_folder(profile: Command, tmp_path: Path) -> None:
    own = written(tmp_path, "own.yaml", OWN)
    assert profile("check", own)[:2] == (0, f"{own}: profile own without a mistake\n")
    status, output, _ = profile("check", tmp_path)
    assert status == 0
    assert "1 of them new" in output


@pytest.mark.parametrize(
    ("wrong", "right", "complaint"),
    [
        ("descriptio: One", "description: One", "own.yaml:2: descriptio: unknown key"),
        ("signal: crypto.mod,", "signal: crypto.mode,", "own.yaml:6: signals[0].signal"),
        ("{1: encrypted,", "{1: encrypting,", "crypto.mode has no word 'encrypted'"),
        ("value: moode,", "value: mode,", "own.yaml:6: signals[0]: there is no object 'moode'"),
        ("per_secon(octets)", "per_second(octets)", "own.yaml:17: tables[0].signals[1].value"),
        ("'1.3.6.1.6.3.18.1.1.1.2'", "'1.3.6.1.4.1.99998.1.1.0'", "own.yaml:5: scalars.mode: must never be read"),
        ("peers: [pear]", "peers: [peer]", "there is no object 'pear'"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_file_line_and_key(
    profile: Command, tmp_path: Path, wrong: str, right: str, complaint: str
) -> None:
    own = written(tmp_path, "own.yaml", OWN.replace(right, wrong))
    for path in (own, tmp_path):
        status, _, errors = profile("check", path)
        assert status == 2
        assert complaint in errors


def test_a_walk_is_recognised_and_read(profile: Command, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    written(folder, "own.yaml", OWN)
    walk = written(tmp_path, "box.snmprec", WALK.format(ticks=100, octets=0))
    arguments = ("test", "auto", "--walk", walk, "--profiles", folder, "--expect", "hub", "--expect", "spare")
    status, output, _ = profile(*arguments, "--json")
    document = json.loads(output)
    found = {(item["signal"], item["component"]): item for item in document["readings"]}
    assert status == 0
    assert (document["profile"], document["recognised_by"]) == ("own", "sys_object_id")
    assert document["evidence"] == "1.3.6.1.4.1.99998.1.4"
    assert found["crypto.mode", ""]["state"] == "failed"
    assert found["channel.state", "hub"]["source"] == "1.3.6.1.4.1.99998.1.2.1.3.1"
    assert found["channel.state", "spare"]["value"] == "missing"
    assert "ha.role" in document["unsupported"]
    assert any("line 8" in note for note in document["notes"])
    _, text, _ = profile(*arguments)
    assert "profile      own, by sysObjectID: 1.3.6.1.4.1.99998.1.4" in text
    assert "not offered: " in text


def test_two_walks_give_rates(profile: Command, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    written(folder, "own.yaml", OWN)
    first = written(tmp_path, "first.snmprec", WALK.format(ticks=100, octets=0))
    later = written(tmp_path, "later.snmprec", WALK.format(ticks=6100, octets=6000))
    walks = ("--walk", first, "--walk", later)
    _, output, _ = profile("test", "own", *walks, "--profiles", folder, "--json")
    rates = [item["value"] for item in json.loads(output)["readings"] if item["signal"] == "channel.rx_bytes"]
    assert rates == [100.0]


def test_wrong_arguments_are_refused_with_a_sentence(profile: Command, tmp_path: Path) -> None:
    walk = written(tmp_path, "box.snmprec", WALK.format(ticks=100, octets=0))
    for arguments, sentence in (
        (("test", "nothing", "--walk", walk), "there is no profile 'nothing'"),
        (("test", "auto", "--walk", tmp_path / "none"), "cannot be read"),
        (("test", "auto", "--walk", walk, "--at", "noon"), "is no ISO 8601 time"),
        (("check", tmp_path / "none.yaml"), "no such file"),
    ):
        status, _, errors = profile(*arguments)
        assert status == 2
        assert sentence in errors


def test_the_schema_describes_what_the_loader_takes(profile: Command) -> None:
    _, output, _ = profile("schema")
    schema = json.loads(output)
    assert set(yaml.safe_load(OWN)) <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert "name" in schema["required"]


def test_the_draft_of_the_reference_mib_loads_and_judges_nothing(profile: Command, tmp_path: Path) -> None:
    out = tmp_path / "draft.yaml"
    status, output, _ = profile("new", "--mib", REFERENCE_MIB, "--out", out)
    assert (status, "written" in output) == (0, True)
    drafted = check_profile(out)
    assert {Signal.CRYPTO_MODE, Signal.CRYPTO_TAMPER, Signal.CHANNEL_STATE, Signal.HA_ROLE} <= drafted.offered
    assert drafted.traps[oid("1.3.6.1.4.1.99999.1.0.7")].kind is EventKind.TAMPER
    base = "1.3.6.1.4.1.99999.1.1"
    objects: Given = {
        f"{base}.2.1.0": 2,
        f"{base}.2.4.0": 2,
        f"{base}.4.3.1.2.1": "hub",
        f"{base}.4.3.1.4.1": 4,
    }
    decoded = decode(drafted, answer(drafted, objects), Memory(), moment())
    read = {item.signal: (item.value, item.state) for item in decoded.readings}
    assert read == {
        Signal.CRYPTO_MODE: ("bypass_plaintext", SignalState.UNKNOWN),
        Signal.CRYPTO_TAMPER: ("detected", SignalState.UNKNOWN),
        Signal.CHANNEL_STATE: ("down", SignalState.UNKNOWN),
    }


def test_an_existing_file_is_not_overwritten(profile: Command, tmp_path: Path) -> None:
    out = written(tmp_path, "mine.yaml", "precious")
    status, _, errors = profile("new", "--mib", REFERENCE_MIB, "--out", out)
    assert (status, out.read_text(encoding="utf-8")) == (2, "precious")
    assert "nothing was written" in errors


def test_an_smiv1_module_is_drafted_and_its_secrets_are_never_read(profile: Command, tmp_path: Path) -> None:
    _, output, _ = profile("new", "--mib", written(tmp_path, "KESTREL-MIB", OLD_MIB))
    drafted = yaml.safe_load(output)
    assert drafted["never_read"] == ["1.3.6.1.4.1.99998.1.2", "1.3.6.1.4.1.99998.1.3"]
    assert drafted["match"] == {"sysobjectid": ["1.3.6.1.4.1.99998"]}
    assert drafted["scalars"] == {"serial_number": "1.3.6.1.4.1.99998.1.1.0"}
    (tunnels,) = drafted["tables"]
    assert tunnels["component"] == "tunnel_name"
    (state,) = tunnels["signals"]
    assert state["enum"] == {
        1: {"word": "up", "state": "unknown"},
        2: {"word": "connecting", "state": "unknown"},
    }
    # A word that fits none of ours, and an object that fits no signal, stand as comments for the operator.
    assert "# 3: broken has no word here" in output
    assert (
        "#   colour: '1.3.6.1.4.1.99998.1.5.0'    # colour, INTEGER {red(1), green(2)}: Of the case" in output
    )
    assert drafted["traps"] == [
        {"oid": "1.3.6.1.4.1.99998.0.5", "name": "tunnelDown", "kind": "tunnel_down", "severity": 5}
    ]
    check_profile(written(tmp_path, "draft.yaml", output))


def test_a_module_that_is_missing_is_named(profile: Command, tmp_path: Path) -> None:
    text = OLD_MIB.replace("enterprises FROM RFC1155-SMI", "birds FROM BIRDS-SMI").replace(
        "{ enterprises 99998 }", "{ birds 1 }"
    )
    status, _, errors = profile("new", "--mib", written(tmp_path, "KESTREL-MIB", text))
    assert status == 2
    assert "birds is imported from BIRDS-SMI: give that module with a further --mib" in errors


def test_what_is_no_mib_is_refused_with_its_line(profile: Command, tmp_path: Path) -> None:
    status, _, errors = profile("new", "--mib", written(tmp_path, "PROSE", "Dear reader,\n"))
    assert status == 2
    assert "PROSE:1: not a MIB module: cannot be understood near 'Dear reader,'" in errors


VENDOR_MIB = """\
KITE-CRYPTO-MIB DEFINITIONS ::= BEGIN
IMPORTS MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, OBJECT-IDENTITY, enterprises, Counter64 FROM SNMPv2-SMI
        TEXTUAL-CONVENTION, DisplayString FROM SNMPv2-TC OBJECT-GROUP, MODULE-COMPLIANCE FROM SNMPv2-CONF;
kite MODULE-IDENTITY LAST-UPDATED "202601010000Z" ORGANIZATION "o" CONTACT-INFO "c"
    DESCRIPTION "With -- dashes, {braces} and '#' signs." ::= { enterprises kite(99996) 1 }
KiteState ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "s"
    SYNTAX INTEGER { up(1), re-keying(2), not-known(-1), }
KiteAny ::= CHOICE { number INTEGER, octets OCTET STRING }
objects OBJECT-IDENTITY STATUS current DESCRIPTION "o" ::= { kite 1 }
crypto_Mode OBJECT-TYPE SYNTAX INTEGER { encrypting(1), bypass(2) } MAX-ACCESS read-only STATUS current
    DESCRIPTION "Whether it encrypts." DEFVAL { encrypting } ::= { objects 1 }
flags OBJECT-TYPE SYNTAX BITS { a(0), b(1) } MAX-ACCESS read-only STATUS current DESCRIPTION "f" ::= { objects 2 }
linkTable OBJECT-TYPE SYNTAX SEQUENCE OF LinkEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "t"
    ::= { objects 4 }
linkEntry OBJECT-TYPE SYNTAX LinkEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "e"
    INDEX { IMPLIED tunnelName } ::= { linkTable 1 }
LinkEntry ::= SEQUENCE { tunnelName DisplayString, tunnelState KiteState, tunnelRxOctets Counter64 }
tunnelName OBJECT-TYPE SYNTAX DisplayString (SIZE(1..32)) MAX-ACCESS not-accessible STATUS current DESCRIPTION "n"
    ::= { linkEntry 1 }
tunnelState OBJECT-TYPE SYNTAX KiteState MAX-ACCESS read-only STATUS current DESCRIPTION "s" ::= { linkEntry 2 }
tunnelRxOctets OBJECT-TYPE SYNTAX Counter64 UNITS "octets" MAX-ACCESS read-only STATUS current DESCRIPTION "r"
    ::= { linkEntry 3 }
notes OBJECT IDENTIFIER ::= { kite 0 }
tunnelDown NOTIFICATION-TYPE OBJECTS { tunnelState } STATUS current DESCRIPTION "Ab." ::= { notes 1 }
group OBJECT-GROUP OBJECTS { crypto_Mode, flags } STATUS current DESCRIPTION "g" ::= { kite 3 }
rules MODULE-COMPLIANCE STATUS current DESCRIPTION "c" MODULE MANDATORY-GROUPS { group } ::= { kite 4 }
END
"""


@pytest.mark.parametrize(
    "octets",
    [
        VENDOR_MIB.encode(),
        VENDOR_MIB.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + VENDOR_MIB.encode(),
        VENDOR_MIB.encode() + b"\x1a",
        VENDOR_MIB.replace("Ab.", "Fällt aus.").encode("latin-1"),
    ],
    ids=["plain", "carriage returns", "byte order mark", "end-of-file mark", "Latin-1"],
)
def test_a_module_as_vendors_ship_it_is_drafted(profile: Command, tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "KITE").write_bytes(octets)
    out = tmp_path / "kite.yaml"
    status, _, errors = profile("new", "--mib", tmp_path / "KITE", "--out", out)
    assert (status, errors) == (0, "")
    drafted = check_profile(out)
    assert {Signal.CRYPTO_MODE, Signal.CHANNEL_STATE, Signal.CHANNEL_RX_BYTES} <= drafted.offered
    assert drafted.traps[oid("1.3.6.1.4.1.99996.1.0.1")].kind is EventKind.TUNNEL_DOWN


@pytest.mark.parametrize(
    ("given", "instead", "told"),
    [
        ("bypass(2) }", "bypass(2)", ":10: not a MIB module: cannot be understood near "),
        ('"Whether it encrypts."', '"Whether it encrypts.', "not a MIB module"),
        ("bypass(2)", "bypass(99999999999999999999)", ":10: not a MIB module: Number 99999999999999999999 is too"),
        ("END\n", "", "not a MIB module"),
        ("{ objects 1 }", "{ object 1 }", ":11: object is defined nowhere"),
        ("{ kite 0 }", "{ loop 1 }\nloop OBJECT IDENTIFIER ::= { notes 1 }", "is defined by itself"),
        ("{ enterprises kite(99996) 1 }", "{ globex 1 }", ":5: globex is defined nowhere"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_module_is_told_with_file_and_line(
    profile: Command, tmp_path: Path, given: str, instead: str, told: str
) -> None:
    assert given in VENDOR_MIB
    status, out, errors = profile(
        "new", "--mib", written(tmp_path, "KITE", VENDOR_MIB.replace(given, instead))
    )
    assert (status, out) == (2, "")
    assert told in errors
    assert f"{tmp_path / 'KITE'}:" in errors


@pytest.mark.parametrize("text", ["", "\n\n-- a remark\n", "\x00\x00"])
def test_a_file_without_a_module_is_refused(profile: Command, tmp_path: Path, text: str) -> None:
    status, _, errors = profile("new", "--mib", written(tmp_path, "EMPTY", text))
    assert status == 2
    assert "EMPTY:1: there is no MIB module in it" in errors


def test_a_module_that_is_given_twice_is_refused(profile: Command, tmp_path: Path) -> None:
    paths = [written(tmp_path, "ONE", VENDOR_MIB), written(tmp_path, "TWO", "-- a copy\n" + VENDOR_MIB)]
    status, _, errors = profile("new", "--mib", *paths)
    assert status == 2
    assert "TWO:2: the module KITE-CRYPTO-MIB was given already" in errors


def test_without_pysmi_a_sentence_says_what_to_install(
    profile: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: object, **keywords: object) -> object:
        if name.startswith("pysmi"):
            raise ImportError(name)
        return real(name, *arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    status, _, errors = profile("new", "--mib", REFERENCE_MIB)
    assert status == 2
    assert "extra `profiles`" in errors
