"""Whether anybody else is heard while a device is silent. Pure; instants are the monotonic clock's, in milliseconds.

Silence proves something only while another device answers: a collector whose own network is cut hears nobody, and must
not call a whole province down. So the miss that would count a device out needs a witness: an answer of another device
since the first miss of the row; and every later miss one since the miss before. Devices that are down already are no
witnesses to wait for; where no other is left, there is nobody to ask, and silence has to speak for itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from channelwatch.base.ids import DeviceCode

ASKED = 3
"""How many others are asked when nobody has been heard of late."""


class Witnesses:
    """Who was heard, and who is counted out."""

    def __init__(self) -> None:
        # By when each was last heard, the latest last.
        self._heard: dict[DeviceCode, int] = {}
        self._watched: set[DeviceCode] = set()
        self._down: set[DeviceCode] = set()
        self._unproven: set[DeviceCode] = set()
        self._missed_at: dict[DeviceCode, int] = {}

    def watch(self, device: DeviceCode) -> None:
        """From now on it is one of those that may be heard."""
        self._watched.add(device)

    def forget(self, device: DeviceCode) -> None:
        """It is watched no more."""
        self._watched.discard(device)
        self._down.discard(device)
        self._unproven.discard(device)
        self._heard.pop(device, None)
        self._missed_at.pop(device, None)

    def heard(self, device: DeviceCode, at: int) -> None:
        """Something came back from it, be it only a refusal: there is a way to it."""
        if device in self._watched:
            self._heard.pop(device, None)
            self._heard[device] = at
            self._down.discard(device)
            self._unproven.discard(device)
            self._missed_at.pop(device, None)

    def missed(self, device: DeviceCode, *, began: int, at: int, decides: bool) -> bool:
        """Nothing came of a poll that lasted from `began` to `at`. Whether that may be held against the device.

        `decides`: with this miss it is, or stays, counted out.
        """
        if not decides:
            self._missed_at.setdefault(device, at)
            return True
        since = self._missed_at.get(device, began)
        self._missed_at[device] = at
        proven = self._has_nobody_else(device) or self._last_heard() >= since
        if proven:
            self._down.add(device)
            self._unproven.discard(device)
        else:
            self._unproven.add(device)
        return proven

    def waits(self, device: DeviceCode) -> bool:
        """Whether its silence is long enough to count it out, and only a witness is missing."""
        return device in self._unproven

    @property
    def waiting(self) -> bool:
        """Whether that is so of any device."""
        return bool(self._unproven)

    def to_ask(self, device: DeviceCode, *, quiet_since: int) -> Iterator[DeviceCode]:
        """Whom to ask whether we are heard at all: those heard last, if nobody was since `quiet_since`."""
        if self._last_heard() >= quiet_since:
            return
        others = (other for other in reversed(self._heard) if other != device and other not in self._down)
        for _, other in zip(range(ASKED), others, strict=False):
            yield other

    def _has_nobody_else(self, device: DeviceCode) -> bool:
        others = len(self._watched) - len(self._down) - (device not in self._down)
        return others < 1

    def _last_heard(self) -> int:
        last = next(reversed(self._heard), None)
        return -1 if last is None else self._heard[last]
