"""A simulated province that runs for the length of a block."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from channelwatch_simulator.province import Preset, build_province
from channelwatch_simulator.simulation import Keys, Simulation, Targets

from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import Permanent
from channelwatch.base.secrets import Secret

AUTH, PRIV, COMMUNITY = "authentic-phrase", "private-phrase", "read-this"
KEYS = Keys("cw", Secret(AUTH), Secret(PRIV), Secret(COMMUNITY))
TRIES = 5


@asynccontextmanager
async def running(*, keys: Keys = KEYS, targets: Targets | None = None) -> AsyncIterator[Simulation]:
    """The demo preset on one port of its 64 addresses; below the range from which others are handed ports."""
    async with AsyncExitStack() as stack:
        for tries_left in reversed(range(TRIES)):
            province = build_province(Preset.DEMO, 1, port=random.randrange(20_000, 32_000))
            simulation = Simulation(province, keys, SystemClock(), seed=1, targets=targets or Targets())
            try:
                await stack.enter_async_context(simulation)
                break
            except Permanent:
                if not tries_left:
                    raise
        yield simulation
