from __future__ import annotations

import re

import pytest
from channelwatch_simulator import syslog
from channelwatch_simulator.notices import Notice, NoticeKind
from channelwatch_simulator.province import Preset, build_province
from channelwatch_simulator.story import Act, Cause, Event
from channelwatch_simulator.world import World

NOON = 1_795_320_000_123 + 3_600_000
RFC_5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]+) (?P<app>[!-~]{1,48}) - (?P<msgid>[!-~]{1,32}) "
    r'(?P<sd>(?:\[[^ \]="]{1,32}(?: [^ \]="]{1,32}="(?:[^"\\\]]|\\.)*")*\])+) \ufeff(?P<text>.+)'
)


@pytest.fixture
def world() -> World:
    return World(build_province(Preset.DEMO, 1), 1)


def message(world: World, act: Act, code: str = "51-D-21548-1") -> re.Match[str]:
    notice = world.apply(Event(0, act, (code,)), 0)[0]
    match = RFC_5424.fullmatch(syslog.render(notice, wall_ms=NOON, sequence=7).decode())
    assert match is not None
    return match


def test_a_message_has_every_part_of_rfc_5424(world: World) -> None:
    match = message(world, Act.BYPASS_ON)
    assert match["pri"] == "161"
    assert match["time"] == "2026-11-22T12:00:00.123+07:00"
    assert (match["host"], match["app"], match["msgid"]) == ("51-D-21548-1", "encryptor", "bypass-on")
    assert match["sd"] == ('[enc@99999 mode="bypassPlaintext" account="crypto-officer"][meta sequenceId="7"]')
    assert match["text"] == "Plaintext bypass switched on by crypto-officer"


@pytest.mark.parametrize(
    "act", [act for act in Act if act not in (Act.OUTAGE, Act.RETURN, Act.TUNNEL_UP, Act.LINE_UP)]
)
def test_every_kind_of_message_is_well_formed(world: World, act: Act) -> None:
    code = "51-D-T0001-A" if act is Act.HA_SWITCH else "51-D-21548-1"
    assert len(message(world, act, code)[0]) < 480


def test_what_the_hub_tells_of_a_dead_peer(world: World) -> None:
    notice = world.apply(Event(0, Act.OUTAGE, ("51-D-21548-1",), Cause.CARRIER), 0)[0]
    text = syslog.render(notice, wall_ms=NOON, sequence=1).decode()
    assert 'tunnel="51-D-21548" peer="51-D-21548-1" state="down" reason="peer is dead"' in text


def test_quotes_and_brackets_are_escaped(world: World) -> None:
    device = world.devices["51-D-21548-1"]
    notice = Notice(NoticeKind.LOGIN_OK, device, account='a"]\\', fields={"source": "console"})
    assert r'account="a\"\]\\"' in syslog.render(notice, wall_ms=NOON, sequence=1).decode()
