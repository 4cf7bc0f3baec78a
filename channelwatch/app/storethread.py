"""The store is called from one thread, in the order of the calls, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from channelwatch.pipeline.ports import Store

P = ParamSpec("P")
R = TypeVar("R")


class StoreThread:
    """`epoch` is the lease epoch under which this process writes, 0 while it holds no lease."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.epoch = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def call(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call in the thread and await its result."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(call, *args, **kwargs))

    def end(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)
