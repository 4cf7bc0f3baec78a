"""What the province adds up to now: channels, communes, blocs. Kept on write, for what a change reaches and no more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode, UnitCode
from channelwatch.inventory.model import Bloc, Inventory, UnitKind
from channelwatch.status.device import DeviceState
from channelwatch.status.service import Service, channel_service, commune_service
from channelwatch.status.states import Health
from channelwatch.status.topology import PairView, hub_is_lost


class Place(NamedTuple):
    """A unit in one bloc: blocs never answer for one another."""

    unit: UnitCode
    bloc: Bloc


class Overview:
    """The channels of one inventory version whose device is in service. To be read only, but for `follow`."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self.channels: dict[ChannelCode, Service] = {}
        self.places: dict[Place, Service] = {}
        self.communes: dict[Bloc, Counter[Health]] = {}
        """How many communes of each bloc are served how."""
        self._channel_of: dict[DeviceCode, tuple[ChannelCode, Place, GroupCode | DeviceCode]] = {}
        self.channels_at: Mapping[Place, tuple[ChannelCode, ...]] = {}
        self._lost: dict[str, bool | None] = {}
        found: defaultdict[Place, list[ChannelCode]] = defaultdict(list)
        for channel in inventory.channels:
            spoke = inventory.device.get(channel.spoke)
            if spoke is None or not spoke.in_service:
                continue
            place = Place(inventory.unit_of(spoke.code).code, inventory.bloc_of(spoke.code))
            self._channel_of[spoke.code] = (channel.code, place, channel.hub)
            self.channels[channel.code] = Service()
            found[place].append(channel.code)
        self.channels_at = {place: tuple(codes) for place, codes in found.items()}
        for place in self.channels_at:
            self.places[place] = Service()
            if self._is_commune(place):
                self.communes.setdefault(place.bloc, Counter())[Health.UNKNOWN] += 1

    def follow(
        self,
        changed: Iterable[DeviceCode],
        devices: Mapping[DeviceCode, DeviceState],
        pairs: Mapping[GroupCode, PairView],
    ) -> None:
        """Bring up to date what the `changed` devices reach: their channels, and those below a hub whose fate moved."""
        inventory, reached = self._inventory, dict[DeviceCode, None]()
        for code in changed:
            reached[code] = None
            listed = inventory.device.get(code)
            for hub in (code, None if listed is None else listed.ha_group):
                below = () if hub is None else inventory.children.get(hub, ())
                if hub is not None and below:
                    lost = hub_is_lost(hub, pairs, devices)
                    if self._lost.get(hub, False) != lost or hub not in self._lost:
                        self._lost[hub] = lost
                        reached.update(dict.fromkeys(below))
        for code in reached:
            if code in self._channel_of:
                self._follow(code, devices)

    def _follow(self, spoke: DeviceCode, devices: Mapping[DeviceCode, DeviceState]) -> None:
        channel, place, hub = self._channel_of[spoke]
        now = channel_service(devices[spoke], hub_lost=self._lost.get(hub))
        if now == self.channels[channel]:
            return
        self.channels[channel] = now
        before = self.places[place]
        after = commune_service(self.channels[code] for code in self.channels_at[place])
        self.places[place] = after
        if self._is_commune(place):
            counts = self.communes[place.bloc]
            counts[before.health] -= 1
            counts[after.health] += 1

    def _is_commune(self, place: Place) -> bool:
        return self._inventory.unit[place.unit].kind is UnitKind.COMMUNE
