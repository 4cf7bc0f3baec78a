"""The one way into the world: a draft is made, committed and adopted; one at a time, and whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from channelwatch.app.trouble import Troubles
from channelwatch.base.errors import Permanent, Transient
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.ports import Effects
from channelwatch.pipeline.world import WorldChange

COMMIT_FAILED = "commit failed; will be tried again"


class CannotWrite(Permanent):
    """The store takes nothing more from this process: it has to end."""


class Writer:
    """Belongs to one event loop. `adopted` is told of each draft: what people see changed, and what was committed."""

    def __init__(
        self,
        commit: Callable[[Effects], Awaitable[None]],
        adopted: Callable[[WorldChange | None, Effects], None],
        *,
        troubles: Troubles,
        retry_s: float,
    ) -> None:
        self._commit = commit
        self._adopted = adopted
        self._troubles = troubles
        self._retry_s = retry_s
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[Draft]] = set()
        self._gives_up = asyncio.Event()
        self.is_failing = False

    async def write(self, make: Callable[[], Draft]) -> Draft:
        """Make a draft, commit it and adopt it; what `make` raises is raised here, and nothing is written.

        It goes on to its end even if the caller is cancelled: what is committed must be adopted. CannotWrite when the
        store refuses for good. Transient only after `give_up`.
        """
        task = asyncio.create_task(self._write(make))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def give_up(self) -> None:
        """Try no commit again that fails from now on."""
        self._gives_up.set()

    async def finish(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Draft]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # Whoever was cancelled while waiting does not ask for it any more.

    async def _write(self, make: Callable[[], Draft]) -> Draft:
        async with self._turn:
            draft = make()
            effects = draft.effects()
            if not effects.is_empty:
                await self._until_committed(effects)
            self._adopted(draft.adopt(), effects)
            return draft

    async def _until_committed(self, effects: Effects) -> None:
        while True:
            try:
                await self._commit(effects)
            except Transient as error:
                self.is_failing = True
                self._troubles.begins(COMMIT_FAILED, str(error))
                if self._gives_up.is_set():
                    raise
            except Permanent as error:
                raise CannotWrite(f"the store takes nothing more from this process: {error}") from error
            else:
                self.is_failing = False
                self._troubles.ends(COMMIT_FAILED)
                return
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._retry_s):
                await self._gives_up.wait()
        except TimeoutError:
            pass
