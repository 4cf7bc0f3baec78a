"""Waiting for what other programs do, with a limit and a reason in the failure.

The limit only ends what would wait for ever: it is far beyond what a busy machine with a slow disk needs.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")
EVERY_S = 0.02


def wait_until(predicate: Callable[[], T], timeout_s: float = 30.0, *, what: str = "") -> T:
    """Call `predicate` until it returns something true, and return that; fail after `timeout_s` seconds.

    An exception ends the wait at once: a predicate catches those that it expects.
    """
    ends = time.monotonic() + timeout_s
    while True:
        last = predicate()
        if last:
            return last
        if time.monotonic() >= ends:
            raise AssertionError(_timed_out(predicate, timeout_s, what=what, last=last))
        time.sleep(EVERY_S)


@overload
async def eventually(
    predicate: Callable[[], Awaitable[T]], timeout_s: float = ..., *, what: str = ...
) -> T: ...
@overload
async def eventually(predicate: Callable[[], T], timeout_s: float = ..., *, what: str = ...) -> T: ...
async def eventually(predicate: Callable[[], Any], timeout_s: float = 30.0, *, what: str = "") -> Any:
    """The same for tests on an event loop; `predicate` may be a coroutine function."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + timeout_s
    while True:
        outcome = predicate()
        last = await outcome if inspect.isawaitable(outcome) else outcome
        if last:
            return last
        if loop.time() >= ends:
            raise AssertionError(_timed_out(predicate, timeout_s, what=what, last=last))
        await asyncio.sleep(EVERY_S)


def _timed_out(predicate: Callable[[], object], timeout_s: float, *, what: str, last: object) -> str:
    awaited = what or getattr(predicate, "__qualname__", repr(predicate))
    return f"waited {timeout_s:g} s in vain for: {awaited} (last answer: {last!r})"
