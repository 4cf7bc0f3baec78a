"""Observations on their way into the world: one queue, taken in batches; what nobody can take is set aside."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from channelwatch.app.running.meters import Meters
from channelwatch.app.running.writer import CannotWrite
from channelwatch.base.errors import Bug, Transient
from channelwatch.base.queue import BoundedQueue
from channelwatch.pipeline.arrivals import SetAside
from channelwatch.pipeline.draft import Draft
from channelwatch.status.events import CollectorAlive, EventReceived, Observation

log = logging.getLogger(__name__)

GATHER_S = 0.1
"""How often records are committed, in seconds: a commit costs as much for a hundred events as for a thousand."""

FAULTS_IN_A_ROW = 50
"""So many observations that cannot be taken one after the other are no fault of theirs: the process ends."""


class Intake:
    """`take` brings a batch into the world; `beat` records a heartbeat. `then` does what it is given once all that was
    taken before is committed: such are heartbeats, and receipts."""

    def __init__(
        self,
        limit: int,
        take: Callable[[Sequence[Observation]], Awaitable[Draft]],
        beat: Callable[[CollectorAlive], Awaitable[None]],
        then: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]],
        *,
        meters: Meters,
        batch: int,
    ) -> None:
        self.queue: BoundedQueue[Observation] = BoundedQueue(limit, gather_s=GATHER_S)
        self._take = take
        self._beat = beat
        self._then = then
        self._meters = meters
        self._batch = batch
        self._in_hand = 0
        self._rested = asyncio.Event()
        self._awaited: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._faults_in_a_row = 0

    def submit(self, observation: Observation) -> bool:
        """Hand over an observation; False, with the drop counted, when the pipeline is behind."""
        is_record = isinstance(observation, EventReceived) and not (
            observation.trusted and observation.readings
        )
        return self.queue.offer(observation, urgent=not is_record)

    def submit_acknowledged(self, observation: Observation) -> asyncio.Future[None] | None:
        """`submit` for a source that can send again: the result comes once `observation` is committed.

        None when the pipeline is behind. Results come in the order of the calls.
        """
        if not self.queue.offer(observation):
            return None
        done = asyncio.get_running_loop().create_future()
        self._awaited.append((self.queue.urgent_accepted, done))
        return done

    async def run(self) -> None:
        """Take in what comes until cancelled. CannotWrite when the store refuses for good."""
        while True:
            batch = await self.queue.take_batch(self._batch)
            self._in_hand = len(batch)
            await self._take_in(batch)
            for observation in batch:
                if isinstance(observation, CollectorAlive):
                    await self._then(partial(self._beat, observation))
            self._in_hand = 0
            self._rested.set()
            if self._awaited:
                await self._then(partial(self._acknowledge_until, self.queue.urgent_taken))

    @property
    def left(self) -> int:
        """Observations accepted and not yet committed."""
        return len(self.queue) + self._in_hand

    async def drained(self) -> None:
        """Wait until nothing is left; `run` has to be running, and nobody to submit any more."""
        while self.left:
            self._rested.clear()
            await self._rested.wait()

    async def _take_in(self, batch: Sequence[Observation]) -> None:
        try:
            draft = await self._take(batch)
        except (CannotWrite, Transient):
            raise
        except Exception as error:  # noqa: BLE001 - a supervisor: one observation must not stop all others
            if len(batch) == 1:
                self._set_aside(batch[0], error)
                return
            for observation in batch:
                await self._take_in([observation])
        else:
            self._faults_in_a_row = 0
            for observation, reason in draft.set_aside:
                self._count(observation, reason)

    def _set_aside(self, observation: Observation, error: Exception) -> None:
        self._count(observation, SetAside.FAULT, error)
        self._faults_in_a_row += 1
        if self._faults_in_a_row > FAULTS_IN_A_ROW:
            raise Bug(f"{FAULTS_IN_A_ROW} observations in a row failed", operation="ingest") from error

    def _count(self, observation: Observation, reason: SetAside, error: Exception | None = None) -> None:
        self._meters.set_aside(reason)
        fields = {
            "reason": reason.value,
            "kind": type(observation).__name__,
            "device": getattr(observation, "device", None),
        }
        level = logging.ERROR if error is not None else logging.INFO
        log.log(level, "observation set aside", extra=fields, exc_info=error)

    async def _acknowledge_until(self, number: int) -> None:
        """The first `number` urgent observations that the queue has accepted are committed."""
        while self._awaited and self._awaited[0][0] <= number:
            _, done = self._awaited.popleft()
            if not done.cancelled():
                done.set_result(None)
