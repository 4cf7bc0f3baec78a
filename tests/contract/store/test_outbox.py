"""The outbox, the same for every store: nothing lost, nothing sent by two, nothing out of order."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug, Permanent
from channelwatch.incidents.model import PageKind
from channelwatch.pipeline.ports import (
    Claim,
    Dead,
    Lanes,
    OutboxCounts,
    OutboxRow,
    OutboxState,
    Retry,
    Sent,
    Settlement,
    Spared,
    Unsure,
)
from tests.contract.store.examples import FullStore, at, effects, incident, outbox_row

NOW = at(1_000)
LEASE_MS = 30_000
AFTER = EpochMs(NOW + LEASE_MS)


def fill(store: FullStore, epoch: int, *rows: OutboxRow) -> None:
    """Commit `rows` about incidents 1 and 2."""
    both = (incident(), incident(2, subject="51-D-21549-1"))
    store.commit(effects(incidents=both, outbox=rows), epoch=epoch)


def claim(store: FullStore, epoch: int, now: EpochMs = NOW, limit: int = 10) -> list[Claim]:
    return store.claim_outbox(now=now, limit=limit, lease_ms=LEASE_MS, epoch=epoch)


def keys(claims: list[Claim]) -> list[str]:
    return [item.alert.key for item in claims]


def test_a_claim_carries_the_whole_alert(store: FullStore, epoch: int) -> None:
    row = outbox_row()
    fill(store, epoch, row)
    (got,) = claim(store, epoch)
    assert (got.attempts, got.channel, got.destination, got.alert) == (1, "webhook", "duty", row.alert)
    (page,) = store.pages(1)
    assert (page.state, page.attempts) == (OutboxState.CLAIMED, 1)


def test_an_alert_of_the_collector_belongs_to_no_bloc(store: FullStore, epoch: int) -> None:
    row = outbox_row()
    alert = replace(row.alert, bloc=None, restored_at=at(90), drill=True)
    fill(store, epoch, replace(row, alert=alert))
    assert [item.alert for item in claim(store, epoch)] == [alert]


def test_due_rows_are_claimed_oldest_first_within_the_limit(store: FullStore, epoch: int) -> None:
    fill(store, epoch, *(outbox_row(key=name, destination=name) for name in "cab"))
    assert keys(claim(store, epoch, limit=2)) == ["c", "a"]
    assert keys(claim(store, epoch, limit=2)) == ["b"]
    assert claim(store, epoch) == []


def test_a_row_is_not_claimed_before_its_time(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row(ms=2_000))
    assert claim(store, epoch, now=at(1_999)) == []
    assert len(claim(store, epoch, now=at(2_000))) == 1


def test_a_row_put_off_before_the_clock_was_set_back_does_not_wait_until_it_has_caught_up(
    store: FullStore, epoch: int
) -> None:
    fill(store, epoch, outbox_row())
    (got,) = claim(store, epoch, now=at(3_600_000))
    store.settle_outbox(got, Retry("timeout"), now=at(3_600_000), not_before=at(3_605_000))
    assert keys(claim(store, epoch, now=at(0))) == [got.alert.key]


def test_a_claim_whose_lease_ran_out_may_be_claimed_again(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    (first,) = claim(store, epoch)
    assert claim(store, epoch, now=EpochMs(AFTER - 1)) == []
    (second,) = claim(store, epoch, now=AFTER)
    assert (second.row_id, second.attempts) == (first.row_id, 2)


def test_what_a_dead_process_had_claimed_is_free_at_once_for_its_successor(
    store: FullStore, epoch: int
) -> None:
    fill(store, epoch, outbox_row())
    (first,) = claim(store, epoch)
    later = EpochMs(NOW + 1)
    successor = store.take_lease("pipeline", "successor", now=EpochMs(10**13), ttl_ms=5_000)
    assert successor is not None and successor > epoch
    (second,) = claim(store, successor, now=later)
    assert (second.row_id, second.attempts) == (first.row_id, 2)
    assert claim(store, successor, now=later) == []


def test_what_was_sent_is_never_claimed_again(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    (got,) = claim(store, epoch)
    store.settle_outbox(got, Sent(), now=at(1_500), not_before=None)
    assert claim(store, epoch, now=EpochMs(10**13)) == []
    (page,) = store.pages(1)
    assert (page.state, page.sent_at, page.last_error) == (OutboxState.SENT, at(1_500), None)


def test_a_retry_is_due_when_asked_and_keeps_its_reason(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    (got,) = claim(store, epoch)
    store.settle_outbox(got, Retry("http_503"), now=at(1_500), not_before=at(9_000))
    assert claim(store, epoch, now=at(8_999)) == []
    (again,) = claim(store, epoch, now=at(9_000))
    store.settle_outbox(again, Sent(), now=at(9_100), not_before=None)
    (page,) = store.pages(1)
    assert (page.attempts, page.last_error, page.sent_at) == (2, "http_503", at(9_100))


def test_a_retry_without_a_time_is_due_at_once(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    (got,) = claim(store, epoch)
    store.settle_outbox(got, Retry("timeout"), now=at(1_500), not_before=None)
    assert len(claim(store, epoch, now=at(1_500))) == 1


def test_a_dead_row_is_never_claimed_again(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    (got,) = claim(store, epoch)
    store.settle_outbox(got, Dead("smtp_550"), now=at(1_500), not_before=None)
    assert claim(store, epoch, now=EpochMs(10**13)) == []
    (page,) = store.pages(1)
    assert (page.state, page.last_error, page.sent_at) == (OutboxState.DEAD, "smtp_550", None)


def test_nobody_reads_of_the_end_before_the_beginning(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row(key="opened"), outbox_row(key="restored"))
    (first,) = claim(store, epoch)
    assert first.alert.key == "opened"
    assert claim(store, epoch) == []
    store.settle_outbox(first, Retry("timeout"), now=NOW, not_before=at(60_000))
    assert claim(store, epoch, now=at(59_999)) == []
    (first,) = claim(store, epoch, now=at(60_000))
    store.settle_outbox(first, Sent(), now=at(60_001), not_before=None)
    assert keys(claim(store, epoch, now=at(60_001))) == ["restored"]


def test_a_dead_row_holds_nothing_up(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row(key="opened"), outbox_row(key="restored"))
    (first,) = claim(store, epoch)
    store.settle_outbox(first, Dead("smtp_550"), now=NOW, not_before=None)
    assert keys(claim(store, epoch)) == ["restored"]


def test_other_incidents_and_destinations_do_not_wait(store: FullStore, epoch: int) -> None:
    mail = outbox_row(key="mail")
    mail = replace(mail, page=replace(mail.page, channel="smtp"))
    fill(
        store, epoch, outbox_row(key="a"), outbox_row(2, "b"), outbox_row(key="c", destination="chief"), mail
    )
    assert keys(claim(store, epoch)) == ["a", "b", "c", "mail"]


def test_one_destination_is_given_only_so_many_at_a_time(store: FullStore, epoch: int) -> None:
    rows = [outbox_row(number, f"{place}{number}", destination=place) for number in (1, 2) for place in "ab"]
    fill(store, epoch, *rows, outbox_row(key="c1", destination="c"))
    claims = store.claim_outbox(now=NOW, limit=2, lease_ms=LEASE_MS, epoch=epoch, lanes=Lanes(each=1))
    assert keys(claims) == ["a1", "b1"]
    assert keys(claim(store, epoch)) == ["a2", "b2", "c1"]


def test_what_is_full_keeps_nothing_else_waiting(store: FullStore, epoch: int) -> None:
    mail = outbox_row(key="mail")
    mail = replace(mail, page=replace(mail.page, channel="smtp"))
    fill(store, epoch, mail, outbox_row(key="a"), outbox_row(key="b", destination="chief"))
    lanes = Lanes(
        full_channels=frozenset({"smtp"}),
        full_destinations=frozenset({("webhook", "duty"), ("sms", "chief")}),
    )
    claims = store.claim_outbox(now=NOW, limit=1, lease_ms=LEASE_MS, epoch=epoch, lanes=lanes)
    assert keys(claims) == ["b"]
    assert keys(claim(store, epoch)) == ["mail", "a"]


def test_a_stale_leader_claims_nothing(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    newer = store.take_lease("pipeline", "other", now=EpochMs(10**13), ttl_ms=5_000)
    with pytest.raises(Permanent) as refused:
        claim(store, epoch)
    assert refused.value.reason == "lease_lost"  # type: ignore[attr-defined]
    assert newer is not None
    assert len(claim(store, newer)) == 1


@pytest.mark.parametrize("late", [Retry("timeout"), Dead("http_400"), Sent()])
def test_what_was_settled_stays_so(store: FullStore, epoch: int, late: Retry | Dead | Sent) -> None:
    fill(store, epoch, outbox_row())
    (got,) = claim(store, epoch)
    store.settle_outbox(got, Sent(), now=at(1_500), not_before=None)
    before = store.pages(1)
    store.settle_outbox(got, late, now=at(1_600), not_before=at(1_600))
    assert store.pages(1) == before


def test_a_late_success_ends_a_retry(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    (slow,) = claim(store, epoch)
    (quick,) = claim(store, epoch, now=AFTER)
    store.settle_outbox(quick, Retry("timeout"), now=AFTER, not_before=AFTER)
    store.settle_outbox(slow, Sent(), now=AFTER, not_before=None)
    assert claim(store, epoch, now=EpochMs(10**13)) == []


@pytest.mark.parametrize("late", [Retry("timeout"), Unsure("timeout"), Dead("http_400")])
def test_a_sender_that_wakes_late_does_not_settle_what_another_has_claimed(
    store: FullStore, epoch: int, late: Retry | Unsure | Dead
) -> None:
    fill(store, epoch, *chain("a", "b"))
    (slow,) = claim(store, epoch)
    (quick,) = claim(store, epoch, now=AFTER)
    before = store.pages(1)
    store.settle_outbox(slow, late, now=AFTER, not_before=AFTER)
    assert store.pages(1) == before
    assert claim(store, epoch, now=AFTER) == []
    store.settle_outbox(quick, Retry("http_503"), now=AFTER, not_before=AFTER)
    (again,) = claim(store, epoch, now=AFTER)
    assert (again.row_id, again.attempts) == (slow.row_id, 3)


def test_what_a_sender_that_wakes_late_has_sent_is_sent(store: FullStore, epoch: int) -> None:
    fill(store, epoch, *chain("a", "b"))
    (slow,) = claim(store, epoch)
    (quick,) = claim(store, epoch, now=AFTER)
    store.settle_outbox(slow, Sent(), now=AFTER, not_before=None)
    store.settle_outbox(quick, Dead("http_400"), now=AFTER, not_before=None)
    assert page_states(store) == [OutboxState.SENT, OutboxState.SPARED]


def test_settling_a_row_that_never_was_is_a_bug(store: FullStore, epoch: int) -> None:
    fill(store, epoch, outbox_row())
    (got,) = claim(store, epoch)
    with pytest.raises(Bug):
        store.settle_outbox(replace(got, row_id=12345), Sent(), now=NOW, not_before=None)


def test_counts_by_state_and_the_age_of_the_oldest_unsent(store: FullStore, epoch: int) -> None:
    assert store.outbox_counts(NOW) == OutboxCounts(0, 0, 0, 0, 0)
    at_once = outbox_row(key="f", destination="f", ms=600)
    at_once = replace(at_once, page=replace(at_once.page, not_before=EpochMs(0)))
    rows = [outbox_row(key=name, destination=name, ms=ms) for ms, name in enumerate("abcde", 100)]
    fill(store, epoch, *rows, at_once)
    sent, dead, *_ = claim(store, epoch, limit=3)
    store.settle_outbox(sent, Sent(), now=NOW, not_before=None)
    store.settle_outbox(dead, Dead("refused"), now=NOW, not_before=None)
    assert store.outbox_counts(NOW) == OutboxCounts(3, 1, 1, 1, oldest_unsent_ms=1_000 - 102)
    for got in claim(store, epoch, now=AFTER):
        if got.alert.key != "f":
            store.settle_outbox(got, Sent(), now=NOW, not_before=None)
    assert store.outbox_counts(NOW).oldest_unsent_ms == 1_000 - 600
    assert store.outbox_counts(at(0)).oldest_unsent_ms == 0


def chain(*destinations: str) -> list[OutboxRow]:
    """One message by several ways, a minute apart."""
    rows = [
        outbox_row(key=name, destination=name, ms=10 + 60_000 * place)
        for place, name in enumerate(destinations)
    ]
    return [replace(row, page=replace(row.page, chain=destinations[0])) for row in rows]


def page_states(store: FullStore) -> list[OutboxState]:
    return [item.state for item in store.pages(1)]


def test_a_further_way_stands_by_and_is_spared_once_the_first_has_arrived(
    store: FullStore, epoch: int
) -> None:
    fill(store, epoch, *chain("a", "b", "c"))
    (first,) = claim(store, epoch)
    assert first.destination == "a"
    store.settle_outbox(first, Sent(), now=NOW, not_before=None)
    assert page_states(store) == [OutboxState.SENT, OutboxState.SPARED, OutboxState.SPARED]
    assert claim(store, epoch, now=at(10_000_000)) == []
    assert store.outbox_counts(NOW).pending == 0


def test_the_next_way_goes_at_once_when_one_is_refused_for_good(store: FullStore, epoch: int) -> None:
    fill(store, epoch, *chain("a", "b", "c"))
    (first,) = claim(store, epoch)
    store.settle_outbox(first, Dead("http_400"), now=NOW, not_before=None)
    (second,) = claim(store, epoch)
    assert second.destination == "b"
    assert page_states(store) == [OutboxState.DEAD, OutboxState.CLAIMED, OutboxState.STANDBY]
    store.settle_outbox(second, Dead("http_400"), now=NOW, not_before=None)
    assert [item.destination for item in claim(store, epoch)] == ["c"]


@pytest.mark.parametrize("outcome", [Retry("http_503"), Unsure("timeout")])
def test_the_next_way_goes_too_after_a_minute_unsent(
    store: FullStore, epoch: int, outcome: Retry | Unsure
) -> None:
    fill(store, epoch, *chain("a", "b"))
    (first,) = claim(store, epoch)
    store.settle_outbox(first, outcome, now=NOW, not_before=at(90_000))
    assert claim(store, epoch, now=at(60_009)) == []
    (second,) = claim(store, epoch, now=at(60_010))
    assert second.destination == "b"
    store.settle_outbox(second, Sent(), now=at(60_020), not_before=None)
    assert page_states(store) == [OutboxState.PENDING, OutboxState.SENT]


def test_chains_do_not_touch_one_another(store: FullStore, epoch: int) -> None:
    fill(store, epoch, *chain("a", "b"), *chain("x", "y"))
    for item in claim(store, epoch):
        store.settle_outbox(
            item, Sent() if item.destination == "a" else Retry("no"), now=NOW, not_before=AFTER
        )
    assert page_states(store) == [
        OutboxState.SENT, OutboxState.SPARED, OutboxState.PENDING, OutboxState.STANDBY,
    ]  # fmt: skip


def test_several_settlements_are_recorded_together_or_not_at_all(store: FullStore, epoch: int) -> None:
    fill(store, epoch, *(outbox_row(key=name, destination=name) for name in "ab"))
    first, second = claim(store, epoch)
    missing = replace(second, row_id=12345)
    with pytest.raises(Bug):
        store.settle_all([Settlement(first, Sent(), NOW, None), Settlement(missing, Sent(), NOW, None)])
    assert store.outbox_counts(NOW).sent == 0
    later = at(60_000)
    store.settle_all(
        [Settlement(first, Sent(), NOW, None), Settlement(second, Retry("http_503"), NOW, later)]
    )
    counts = store.outbox_counts(NOW)
    assert (counts.sent, counts.pending) == (1, 1)


# Over before it was told of ------------------------------------------------------------------------------------


def page(key: str, kind: PageKind, *, chain: str = "", destination: str = "duty", ms: int = 10) -> OutboxRow:
    row = outbox_row(key=key, destination=destination, ms=ms)
    alert = replace(row.alert, kind=kind)
    return OutboxRow(replace(row.page, kind=kind, chain=chain), alert)


OPENED, RESTORED = PageKind.OPENED, PageKind.RESTORED


def end(store: FullStore, epoch: int, *rows: OutboxRow) -> None:
    """Commit what tells of the end of incident 1."""
    ended = replace(incident(), restored_at=at(20))
    store.commit(effects(incidents=(ended,), outbox=rows or (page("end", RESTORED, ms=20),)), epoch=epoch)


def stand(store: FullStore) -> dict[str, tuple[OutboxState, PageKind]]:
    return {item.page.key: (item.state, item.page.kind) for item in store.pages(1)}


def test_what_ended_before_it_was_told_is_one_message_under_the_key_of_its_end(
    store: FullStore, epoch: int
) -> None:
    fill(store, epoch, page("a", OPENED), page("b", PageKind.REPEATED), outbox_row(2, key="other"))
    end(store, epoch)
    got = claim(store, epoch)
    assert [(item.alert.key, item.alert.kind) for item in got] == [
        ("other", OPENED),
        ("end", PageKind.PASSED),
    ]
    assert stand(store) == {
        "a": (OutboxState.SPARED, OPENED),
        "b": (OutboxState.SPARED, PageKind.REPEATED),
        "end": (OutboxState.CLAIMED, PageKind.PASSED),
    }


def test_one_that_failed_for_now_is_overtaken_too(store: FullStore, epoch: int) -> None:
    fill(store, epoch, page("a", OPENED))
    (first,) = claim(store, epoch)
    store.settle_outbox(first, Unsure("timeout"), now=NOW, not_before=EpochMs(NOW + 500))
    end(store, epoch)
    assert stand(store)["a"] == (OutboxState.SPARED, OPENED)
    assert stand(store)["end"] == (OutboxState.PENDING, PageKind.PASSED)


@pytest.mark.parametrize("sent", [True, False])
def test_what_was_sent_or_is_under_way_is_followed_by_its_end(
    store: FullStore, epoch: int, *, sent: bool
) -> None:
    fill(store, epoch, page("a", OPENED))
    (first,) = claim(store, epoch)
    if sent:
        store.settle_outbox(first, Sent(), now=NOW, not_before=None)
    end(store, epoch)
    assert stand(store)["a"][0] is (OutboxState.SENT if sent else OutboxState.CLAIMED)
    assert stand(store)["end"] == (OutboxState.PENDING, RESTORED)


def test_a_reminder_that_is_overtaken_makes_no_news_of_the_end(store: FullStore, epoch: int) -> None:
    fill(store, epoch, page("a", OPENED))
    (first,) = claim(store, epoch)
    store.settle_outbox(first, Sent(), now=NOW, not_before=None)
    store.commit(effects(outbox=(page("b", PageKind.REPEATED, ms=15),), incidents=(incident(),)), epoch=epoch)
    end(store, epoch)
    assert stand(store)["b"][0] is OutboxState.SPARED
    assert stand(store)["end"] == (OutboxState.PENDING, RESTORED)


def test_all_ways_of_a_message_are_overtaken_together_or_none(store: FullStore, epoch: int) -> None:
    ways = (page("a", OPENED, chain="a"), page("a.1", OPENED, chain="a", destination="desk"))
    ends = (page("end", RESTORED, chain="end"), page("end.1", RESTORED, chain="end", destination="desk"))
    fill(store, epoch, *ways)
    end(store, epoch, *ends)
    assert [state for state, _ in stand(store).values()] == [
        *(OutboxState.SPARED, OutboxState.SPARED),
        *(OutboxState.PENDING, OutboxState.STANDBY),
    ]
    assert {kind for key, (_, kind) in stand(store).items() if "end" in key} == {PageKind.PASSED}


def test_a_way_that_is_being_tried_keeps_the_others_of_its_message(store: FullStore, epoch: int) -> None:
    fill(
        store,
        epoch,
        page("a", OPENED, chain="a"),
        page("a.1", OPENED, chain="a", destination="desk", ms=9_000),
    )
    assert len(claim(store, epoch)) == 1
    end(store, epoch)
    assert stand(store)["a.1"][0] is OutboxState.STANDBY
    assert stand(store)["end"][1] is RESTORED


def test_a_message_to_somebody_else_and_a_digest_are_not_overtaken(store: FullStore, epoch: int) -> None:
    fill(store, epoch, page("a", OPENED, destination="chief"), page("d", PageKind.DIGEST))
    end(store, epoch)
    assert stand(store)["a"][0] is OutboxState.PENDING
    assert stand(store)["d"][0] is OutboxState.PENDING
    assert stand(store)["end"] == (OutboxState.PENDING, RESTORED)


def test_the_same_end_committed_again_changes_nothing(store: FullStore, epoch: int) -> None:
    fill(store, epoch, page("a", OPENED))
    end(store, epoch)
    before = store.pages(1)
    end(store, epoch)
    assert store.pages(1) == before


def test_what_happens_several_times_a_second_leaves_the_garbage_collector_next_to_nothing(
    store: FullStore, epoch: int
) -> None:
    """A statement that is built anew each time leaves a thousand objects in cycles: the loop stands still for tens of
    milliseconds whenever they are looked for."""
    left = []
    for number in range(1, 7):
        gc.collect()
        fill(store, epoch, outbox_row(key=f"{number}.0.opened.0.watch.0"))
        (claimed,) = claim(store, epoch)
        store.settle_all([Settlement(claimed, Sent(), NOW, None)])
        assert claim(store, epoch) == []
        left.append(gc.collect())
    assert min(left) < 100


def test_what_was_spared_is_never_claimed_again_and_neither_are_its_further_ways(
    store: FullStore, epoch: int
) -> None:
    spare = outbox_row(key="spare", ms=61_000, chain="first", destination="other")
    fill(store, epoch, outbox_row(key="first", chain="first"), spare)
    (got,) = claim(store, epoch)
    store.settle_outbox(got, Spared(), now=at(1_500), not_before=None)
    assert claim(store, epoch, now=EpochMs(10**13)) == []
    assert {page.state for page in store.pages(1)} == {OutboxState.SPARED}
    assert store.outbox_counts(at(1_500)).sent == 0
