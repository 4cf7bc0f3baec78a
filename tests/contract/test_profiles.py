"""What every profile that comes with the product keeps to."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.expression import FUNCTION_NAMES
from channelwatch_collector.profiles.load import BUILT_IN_FOLDER, load_profiles
from channelwatch_collector.profiles.match import Identity, recognise
from channelwatch_collector.profiles.model import ObjectSpec, SignalSpec
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Memory
from channelwatch_collector.profiles.vocabulary import MEANING
from channelwatch_collector.snmp.port import Oid, PollFailure, SnmpType, Value

from channelwatch.metrics.signals import NUMERIC
from channelwatch.status.signals import Signal, SignalState
from tests.support.peers import ROOT
from tests.unit.profiles.answers import answer, moment, oid, value

PROFILES = load_profiles()
NAMES = sorted(PROFILES)


def signals(profile: Profile) -> list[SignalSpec]:
    return [*profile.signals, *(spec for table in profile.tables for spec in table.signals)]


def test_every_signal_has_a_meaning() -> None:
    assert set(MEANING) == set(Signal)


@pytest.mark.parametrize("name", NAMES)
def test_the_file_bears_the_profiles_name(name: str) -> None:
    assert (BUILT_IN_FOLDER / f"{name}.yaml").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_unit_is_one_that_the_metrics_know(name: str) -> None:
    for spec in signals(PROFILES[name]):
        numeric = NUMERIC.get(spec.signal)
        unit = MEANING[spec.signal].unit if spec.unit is None else spec.unit
        if numeric is not None and spec.enum is None and spec.signal is not Signal.PLATFORM_SESSIONS:
            assert unit in numeric.factors, f"{spec.signal} in {unit!r}"


@pytest.mark.parametrize("name", NAMES)
def test_a_device_that_offers_nothing_is_unsupported_in_everything(name: str) -> None:
    profile = PROFILES[name]
    decoded = decode(profile, answer(profile, {}), Memory(), moment())
    assert decoded.readings == ()
    assert decoded.absent == profile.offered


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "junk",
    [
        value(-1),
        value(b"\xff\x00\xfe"),
        value(""),
        Value(SnmpType.COUNTER64, (1 << 64) - 1),
        Value(SnmpType.OBJECT_IDENTIFIER, (0, 0)),
        Value(SnmpType.OPAQUE_FLOAT, float("nan")),
        Value(SnmpType.UNKNOWN, b"\x30\x00"),
        Value(SnmpType.IP_ADDRESS, "192.0.2.1"),
    ],
    ids=lambda item: item.type.name,
)
def test_junk_in_every_object_never_raises(name: str, junk: Value) -> None:
    profile, memory = PROFILES[name], Memory()
    objects = {".".join(map(str, name)): junk for name in profile.plan.scalars}
    objects |= {".".join(map(str, (*column, 1, 2))): junk for column in profile.plan.columns}
    for number in range(3):
        memory = decode(
            profile, answer(profile, objects), memory, moment(60 * number), expected=("x",)
        ).memory


@pytest.mark.parametrize("name", NAMES)
def test_when_nothing_could_be_read_nothing_is_failed(name: str) -> None:
    profile = PROFILES[name]
    everything = (*profile.plan.scalars, *profile.plan.columns)
    spoilt = {".".join(map(str, item)): PollFailure.NO_ANSWER for item in everything}
    decoded = decode(profile, answer(profile, {}, failed=spoilt), Memory(), moment(), expected=("x",))
    assert {reading.state for reading in decoded.readings} <= {SignalState.UNKNOWN}


def test_no_two_profiles_claim_the_same_devices() -> None:
    for name, profile in PROFILES.items():
        for prefix in profile.match.sysobjectid:
            found = recognise(PROFILES, Identity((*prefix, 1)), {})
            assert found is not None and found.profile.name == name


# The reference encryptor against its MIB ------------------------------------------------------------------------

MIB = ROOT / "simulator" / "channelwatch_simulator" / "mibs" / "CHANNELWATCH-REFERENCE-ENCRYPTOR-MIB"


@dataclass(frozen=True)
class MibObject:
    """One definition of the MIB; `enum` by number."""

    name: str
    kind: str
    oid: Oid
    enum: dict[int, str]


def read_mib(path: Path) -> dict[str, MibObject]:
    """The definitions of a small SMIv2 module, by name."""
    text = re.sub(r'"[^"]*"|--[^\n]*', "", path.read_text(encoding="utf-8"))
    found: dict[str, MibObject] = {}
    known = {"enterprises": oid("1.3.6.1.4.1")}
    text = re.sub(r"IMPORTS[^;]*;", "", text)
    pattern = (
        r"(\w+)\s+(OBJECT-TYPE|NOTIFICATION-TYPE|MODULE-IDENTITY|OBJECT IDENTIFIER)"
        r"((?:(?!::=).)*)::=\s*\{\s*(\w+)((?:\s+\d+)+)\s*\}"
    )
    waiting = re.findall(pattern, text, re.DOTALL)
    while waiting:
        later = []
        for name, kind, body, parent, arcs in waiting:
            if parent not in known:
                later.append((name, kind, body, parent, arcs))
                continue
            known[name] = (*known[parent], *map(int, arcs.split()))
            found[name] = MibObject(name, kind, known[name], read_enum(body))
        assert len(later) < len(waiting), f"parents without a definition: {later}"
        waiting = later
    return found


def read_enum(body: str) -> dict[int, str]:
    """The named numbers of a SYNTAX clause."""
    if "TruthValue" in body:
        return {1: "true", 2: "false"}
    return {
        int(number): word
        for syntax in re.findall(r"INTEGER\s*\{([^}]*)\}", body)
        for word, number in re.findall(r"(\w+)\s*\(\s*(\d+)\s*\)", syntax)
    }


def read_objects(profile: Profile) -> Iterator[tuple[ObjectSpec, bool, list[SignalSpec]]]:
    """(object, is a column, signals that show its value as it is)."""
    for name, spec in profile.scalars.items():
        yield spec, spec.column, [item for item in profile.signals if item.value.text == name]
    for table in profile.tables:
        for name, spec in table.columns.items():
            yield spec, True, [item for item in table.signals if item.value.text == name]


@pytest.fixture(scope="module")
def mib() -> dict[str, MibObject]:
    return read_mib(MIB)


def test_every_object_of_the_reference_profile_stands_in_its_mib(mib: dict[str, MibObject]) -> None:
    by_oid = {item.oid: item for item in mib.values() if item.kind == "OBJECT-TYPE"}
    own = oid("1.3.6.1.4.1.99999")
    count = 0
    for spec, is_column, shown in read_objects(PROFILES["reference-encryptor"]):
        for name in spec.oid:
            if name[: len(own)] != own:
                continue
            count += 1
            defined = by_oid.get(name if is_column else name[:-1])
            assert defined is not None, name
            assert is_column or name[-1] == 0
            for signal in shown:
                if signal.enum is None or not defined.enum:
                    continue
                left_out = set(map(str, defined.enum)) - signal.enum.keys()
                judged = signal.when is not None and all(number in signal.when.text for number in left_out)
                assert not left_out or judged, f"{defined.name} lacks {left_out}"
    assert count > 50


def test_the_words_of_the_reference_profile_are_those_of_its_mib(mib: dict[str, MibObject]) -> None:
    mode = {
        number: re.sub(r"(?<!^)([A-Z])", r"_\1", word).lower()
        for number, word in mib["cweCryptoMode"].enum.items()
    }
    (spec,) = [item for item in PROFILES["reference-encryptor"].signals if item.signal is Signal.CRYPTO_MODE]
    assert spec.enum is not None
    ours = {int(number): entry.word for number, entry in spec.enum.items()}
    assert ours == {**mode, 4: "selftest"}


def test_every_notification_of_the_mib_has_its_meaning(mib: dict[str, MibObject]) -> None:
    traps = PROFILES["reference-encryptor"].traps
    notifications = [item for item in mib.values() if item.kind == "NOTIFICATION-TYPE"]
    assert len(notifications) > 10
    for item in notifications:
        assert traps[item.oid].name == item.name


def test_every_signal_family_of_an_encryptor_is_offered_by_the_reference() -> None:
    families = {signal.family for signal in PROFILES["reference-encryptor"].offered}
    assert families == {signal.family for signal in Signal} - {"reach", "pair"}


# The guide for those who write profiles -----------------------------------------------------------------------


def test_the_example_of_the_guide_is_a_profile_that_loads(tmp_path: Path) -> None:
    guide = (BUILT_IN_FOLDER.parent / "README.md").read_text(encoding="utf-8")
    section = guide.partition("## An example\n")[2].partition("\n## ")[0]
    (tmp_path / "my-encryptor.yaml").write_text(textwrap.dedent(section), encoding="utf-8")
    found = load_profiles(tmp_path)["my-encryptor"]
    assert {Signal.CRYPTO_MODE, Signal.CHANNEL_STATE, Signal.SYS_UPTIME} <= found.offered
    assert found.traps[oid("1.3.6.1.4.1.99999.7.0.1")].name == "tunnelDown"


def test_the_guide_names_every_function_of_expressions() -> None:
    guide = (BUILT_IN_FOLDER.parent / "README.md").read_text(encoding="utf-8")
    table = guide.partition("| function | gives |")[2]
    for name in FUNCTION_NAMES:
        assert re.search(rf"`[^`]*\b{name}\b", table), name
