"""The store is written from one thread, so that the event loop never waits for a disk.

That a message was sent is recorded before anything else that waits: should the process die first, it goes out again.
What is to be sent is claimed next, and all else done in the order of the calls. People's questions have threads of
their own: a long one delays no commit and no page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from functools import partial
from itertools import count
from queue import Empty, PriorityQueue
from typing import Any, ParamSpec, TypeVar

from channelwatch.pipeline.ports import Store

P = ParamSpec("P")
R = TypeVar("R")


READERS = 2
"""Threads for people's questions; each holds a connection while it answers one."""


class Urgency(IntEnum):
    """Which of the calls that wait for the thread is the next; of equal ones the first that came."""

    SETTLE = 0
    CLAIM = 1
    ORDINARY = 2


class StoreThread:
    """`epoch` is the lease epoch under which this process writes, 0 while it holds no lease."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.epoch = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="read")
        self._waiting: PriorityQueue[tuple[Urgency, int, Callable[[], Any], Future[Any]]] = PriorityQueue()
        self._order = count()

    async def call(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call in the thread and await its result."""
        return await self.urgent(Urgency.ORDINARY, partial(call, *args, **kwargs))

    async def urgent(self, urgency: Urgency, call: Callable[[], R]) -> R:
        """Run a call in the thread, before what waits there and is less urgent, and await its result."""
        result: Future[R] = Future()
        self._waiting.put((urgency, next(self._order), call, result))
        self._thread.submit(self._run_next)
        return await asyncio.wrap_future(result)

    async def read(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call that only reads in a thread of the readers, beside whatever is being written."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(call, *args, **kwargs))

    def end(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        for pool in (self._readers, self._thread):
            pool.shutdown(wait=False, cancel_futures=True)
        while True:
            try:
                *_, result = self._waiting.get_nowait()
            except Empty:
                return
            result.cancel()

    def _run_next(self) -> None:
        """As often as something was put in the queue, take what is the most urgent by then."""
        *_, call, result = self._waiting.get_nowait()
        if not result.set_running_or_notify_cancel():
            return
        try:
            result.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever awaits the result gets it
            result.set_exception(error)
