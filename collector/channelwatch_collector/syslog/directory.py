"""Who speaks: from an address and a certificate to a device of the inventory, and how far it is to be believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple

from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import Transport

_MAX_REMEMBERED: Final = 20_000
"""Peers whose speaker is remembered; beyond that the directory looks them up anew."""


class Peer(NamedTuple):
    """Who sent something, and how it came.

    `certificate` is the SHA-256 fingerprint (lower-case hex) of one that was verified, `names` its subject
    alternative names: DNS names in lower case and IP addresses as `ipaddress` writes them.
    """

    address: str
    transport: Transport
    certificate: str | None = None
    names: frozenset[str] = frozenset()


class Doubt(StrEnum):
    """Why a verified certificate does not prove what the address says."""

    OTHER_ADDRESS = "other_address"
    """It is the certificate of a device, and comes from where that device is not."""
    WRONG_CERTIFICATE = "wrong_certificate"
    """The device at this address has another certificate."""
    NAMES_NOBODY = "names_nobody"
    """It names no device, though there is one at this address."""


class Speaker(NamedTuple):
    """Who is taken to speak. `key` is whose rate it counts against; `zone` is that of stamps that name none.

    `device` is None for a relay, whose lines name their devices, and for an address that several devices share.
    Only a `trusted` speaker's readings may change a state.
    """

    key: str
    device: DeviceCode | None
    zone: tzinfo
    trusted: bool = False
    doubt: Doubt | None = None
    is_relay: bool = False


_UNMET: Final = Speaker("", None, UTC)
"""In place of a peer that was not looked up yet."""


class Directory:
    """Devices by address, by certificate and by name.

    A certificate is a device's if the inventory has its fingerprint; where the inventory has none for the device,
    if its subject alternative names hold the device's code or address (RFC 5425 section 5.2). Wildcards name nobody.
    A relay is known by its address or, what nobody can forge, by the fingerprint of its certificate.
    """

    def __init__(
        self, *, zone: tzinfo, zones: Mapping[str, tzinfo] | None = None, relays: Iterable[str] = ()
    ) -> None:
        self._zone = zone
        self._zones = {_spelled(name): found for name, found in (zones or {}).items()}
        self._relays = frozenset(_spelled(relay) for relay in relays)
        self._by_address: dict[str, Device | None] = {}
        self._by_certificate: dict[str, Device] = {}
        self._by_name: dict[str, Device] = {}
        self._remembered: dict[tuple[str, str | None], Speaker | None] = {}

    def set_devices(self, devices: Iterable[Device]) -> None:
        """Know exactly these."""
        self._by_address, self._by_certificate, self._by_name, self._remembered = {}, {}, {}, {}
        for device in devices:
            address = _spelled(device.address)
            self._by_address[address] = None if address in self._by_address else device
            self._by_name[device.code.lower()] = device
            if device.certificate is not None:
                self._by_certificate[device.certificate] = device

    def speaker_of(self, peer: Peer) -> Speaker | None:
        """Who `peer` is, None for a stranger."""
        key = (peer.address, peer.certificate)
        known = self._remembered.get(key, _UNMET)
        if known is not _UNMET:
            return known
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        return self._remembered.setdefault(key, self._find(peer))

    def device_named(self, name: str) -> DeviceCode | None:
        """The device whose code or address is `name`: what a relay's lines are told apart by."""
        device = self._by_name.get(name.lower()) or self._by_address.get(_spelled(name))
        return device.code if device is not None else None

    def _find(self, peer: Peer) -> Speaker | None:
        address = _spelled(peer.address)
        if address in self._relays or peer.certificate in self._relays:
            return Speaker(address, None, self._zones.get(address, self._zone), is_relay=True)
        owner = self._owner_of(peer)
        if owner is not None:
            doubt = None if _spelled(owner.address) == address else Doubt.OTHER_ADDRESS
            return self._device(owner, trusted=doubt is None, doubt=doubt)
        if address not in self._by_address:
            return None
        neighbour = self._by_address[address]
        if neighbour is None:
            return Speaker(address, None, self._zones.get(address, self._zone))
        if peer.certificate is None:
            return self._device(neighbour)
        pinned = neighbour.certificate is not None
        return self._device(neighbour, doubt=Doubt.WRONG_CERTIFICATE if pinned else Doubt.NAMES_NOBODY)

    def _owner_of(self, peer: Peer) -> Device | None:
        """The one device that the certificate speaks for."""
        if peer.certificate is None:
            return None
        found = self._by_certificate.get(peer.certificate)
        if found is not None:
            return found
        named = [self._by_name.get(name) or self._by_address.get(name) for name in peer.names]
        owners = {item.code: item for item in named if item is not None and item.certificate is None}
        return next(iter(owners.values())) if len(owners) == 1 else None

    def _device(self, device: Device, *, trusted: bool = False, doubt: Doubt | None = None) -> Speaker:
        by_address = self._zones.get(_spelled(device.address), self._zone)
        zone = self._zones.get(device.code.lower(), by_address)
        return Speaker(device.code, device.code, zone, trusted, doubt)


def plain_address(host: str) -> str:
    """An address as the inventory writes it: no scope, and IPv4 not mapped into IPv6."""
    host = host.partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host


def _spelled(name: str) -> str:
    """One spelling for each address, and lower case for what is none."""
    try:
        return str(ipaddress.ip_address(plain_address(name)))
    except ValueError:
        return name.lower()
