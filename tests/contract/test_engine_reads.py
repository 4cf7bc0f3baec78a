"""People's questions beside the one writer."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support import eventually
from tests.support.house import FailingStore, Postbox, engine_over, running, store_of
from tests.support.province import bypass, spoke, trap


async def test_questions_that_take_for_ever_delay_no_commit_and_no_page(tmp_path: Path) -> None:
    store = FailingStore(store_of("sqlite", tmp_path))
    hook = Postbox()
    engine = engine_over(store, channels=[hook])
    async with running(engine):
        released = store.hang("transitions")
        asked = [
            asyncio.create_task(engine.look_up(engine.history.transitions, subjects=[spoke(1)]))
            for _ in range(5)
        ]
        await eventually(lambda: store.calls["transitions"] > 0, what="a question under way")
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: spoke(1) in hook.subjects(), what="the page")
        assert not any(task.done() for task in asked)
        released.set()
        answers = await asyncio.gather(*asked)
        assert all(found == answers[0] for found in answers)
        assert answers[0], "the trap moved something"
