"""A server with a nation behind `/metrics`, until it is ended: `python server.py PORT_FILE POLLS_PER_SECOND`.

`/polls?count=N` lets N devices answer at once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from channelwatch_api.app import create_app  # noqa: E402
from channelwatch_api.part import Server, _config, bind  # noqa: E402
from fastapi import FastAPI  # noqa: E402

from channelwatch.app.settings import Listen  # noqa: E402
from channelwatch.base.clock import SystemClock  # noqa: E402
from metrics_figures.nation import Nation  # noqa: E402
from tests.unit.api.memory_house import MemoryHouse  # noqa: E402

TICK_S = 0.2


async def serve(port_file: Path, per_second: int) -> None:
    nation, house = Nation(), MemoryHouse(clock=SystemClock())
    house.world = nation.world
    assert house.settings.http is not None
    app: FastAPI = create_app(house, house.settings.http)

    @app.get("/polls")
    async def polls(count: int) -> int:
        nation.poll(count)
        return count

    listener = bind(Listen("127.0.0.1", 0))
    part = port_file.with_suffix(".part")
    part.write_text(f"{listener.getsockname()[1]} {os.getpid()}", encoding="utf-8")
    part.rename(port_file)
    polling = asyncio.create_task(poll(nation, per_second))
    try:
        await Server(_config(app, {})).serve(sockets=[listener])
    finally:
        polling.cancel()


async def poll(nation: Nation, per_second: int) -> None:
    """So many devices answer each second."""
    while per_second:
        await asyncio.sleep(TICK_S)
        nation.poll(round(per_second * TICK_S))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
