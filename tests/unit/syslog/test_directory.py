"""Who is taken to speak, and who is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from channelwatch_collector.syslog.directory import Directory, Doubt, Peer, Speaker

from channelwatch.base.ids import DeviceCode, SiteCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import Transport

ZONE, OTHER = timezone(timedelta(hours=7)), timezone(timedelta(hours=9))
PINNED = Device(DeviceCode("51-D-00001-1"), SiteCode("s"), "192.0.2.1", "c", certificate="aa" * 32)
NAMED = Device(DeviceCode("51-D-00002-1"), SiteCode("s"), "192.0.2.2", "c")
SIX = Device(DeviceCode("51-D-00003-1"), SiteCode("s"), "2001:db8::3", "c")


def directory(*devices: Device) -> Directory:
    made = Directory(zone=ZONE, zones={"192.0.2.2": UTC, "51-D-00003-1": OTHER}, relays=["192.0.2.99"])
    made.set_devices(devices or (PINNED, NAMED, SIX))
    return made


def tls(address: str, certificate: str, *names: str) -> Peer:
    return Peer(address, Transport.SYSLOG_TLS, certificate, frozenset(names))


def find(peer: Peer) -> Speaker:
    found = directory().speaker_of(peer)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("address", "device"),
    [("192.0.2.1", PINNED), ("2001:db8::3", SIX), ("2001:DB8:0::3", SIX), ("::ffff:192.0.2.2", NAMED)],
)
def test_an_address_is_a_device_and_never_trusted(address: str, device: Device) -> None:
    found = find(Peer(address, Transport.SYSLOG_UDP))
    assert (found.device, found.trusted, found.doubt) == (device.code, False, None)


def test_a_stranger_is_nobody_with_or_without_a_certificate() -> None:
    assert directory().speaker_of(Peer("198.51.100.1", Transport.SYSLOG_UDP)) is None
    assert directory().speaker_of(tls("198.51.100.1", "cc" * 32, "someone")) is None


@pytest.mark.parametrize(
    "peer",
    [
        tls("192.0.2.1", "aa" * 32),
        tls("192.0.2.1", "aa" * 32, "51-d-00002-1"),
        tls("192.0.2.2", "cc" * 32, "51-d-00002-1"),
        tls("192.0.2.2", "cc" * 32, "192.0.2.2", "gw.example.test"),
        tls("2001:db8::3", "cc" * 32, "2001:db8::3"),
    ],
)
def test_a_certificate_of_the_device_at_the_address_is_trusted(peer: Peer) -> None:
    found = find(peer)
    assert (found.trusted, found.doubt) == (True, None)
    plain = find(Peer(peer.address, Transport.SYSLOG_UDP))
    assert found.device == plain.device


@pytest.mark.parametrize(
    ("peer", "device", "doubt"),
    [
        (tls("192.0.2.2", "aa" * 32), PINNED, Doubt.OTHER_ADDRESS),
        (tls("198.51.100.1", "aa" * 32), PINNED, Doubt.OTHER_ADDRESS),
        (tls("192.0.2.1", "cc" * 32, "51-d-00002-1"), NAMED, Doubt.OTHER_ADDRESS),
        (tls("192.0.2.1", "cc" * 32, "51-d-00001-1"), PINNED, Doubt.WRONG_CERTIFICATE),
        (tls("192.0.2.2", "cc" * 32, "someone", "*.example.test"), NAMED, Doubt.NAMES_NOBODY),
        (tls("192.0.2.2", "cc" * 32, "51-d-00002-1", "51-d-00003-1"), NAMED, Doubt.NAMES_NOBODY),
    ],
)
def test_a_certificate_that_does_not_fit_is_doubted(peer: Peer, device: Device, doubt: Doubt) -> None:
    found = find(peer)
    assert (found.device, found.trusted, found.doubt) == (device.code, False, doubt)


def test_a_relay_is_no_device_and_its_certificate_proves_nothing_of_others() -> None:
    found = find(tls("192.0.2.99", "aa" * 32))
    assert (found.device, found.is_relay, found.trusted) == (None, True, False)


def test_a_shared_address_is_known_and_nobody_in_particular() -> None:
    shared = directory(PINNED, replace(NAMED, address="192.0.2.1", port=1161))
    found = shared.speaker_of(Peer("192.0.2.1", Transport.SYSLOG_UDP))
    assert found == Speaker("192.0.2.1", None, ZONE)


def test_zones_are_of_devices_or_addresses() -> None:
    assert find(Peer("192.0.2.1", Transport.SYSLOG_UDP)).zone is ZONE
    assert find(Peer("192.0.2.2", Transport.SYSLOG_UDP)).zone is UTC
    assert find(Peer("2001:db8::3", Transport.SYSLOG_UDP)).zone is OTHER


def test_a_relay_named_by_its_certificate_is_one_from_anywhere_and_without_it_none() -> None:
    made = Directory(zone=ZONE, relays=["ee" * 32])
    made.set_devices([PINNED])
    found = made.speaker_of(tls("198.51.100.1", "ee" * 32))
    assert found is not None and (found.device, found.is_relay, found.trusted) == (None, True, False)
    assert made.speaker_of(Peer("198.51.100.1", Transport.SYSLOG_RELP)) is None


def test_a_line_of_a_relay_names_its_device_by_code_or_address() -> None:
    made = directory()
    assert made.device_named("51-d-00001-1") == PINNED.code
    assert made.device_named("2001:DB8::3") == SIX.code
    assert made.device_named("gw") is None


def test_another_inventory_is_followed_at_once() -> None:
    made = directory()
    peer = Peer("192.0.2.1", Transport.SYSLOG_UDP)
    assert made.speaker_of(peer) is not None
    made.set_devices([NAMED])
    assert made.speaker_of(peer) is None
