"""What a start has to know of the time before it: events that rules count, and what contacts were told."""

from __future__ import annotations

from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import PageKind
from channelwatch.incidents.restraint import WINDOW_MS, spent
from channelwatch.pipeline.ports import OutboxRow, Sent
from tests.contract.store.examples import DAY_MS, LOG, FullStore, at, effects, event, incident, outbox_row


def test_the_events_of_the_last_day_come_back_in_their_order_without_what_they_say(
    store: FullStore, epoch: int
) -> None:
    store.commit(effects(events=(event(ms=1), event(ms=3, text="not kept"), event(ms=2))), epoch=epoch)
    found = store.load(LOG, now=at(10)).recent_events
    assert [item.received_at for item in found] == [at(1), at(3), at(2)]
    assert {(item.device, item.kind, item.transport, item.trusted) for item in found} == {
        (event().device, event().kind, event().transport, True)
    }
    assert {item.text for item in found} == {""}
    assert [item.received_at for item in store.load(LOG, now=at(DAY_MS + 2)).recent_events] == [at(3)]


def rows() -> list[OutboxRow]:
    """Two messages to one contact, the second by two ways, and a digest that is due later."""
    first, second, spare, digest = (outbox_row(key=key, ms=10) for key in ("a", "b", "b.1", "c"))
    return [
        first,
        replace(second, page=replace(second.page, chain="b")),
        replace(spare, page=replace(spare.page, chain="b", not_before=at(60_010))),
        replace(digest, page=replace(digest.page, kind=PageKind.DIGEST, not_before=at(1_010))),
    ]


def test_what_was_told_lately_comes_back_one_page_for_each_message_whatever_became_of_it(
    store: FullStore, epoch: int
) -> None:
    store.commit(effects(incidents=(incident(),), outbox=tuple(rows())), epoch=epoch)
    now = at(2_000)
    (claim, *_) = store.claim_outbox(now=now, limit=1, lease_ms=30_000, epoch=epoch)
    store.settle_outbox(claim, Sent(), now=now, not_before=None)
    told = store.load(LOG, now=now).told
    assert [page.key for page in told] == ["a", "b", "c"]
    (budget,) = spent(told).values()
    assert budget.singles == (at(10), at(10))
    assert budget.digest_at == at(1_010)


def test_what_was_told_before_that_does_not(store: FullStore, epoch: int) -> None:
    store.commit(effects(incidents=(incident(),), outbox=tuple(rows())), epoch=epoch)
    assert store.load(LOG, now=EpochMs(at(10) + WINDOW_MS)).told == ()
