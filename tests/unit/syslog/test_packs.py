"""Packs of patterns: the built-in ones hold, and a faulty one says where."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from channelwatch_collector.syslog.packfile import PackFile, built_in_packs, load_packs
from channelwatch_collector.syslog.parse.classify import Classified, Classifier, NoKind
from channelwatch_collector.syslog.parse.header import parse_header

from channelwatch.app.yamlfile import load_model
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError
from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal, SignalState
from tests.support.packs import packs, patterns

AT = EpochMs(1_795_318_923_000)
GOOD = """\
version: 1
id: sample
title: Sample
patterns:
  - id: down
    apps: [vpn]
    contains: ["went down"]
    regex: 'tunnel (?P<tunnel>\\S+) went down'
    kind: tunnel_down
    component: "{tunnel}"
    fields: [tunnel]
    readings:
      - {signal: channel.state, component: "{tunnel}", value: down}
    examples:
      - line: '<13>Nov 22 10:42:03 gw vpn: tunnel hub-a went down'
        component: hub-a
        fields: {tunnel: hub-a}
        readings: [{signal: channel.state, component: hub-a, value: down, state: failed}]
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "pack.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_packs([path])
    return [line.replace(str(path), "pack.yaml") for line in caught.value.problems]


@cache
def content(path: Path) -> PackFile:
    return load_model(path, PackFile)


def classify(line: str, *paths: Path) -> Classified | NoKind:
    classifier = Classifier(load_packs(list(paths))) if paths else packs()
    return classifier.classify(parse_header(line.encode(), received_at=AT))


def test_every_example_of_a_built_in_pack_is_recognised() -> None:
    # A pack that fails an example of its own is not loaded.
    assert {pattern.pack for pattern in patterns()} == {content(path).id for path in built_in_packs()}


@pytest.mark.parametrize("path", built_in_packs(), ids=lambda path: path.stem)
def test_no_built_in_pack_takes_a_line_from_another(path: Path) -> None:
    classifier, pack = packs(), content(path)
    for entry in pack.patterns:
        for example in entry.examples:
            result = classifier.classify(parse_header(example.line.encode(), received_at=AT))
            if isinstance(result, NoKind):
                assert entry.noise and result is NoKind.SUPPRESSED, (example.line, result)
            else:
                assert (result.pack, result.pattern) == (pack.id, entry.id)


@pytest.mark.parametrize("path", built_in_packs(), ids=lambda path: path.stem)
def test_examples_use_documentation_addresses(path: Path) -> None:
    allowed = re.compile(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:|127\.|0\.0\.0\.0")
    for entry in content(path).patterns:
        for example in entry.examples:
            for address in re.findall(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", example.line):
                assert allowed.match(address), example.line


def test_the_pack_that_the_guide_shows_is_right(tmp_path: Path) -> None:
    guide = built_in_packs()[0].with_name("README.md").read_text(encoding="utf-8")
    path = tmp_path / "shown.yaml"
    path.write_text(guide.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    (pattern,) = load_packs([path])
    assert pattern.kind is EventKind.TUNNEL_DOWN


def test_pattern_names_are_unique() -> None:
    names = [pattern.name for pattern in patterns()]
    assert len(names) == len(set(names))


def test_a_good_pack_loads(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(GOOD, encoding="utf-8")
    event = classify("<11>Nov 22 10:42:03 gw /usr/bin/VPN[2]: tunnel hub-b went down", path)
    assert isinstance(event, Classified)
    assert (event.kind, event.component, event.severity) == (EventKind.TUNNEL_DOWN, "hub-b", 3)
    (reading,) = event.readings
    assert (reading.signal, reading.state) == (Signal.CHANNEL_STATE, SignalState.FAILED)
    assert reading.source == "syslog:sample/down"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kind: tunnel_down", "kind: tunnel_lost", "pack.yaml:9: patterns[0].kind: "),
        ("title: Sample", "titel: Sample", "pack.yaml:3: titel: unknown key"),
        ("(?P<tunnel>", "(?P<tunnel", "pack.yaml:5: patterns[0]: regex: "),
        ("fields: [tunnel]\n", "fields: [peer]\n", "no group or parameter gives peer"),
        ('component: "{tunnel}"\n    f', 'component: "{peer}"\n    f', "no group or parameter gives peer"),
        ('    apps: [vpn]\n    contains: ["went down"]\n', "", "pattern down has no gate"),
        (
            "gw vpn: tunnel hub-a went down",
            "gw vpn: tunnel is gone",
            "pack.yaml:15: patterns[0].examples[0].line: ",
        ),
        ("        component: hub-a\n", "        component: hub-b\n", "examples[0].component: is 'hub-a'"),
        ("fields: {tunnel: hub-a}", "fields: {tunnel: hub-b}", "examples[0].fields: are {'tunnel': 'hub-a'}"),
        ("value: down, state: failed}]", "value: down, state: ok}]", "examples[0].readings: are "),
        ("signal: channel.state, component", "signal: channel.status, component", "readings[0].signal: "),
        ("value: down}\n    examples", "value: lost}\n    examples", "channel.state has the words up, "),
        ("value: down}\n    examples", "value: down, by: tunnel}\n    examples", "by and states go together"),
        (
            'channel.state, component: "{tunnel}", value: down',
            "env.temp, value: '1', words: {a: b}",
            "no words",
        ),
    ],
)
def test_a_faulty_pack_names_file_line_and_key(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(problem in line for line in found), found


def test_all_faulty_packs_are_reported_together(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text("version: 2\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_packs(paths)
    assert {Path(line.partition(":")[0]).name for line in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_why_a_line_has_no_kind_is_told() -> None:
    assert classify("<13>Nov 22 10:42:03 gw frobnicator: hello") is NoKind.NO_PATTERN
    assert classify("<13>Nov 22 10:42:03 gw sshd[1]: Failed to do something else") is NoKind.NO_MATCH


def test_secrets_do_not_pass_as_fields() -> None:
    key = "00112233445566778899aabbccddeeff"
    event = classify(f'<131>1 - gw encryptor - tunnel-down [enc@99999 tunnel="{key}" reason="key={key}"] x')
    assert isinstance(event, Classified)
    assert key not in repr(event)


def test_numbers_are_judged_by_their_limits() -> None:
    def expiry(days: str) -> tuple[SignalState, object]:
        event = classify(f'<131>1 - gw encryptor - key-expiry [enc@99999 name="t" days="{days}"] x')
        assert isinstance(event, Classified)
        return event.readings[0].state, event.readings[0].value

    assert expiry("8") == (SignalState.OK, 8)
    assert expiry("7") == (SignalState.DEGRADED, 7)
    assert expiry("0") == (SignalState.FAILED, 0)
    assert expiry("-3") == (SignalState.FAILED, -3)
    assert expiry("soon") == (SignalState.UNKNOWN, None)


def test_a_word_that_the_vocabulary_lacks_gives_an_unknown_state() -> None:
    event = classify('<131>1 - gw encryptor - ha-switch [enc@99999 group="g" role="dancing"] x')
    assert isinstance(event, Classified)
    assert event.readings[0].state is SignalState.UNKNOWN


def test_a_reading_whose_field_the_line_lacks_is_left_out() -> None:
    event = classify('<131>1 - gw encryptor - tunnel-down [enc@99999 tunnel="t"] x')
    assert isinstance(event, Classified)
    assert (event.kind, event.component, event.readings) == (EventKind.TUNNEL_DOWN, "", ())


@pytest.mark.parametrize(
    ("status", "state"),
    [("normal", SignalState.OK), ("critical", SignalState.FAILED), ("odd", SignalState.UNKNOWN)],
)
def test_the_device_s_own_judgement_decides_where_it_gives_one(status: str, state: SignalState) -> None:
    event = classify(
        f'<131>1 - g encryptor - temperature [enc@99999 sensor="b" value="95" status="{status}"] x'
    )
    assert isinstance(event, Classified)
    assert (event.readings[0].value, event.readings[0].state) == (95, state)


def test_a_clock_is_judged_without_its_sign() -> None:
    event = classify("<28>Nov 22 10:42:03 gw chronyd[6]: System clock wrong by -61.5 seconds")
    assert isinstance(event, Classified)
    assert (event.readings[0].state, event.readings[0].unit) == (SignalState.FAILED, "s")


@pytest.mark.parametrize(
    "line",
    [
        "<165>%ASA-3-713120: Group = 198.51.100.1, IP = 198.51.100.1, PHASE 2 COMPLETED (msgid=2b1f00c3)",
        "<165>Nov 22 10:42:03 relay Nov 22 2026 10:42:03 fw : %ASA-5-713120: IP = 198.51.100.1, PHASE 2 COMPLETED",
    ],
)
def test_a_message_id_counts_at_any_severity_and_behind_a_header_of_a_relay(line: str) -> None:
    result = packs().classify(parse_header(line.encode(), received_at=AT))
    assert isinstance(result, Classified)
    assert (result.name, result.component) == ("cisco-asa/phase2-completed", "198.51.100.1")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (
            "<28>Nov 22 10:42:03 x y: neighbor adjacency over Tunnel0 changed: interface state down",
            EventKind.OTHER,
        ),
        ("<28>Nov 22 10:42:03 x y: the bypass valve of the tamper-proof pump was opened", None),
        (
            "<28>Nov 22 10:42:03 x sshd[1]: Failed password for root from 192.0.2.7 port 5 ssh2",
            EventKind.LOGIN_FAIL,
        ),
    ],
)
def test_plain_wordings_come_last_and_never_cry_wolf(line: str, kind: EventKind | None) -> None:
    result = packs().classify(parse_header(line.encode(), received_at=AT))
    assert (result.kind if isinstance(result, Classified) else None) is kind


def test_plain_wordings_speak_of_no_tampering_and_no_bypass_and_state_nothing() -> None:
    plain = [pattern for pattern in patterns() if pattern.fallback]
    assert plain
    assert not {pattern.kind for pattern in plain} & {
        EventKind.TAMPER,
        EventKind.BYPASS_ON,
        EventKind.BYPASS_OFF,
    }
    assert not any(pattern.readings for pattern in plain)
