"""Tasks that must not end, and tasks that must."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine

from channelwatch.base.errors import Bug, ChannelwatchError

log = logging.getLogger(__name__)

Task = asyncio.Task[None]


class Countdown:
    """How much is left of limits that all count from one moment: the first question."""

    def __init__(self) -> None:
        self._began: float | None = None

    def left(self, seconds: float) -> float:
        """Until so many seconds after the first question; never less than a moment."""
        now = asyncio.get_running_loop().time()
        self._began = now if self._began is None else self._began
        return max(0.05, self._began + seconds - now)


async def every(seconds: float, call: Callable[[], Awaitable[None]]) -> None:
    """Call again and again, so many seconds after the call before has ended."""
    while True:
        await asyncio.sleep(seconds)
        await call()


def start(name: str, work: Coroutine[None, None, None]) -> Task:
    """A task of that name."""
    return asyncio.create_task(work, name=name)


async def until_stopped(stop: asyncio.Event, tasks: Collection[Task]) -> Exception | None:
    """Wait for `stop`, or for the first task that ends by itself, which sets `stop`; why it ended."""
    waiter = asyncio.create_task(stop.wait())
    ended, _ = await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    was_asked = stop.is_set()
    stop.set()
    await waiter
    failures = [_failure(task, was_asked) for task in tasks if task in ended]
    return next((error for error in failures if error is not None), None)


def _failure(task: Task, was_asked: bool) -> Exception | None:
    name = task.get_name()
    error = None if task.cancelled() else task.exception()
    if error is None and was_asked:
        return None
    if error is None:
        error = Bug("ended though nobody had asked it to", operation=name)
    assert isinstance(error, Exception), "what ends the interpreter ends it where it is raised"
    known = isinstance(error, ChannelwatchError) and not isinstance(error, Bug)
    log.error("loop ended", extra={"loop": name, "reason": str(error)}, exc_info=None if known else error)
    return error


async def within(seconds: float, what: str, work: Awaitable[object]) -> bool:
    """Await `work` for at most so long. False, with a line in the log, when it took longer or failed."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        log.warning("cut off at the stop", extra={"what": what})
        return False
    except Exception:
        log.exception("failed at the stop", extra={"what": what})
        return False
    return True


def report(ended: Collection[Task]) -> None:
    """Log what tasks that were asked to end failed with."""
    for task in ended:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("failed at the stop", extra={"what": task.get_name(), "reason": repr(error)})


async def cancel(tasks: Collection[Task], seconds: float) -> None:
    """Cancel those at work, and wait for at most so long for those that do not heed it."""
    working = [task for task in tasks if task.cancel()]
    if not working:
        return
    ended, deaf = await asyncio.wait(working, timeout=seconds)
    report(ended)
    for task in deaf:
        log.warning("does not heed its cancellation", extra={"what": task.get_name()})
