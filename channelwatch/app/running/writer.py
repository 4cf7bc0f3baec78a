"""The one way into the world: a draft is made, committed and adopted; one at a time, and whole or not at all.

When the store has refused for a while, drafts are adopted first and committed in their order as soon as it takes them
again: who watches must not be blind, nor silent, because a disk is full.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from channelwatch.app.running.trouble import Troubles, may_end
from channelwatch.base.errors import Permanent, Transient
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.ports import Effects
from channelwatch.pipeline.world import WorldChange

COMMIT_FAILED = "commit failed; will be tried again"
UNRECORDED = "history waits in memory; alerts go on from there"


class CannotWrite(Permanent):
    """The store takes nothing more from this process: it has to end."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the store may refuse before drafts are adopted first, how often it is asked again (seconds), and how
    many calls at most then wait for it in memory: once there are so many, nothing more is adopted."""

    retry_s: float
    hold_s: float
    most: int


class Writer:
    """Belongs to one event loop. `adopted` is told of each draft: what people see changed, and what was committed.

    `unrecorded` is told of what is adopted before it is committed, `recorded` when it is.
    """

    def __init__(
        self,
        commit: Callable[[Effects], Awaitable[None]],
        adopted: Callable[[WorldChange | None, Effects], None],
        *,
        unrecorded: Callable[[Effects], None] = lambda _: None,
        recorded: Callable[[Effects], None] = lambda _: None,
        troubles: Troubles,
        patience: Patience,
    ) -> None:
        self._commit = commit
        self._adopted = adopted
        self._unrecorded = unrecorded
        self._recorded = recorded
        self._troubles = troubles
        self._patience = patience
        self._behind: deque[Callable[[], Awaitable[None]]] = deque()
        self._catching_up: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[Draft]] = set()
        self._gives_up = asyncio.Event()
        self.is_failing = False

    @property
    def is_behind(self) -> bool:
        """Something is adopted that is not committed yet."""
        return bool(self._behind)

    async def write(self, make: Callable[[], Draft]) -> Draft:
        """Make a draft, commit it and adopt it; what `make` raises is raised here, and nothing is written.

        It goes on to its end even if the caller is cancelled: what is committed must be adopted. Where it must be
        known that it is committed, see `is_behind`, or `then`. CannotWrite when the store refuses for good. Transient
        only after `give_up`.
        """
        task = asyncio.create_task(self._write(make))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def then(self, call: Callable[[], Awaitable[None]]) -> None:
        """Await `call` once everything adopted so far is committed: at once, or later and without the caller."""
        if self._behind:
            self._behind.append(call)
        else:
            await call()

    def give_up(self) -> None:
        """Try no commit again that fails from now on."""
        self._gives_up.set()

    async def finish(self) -> None:
        """Wait for what is under way."""
        late = [] if self._catching_up is None else [self._catching_up]
        await asyncio.gather(*self._under_way, *late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Draft]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # Whoever was cancelled while waiting does not ask for it any more.

    async def _write(self, make: Callable[[], Draft]) -> Draft:
        async with self._turn:
            if self._catching_up is not None and self._catching_up.done():
                await self._catching_up  # CannotWrite when it failed for good.
            draft = make()
            effects = draft.effects()
            if not effects.is_empty:
                await self._commit_or_hold(effects)
            self._adopted(draft.adopt(), effects)
            return draft

    async def _commit_or_hold(self, effects: Effects) -> None:
        if self._catching_up is not None and len(self._behind) >= self._patience.most:
            await self._catching_up
        commit = partial(self._commit, effects)
        if not self._behind:
            if await self._until_done(commit, self._patience.hold_s):
                return
            self._catching_up = asyncio.create_task(self._catch_up())
        self._behind.append(partial(self._record, effects))
        self._unrecorded(effects)

    async def _record(self, effects: Effects) -> None:
        await self._commit(effects)
        self._recorded(effects)

    async def _catch_up(self) -> None:
        """Do what waits, in its order."""
        self._troubles.begins(UNRECORDED, "the store has refused for too long")
        while self._behind:
            await self._until_done(self._behind[0], None)
            self._behind.popleft()
        self._troubles.ends(UNRECORDED)

    async def _until_done(self, call: Callable[[], Awaitable[None]], seconds: float | None) -> bool:
        """Call until it succeeds; False when it has failed for so many seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            try:
                await call()
            except (Transient, Permanent) as error:
                if not may_end(error):
                    raise CannotWrite(f"the store takes nothing more from this process: {error}") from error
                self.is_failing = True
                self._troubles.begins(COMMIT_FAILED, str(error))
                if self._gives_up.is_set():
                    raise Transient(str(error), operation="commit") from error
            else:
                self.is_failing = False
                self._troubles.ends(COMMIT_FAILED)
                return True
            if seconds is not None and loop.time() - began >= seconds:
                return False
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._patience.retry_s):
                await self._gives_up.wait()
        except TimeoutError:
            pass
