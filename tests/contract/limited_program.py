"""An engine over a store whose files may grow no more: `python -m tests.contract.limited_program FOLDER STEP`.

It exposes devices 1, 2 and 3, the last two while the kernel refuses every write to a file (RLIMIT_FSIZE, as a quota
does), and prints what it met as JSON, a line for each step. STEP is `heal` (the limit is lifted again) or `die` (it is
killed while it lasts).
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

from channelwatch.app.running.engine import Engine
from channelwatch.base.errors import Transient
from channelwatch.base.ids import IncidentId, LogId
from tests.support import eventually
from tests.support.house import LIMITS, Postbox, engine_over, running, store_of
from tests.support.province import bypass, spoke, trap

SOON = replace(LIMITS, hold_s=0.1)


def limit(octets: int) -> None:
    """No file may grow beyond so many octets; nothing that exists may be written beyond them."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


def say(**facts: object) -> None:
    """One line for the test; a pipe knows no limit."""
    print(json.dumps(facts), flush=True)


async def expose(engine: Engine, hook: Postbox, number: int) -> asyncio.Future[None]:
    """Expose a device and wait for the alert; the receipt of what was sent."""
    receipt = engine.submit_acknowledged(trap(spoke(number), engine.clock.now(), bypass()))
    assert receipt is not None, "the queue is not full"
    await eventually(lambda: spoke(number) in hook.subjects(), 30, what="the alert")
    return receipt


async def refused(engine: Engine) -> bool:
    """Is a person's act refused?"""
    try:
        await engine.acknowledge(IncidentId(1), by="truc", origin="test")
    except Transient:
        return True
    return False


async def work(folder: Path, step: str) -> None:
    """The story."""
    store, hook = store_of("sqlite", folder), Postbox()
    engine = engine_over(store, channels=[hook], limits=SOON, inventory=None)
    async with running(engine):
        first = await expose(engine, hook, 1)
        await first
        limit(0)
        receipts = [await expose(engine, hook, number) for number in (2, 3)]
        await eventually(
            lambda: "memory" in str(engine.readiness().problems), 30, what="the fault to be shown"
        )
        say(
            problems=engine.readiness().problems,
            acknowledged=[receipt.done() for receipt in receipts],
            act_refused=await refused(engine),
        )
        if step == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        limit(resource.RLIM_INFINITY)
        await asyncio.wait_for(asyncio.gather(*receipts), 30)
        await eventually(lambda: engine.readiness().ready, 30, what="the engine to be ready again")
        found = store.load(LogId("col-1"), now=engine.clock.now()).incidents
        say(recorded=sorted(item.subject for item in found), told=hook.subjects())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2]))
