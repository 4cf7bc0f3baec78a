"""The syslog side of a collector on an engine that takes nothing in until it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.station import Station

from channelwatch.app.running.engine import Engine
from channelwatch.app.settings import load_settings
from channelwatch.app.wiring import build_engine
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError, Permanent
from channelwatch.base.ids import DeviceCode, SiteCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import EventKind, EventReceived
from tests.support import eventually, free_port

CONFIG = """
instance: {{id: test, province: "51", blocs: [party]}}
collector: {{id: col-test, queue_limit: 100, syslog: {{burst: 100000, {syslog}}}}}
"""
HERE = Device(DeviceCode("51-D-21548-1"), SiteCode("s"), "127.0.0.1", "c")
SECOND_LINUX = """\
version: 1
id: linux
title: x
patterns: [{id: a, apps: [x], noise: true, examples: [{line: '<1>x: y'}]}]
"""
LINE = b"<86>Nov 22 10:42:03 gw sshd[1]: Failed password for u%d from 192.0.2.7 port 5 ssh2\n"


@dataclass
class House:
    """A station, its engine, and whom it asked to be polled."""

    station: Station
    engine: Engine
    hinted: list[DeviceCode]

    @property
    def waiting(self) -> int:
        return len(self.engine.observations)

    async def events(self, limit: int = 1000) -> list[EventReceived]:
        taken = await self.engine.observations.take_batch(limit)
        return [item for item in taken if isinstance(item, EventReceived)]


def build(folder: Path, syslog: str) -> House:
    path = folder / "channelwatch.yaml"
    path.write_text(CONFIG.format(syslog=syslog), encoding="utf-8")
    engine, hinted = build_engine(load_settings(path)), []  # type: ignore[var-annotated]
    station = Station(engine, poll_now=hinted.append)
    station.set_devices([HERE])
    return House(station, engine, hinted)


@asynccontextmanager
async def running(folder: Path, syslog: str) -> AsyncIterator[House]:
    house = build(folder, syslog)
    house.engine.store.upgrade()
    await house.station.start()
    try:
        yield house
    finally:
        await house.station.close()
        await house.engine.in_store(house.engine.store.close)


async def test_tcp_senders_wait_while_the_queue_is_full_and_lose_nothing(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, f'tcp: "127.0.0.1:{port}"') as house:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(80):
            writer.write(LINE % number)
        await eventually(lambda: house.waiting >= 80)
        for number in range(80, 2_000):
            writer.write(LINE % number)
        await asyncio.sleep(0.2)
        assert 80 <= house.waiting < 100
        seen: list[EventReceived] = []
        while len(seen) < 2_000 + 1:
            async with asyncio.timeout(30):
                seen += await house.events(30)
        logins = [item.text for item in seen if item.kind is EventKind.LOGIN_FAIL]
        assert [text.split()[2] for text in logins] == [f"u{number}," for number in range(2_000)]
        assert house.engine.observations.dropped == 0
        assert house.station.counters.total(Count.PAUSED) > 3
        writer.close()


async def test_what_a_sender_left_behind_before_it_hung_up_is_taken_when_there_is_room(
    tmp_path: Path,
) -> None:
    port = free_port()
    async with running(tmp_path, f'tcp: "127.0.0.1:{port}"') as house:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(LINE % number for number in range(150)))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.2)
        assert house.waiting < 100
        seen: list[EventReceived] = []
        while len(seen) < 151:
            async with asyncio.timeout(30):
                seen += await house.events(30)
        assert house.engine.observations.dropped == 0


async def test_own_packs_go_before_the_built_in_ones(tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "own.yaml").write_text(
        "version: 1\nid: own\ntitle: Own\npatterns:\n"
        "  - {id: alarm, apps: [sshd], contains: ['Failed '], kind: tamper, severity: alert,\n"
        "     examples: [{line: '<86>Nov 22 10:42:03 gw sshd[1]: Failed password for x from 192.0.2.7'}]}\n",
        encoding="utf-8",
    )
    port = free_port()
    async with running(tmp_path, f'tcp: "127.0.0.1:{port}", packs: packs') as house:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LINE % 1)
        await eventually(lambda: house.waiting)
        (event, *_) = await house.events()
        assert (event.kind, event.source) == (EventKind.TAMPER, "syslog:own/alarm")
        assert set(house.hinted) == {HERE.code}
        writer.close()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 1\nid: linux\ntitle: x\npatterns: []\n", "patterns"),
        (
            SECOND_LINUX,
            "another pack is called linux too",
        ),
    ],
)
async def test_a_wrong_pack_ends_the_start(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        build(tmp_path, 'udp: "127.0.0.1:0", packs: packs')
    assert any(problem in line for line in caught.value.problems)


async def test_files_that_are_not_there_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own\.crt"):
        build(tmp_path, "tls: {certificate: own.crt, key: own.key, clients: clients.pem}")
    with pytest.raises(InputError, match="packs"):
        build(tmp_path, 'udp: "127.0.0.1:0", packs: packs')


async def test_a_port_in_use_ends_the_start_with_its_name(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, f'tcp: "127.0.0.1:{port}"'):
        other = tmp_path / "other"
        other.mkdir()
        taken = build(other, f'udp: "127.0.0.1:0", relp: {{listen: "127.0.0.1:{port}"}}')
        taken.engine.store.upgrade()
        with pytest.raises(Permanent, match=f"listen for syslog 127.0.0.1:0, 127.0.0.1:{port}"):
            await taken.station.start()
        await taken.station.close()
        await taken.engine.in_store(taken.engine.store.close)


async def test_a_zone_of_a_source_is_used_for_its_stamps(tmp_path: Path) -> None:
    port = free_port()
    async with running(
        tmp_path, f'tcp: "127.0.0.1:{port}", zone: UTC, zones: {{51-D-21548-1: Asia/Tokyo}}'
    ) as house:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LINE.replace(b"Nov 22", b"Nov 22 2026") % 1)
        await eventually(lambda: house.waiting)
        (event, *_) = await house.events()
        assert event.device_time == EpochMs(1_795_311_723_000), "10:42:03 in Japan is 01:42:03 UTC"
        writer.close()
