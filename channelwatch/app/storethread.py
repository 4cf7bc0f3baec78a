"""The store is written from one thread, in the order of the calls, so that the event loop never waits for a disk.

People's questions have threads of their own: a long one delays no commit and no page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from channelwatch.pipeline.ports import Store

P = ParamSpec("P")
R = TypeVar("R")


READERS = 2
"""Threads for people's questions; each holds a connection while it answers one."""


class StoreThread:
    """`epoch` is the lease epoch under which this process writes, 0 while it holds no lease."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.epoch = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="read")

    async def call(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call in the thread and await its result."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(call, *args, **kwargs))

    async def read(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call that only reads in a thread of the readers, beside whatever is being written."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(call, *args, **kwargs))

    def end(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        for pool in (self._readers, self._thread):
            pool.shutdown(wait=False, cancel_futures=True)
