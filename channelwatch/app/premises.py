"""What every desk uses of the running engine."""

from __future__ import annotations

from typing import Protocol

from channelwatch.app.settings import Settings
from channelwatch.base.clock import Clock
from channelwatch.pipeline.world import World


class Premises(Protocol):
    """The engine's settings, its clock and what is so now."""

    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def world(self) -> World: ...
