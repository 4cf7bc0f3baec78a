"""What became of messages, recorded together: however many were answered while the disk was busy, it is asked once."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future

from channelwatch.app.running.storethread import StoreThread, Urgency
from channelwatch.base.errors import Bug
from channelwatch.pipeline.ports import Settlement


class Settling:
    """Belongs to one event loop; what waits is taken by the store's thread."""

    def __init__(self, store: StoreThread) -> None:
        self._store = store
        self._waiting: deque[tuple[Settlement, Future[None]]] = deque()

    async def settle(self, settlement: Settlement) -> None:
        """Record it, before all else that waits for the store. Raises what the store raises."""
        done: Future[None] = Future()
        self._waiting.append((settlement, done))
        # Either this turn of the thread or an earlier one takes it.
        await self._store.urgent(Urgency.SETTLE, self._settle_waiting)
        done.result()

    def _settle_waiting(self) -> None:
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            if len(taken) > 1:
                self._store.store.settle_all([settlement for settlement, _ in taken])
                for _, done in taken:
                    done.set_result(None)
                return
        except Bug:
            pass  # One of them names a row that is not there: the others must not suffer for it.
        except BaseException as error:  # noqa: BLE001 - whoever awaits the results gets it
            for _, done in taken:
                done.set_exception(error)
            return
        for settlement, done in taken:
            self._settle(settlement, done)

    def _settle(self, item: Settlement, done: Future[None]) -> None:
        settle = self._store.store.settle_outbox
        try:
            settle(item.claim, item.outcome, now=item.now, not_before=item.not_before)
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001 - whoever awaits the result gets it
            done.set_exception(error)
