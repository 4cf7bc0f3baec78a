"""Whatever the simulated province sends is understood in full."""

from __future__ import annotations

from itertools import islice

from channelwatch_collector.syslog.line import read_line
from channelwatch_collector.syslog.parse.classify import Classified
from channelwatch_simulator.notices import Notice, NoticeKind
from channelwatch_simulator.province import Preset, build_province
from channelwatch_simulator.story import Act, Event, story
from channelwatch_simulator.syslog import render
from channelwatch_simulator.world import World

from channelwatch.base.clock import EpochMs
from channelwatch.status.events import EventKind
from channelwatch.status.signals import SignalState
from tests.support.packs import packs

AT = EpochMs(1_795_318_923_000)
SEED = 7
KINDS = {
    NoticeKind.TUNNEL_UP: EventKind.TUNNEL_UP,
    NoticeKind.TUNNEL_DOWN: EventKind.TUNNEL_DOWN,
    NoticeKind.IKE_FAIL: EventKind.IKE_FAIL,
    NoticeKind.HA_SWITCH: EventKind.HA_SWITCH,
    NoticeKind.BYPASS_ON: EventKind.BYPASS_ON,
    NoticeKind.BYPASS_OFF: EventKind.BYPASS_OFF,
    NoticeKind.TAMPER: EventKind.TAMPER,
    NoticeKind.TAMPER_CLEAR: EventKind.OTHER,
    NoticeKind.SELF_TEST: EventKind.SELFTEST,
    NoticeKind.POWER: EventKind.POWER,
    NoticeKind.TEMPERATURE: EventKind.TEMP,
    NoticeKind.KEY_EXPIRY: EventKind.CERT_EXPIRY,
    NoticeKind.CERT_EXPIRY: EventKind.CERT_EXPIRY,
    NoticeKind.KEY_CHANGE: EventKind.KEY_CHANGE,
    NoticeKind.CONFIG_CHANGE: EventKind.CONFIG_CHANGE,
    NoticeKind.LOGIN_FAIL: EventKind.LOGIN_FAIL,
    NoticeKind.LOGIN_OK: EventKind.LOGIN_OK,
    NoticeKind.REKEY: EventKind.REKEY,
    NoticeKind.LINK_UP: EventKind.LINK_UP,
    NoticeKind.LINK_DOWN: EventKind.LINK_DOWN,
    NoticeKind.COLD_START: EventKind.COLD_START,
}
WITHOUT_READING = {
    NoticeKind.IKE_FAIL, NoticeKind.KEY_CHANGE, NoticeKind.CONFIG_CHANGE, NoticeKind.LOGIN_FAIL,
    NoticeKind.LOGIN_OK, NoticeKind.REKEY, NoticeKind.COLD_START,
}  # fmt: skip


def notices() -> list[Notice]:
    """What a demo province tells while every act happens to a hub and to a spoke, and in its own first events."""
    province = build_province(Preset.DEMO, SEED)
    world = World(province, SEED)
    told: list[Notice] = []
    paired = next(code for code, device in world.devices.items() if device.paired)
    spoke = next(code for code, device in world.devices.items() if not device.paired and device.tunnels)
    for minute, act in enumerate(Act):
        if act not in (Act.OUTAGE, Act.RETURN):
            told += world.apply(Event(minute * 60_000, act, (paired, spoke)), minute * 60_000)
    fresh = World(province, SEED)
    for event in islice(story(province.inventory, SEED), 1_500):
        told += fresh.apply(event, event.at)
    return told


def test_every_simulated_line_is_classified_as_the_simulator_meant_it() -> None:
    classifier, seen = packs(), set()
    for sequence, notice in enumerate(notices(), start=1):
        line = read_line(render(notice, wall_ms=AT, sequence=sequence), received_at=AT, classifier=classifier)
        event = line.classified
        assert isinstance(event, Classified), (notice.kind, line.why_not)
        assert event.kind is KINDS[notice.kind]
        assert event.severity == notice.severity
        assert line.message.hostname == notice.device.code
        assert line.message.device_time == AT
        assert bool(event.readings) == (notice.kind not in WITHOUT_READING), notice.kind
        assert all(reading.state is not SignalState.UNKNOWN for reading in event.readings), notice
        assert line.masked == 0, line.message.text
        seen.add(notice.kind)
    assert seen >= set(NoticeKind) - {NoticeKind.IKE_FAIL, NoticeKind.CERT_EXPIRY, NoticeKind.KEY_EXPIRY}
