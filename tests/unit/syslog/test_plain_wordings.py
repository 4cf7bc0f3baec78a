"""Plain wordings of any maker: what was is told before what is, and what is denied or awaited is not."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.parse.classify import Classified
from channelwatch_collector.syslog.parse.header import parse_header

from channelwatch.base.clock import EpochMs
from channelwatch.status.events import EventKind
from tests.support.packs import packs

AT = EpochMs(1_795_318_923_000)


def kind(text: str) -> EventKind | None:
    found = packs().classify(
        parse_header(f"<29>Nov 22 10:42:03 box-01 vpnd[7]: {text}".encode(), received_at=AT)
    )
    return found.kind if isinstance(found, Classified) else None


@pytest.mark.parametrize("thing", ["Tunnel hub-a", "VPN connection hub-a", "Secure channel to hub-a"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("changed state from down to up", EventKind.TUNNEL_UP),
        ("changed state from up to down", EventKind.TUNNEL_DOWN),
        (": DOWN -> UP", EventKind.TUNNEL_UP),
        (": UP -> DOWN", EventKind.TUNNEL_DOWN),
        ("was down, is up again", EventKind.TUNNEL_UP),
        ("is up, was down for 12 s", EventKind.TUNNEL_UP),
        ("restored", EventKind.TUNNEL_UP),
        ("re-established", EventKind.TUNNEL_UP),
        ("is no longer up", EventKind.TUNNEL_DOWN),
        ("is not connected", EventKind.TUNNEL_DOWN),
        ("closed by peer", EventKind.TUNNEL_DOWN),
        ("could not be established", EventKind.IKE_FAIL),
        ("failed to come up", EventKind.IKE_FAIL),
        ("will be used until link 2 is up", None),
        ("is not down", None),
    ],
)
def test_a_tunnel_is_told_as_it_is_now(thing: str, words: str, expected: EventKind | None) -> None:
    assert kind(f"{thing} {words}") is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Interface wan0 changed from down to up", EventKind.LINK_UP),
        ("Interface wan0 changed from up to down", EventKind.LINK_DOWN),
        ("Interface state was Down, requested Up, now Up", EventKind.LINK_UP),
        ("Port 4 state transition DOWN -> UP", EventKind.LINK_UP),
        ("Port 4 state transition UP -> DOWN", EventKind.LINK_DOWN),
        ("Interface wan0 link is up, was down for 12 s", EventKind.LINK_UP),
        ("Waiting for interface wan0: it is up at boot", None),
        ("Interface wan0 is no longer up", None),
        ("Waiting for tunnel hub-a to come up", None),
        ("No tunnel established with 198.51.100.1", None),
        ("Unable to bring tunnel hub-a up", EventKind.IKE_FAIL),
        ("Login of user admin not successful", EventKind.LOGIN_FAIL),
        ("No failed logins since the last login", None),
        ("The certificate of the device is not expired", None),
        ("frequency file /var/lib/ntp/ntp.drift.TEMP: Permission denied", None),
    ],
)
def test_a_plain_wording_is_told_as_it_is_meant(text: str, expected: EventKind | None) -> None:
    assert kind(text) is expected
