"""What people read back, the same for every store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.incidents.model import IncidentState, StepKind, SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.ports import Dead, OutboxState, Purge, Sent, StoredPage, StoredTransition
from channelwatch.status.events import Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from tests.contract.store.examples import (
    DEVICE,
    GROUP,
    LOG,
    FullStore,
    at,
    effects,
    event,
    full_batch,
    incident,
    outbox_row,
    rogue,
    step,
    transition,
)

OTHER = DeviceCode("51-D-21549-1")


def test_transitions_come_back_newest_first_with_their_numbers(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    first, second = (StoredTransition(LOG, 1 + i, item) for i, item in enumerate(full_batch().transitions))
    assert store.transitions(subjects=[DEVICE, GROUP, "unheard-of"]) == [second, first]
    assert store.transitions(subjects=[DEVICE]) == [first]
    assert store.transitions(subjects=[]) == []


def test_of_transitions_at_one_instant_the_later_entry_comes_first(store: FullStore, epoch: int) -> None:
    late = transition(ms=-5000)
    store.commit(effects(transitions=(transition(), transition(GROUP), late)), epoch=epoch)
    assert [item.seq for item in store.transitions(subjects=[DEVICE, GROUP])] == [2, 1, 3]


def test_transitions_are_cut_by_time_and_number(store: FullStore, epoch: int) -> None:
    store.commit(effects(transitions=tuple(transition(ms=i) for i in range(10))), epoch=epoch)
    assert [item.seq for item in store.transitions(subjects=[DEVICE], since=at(7))] == [10, 9, 8]
    assert [item.seq for item in store.transitions(subjects=[DEVICE], limit=2)] == [10, 9]


def test_events_come_back_newest_first_without_readings(store: FullStore, epoch: int) -> None:
    spoken = event(ms=5)._replace(readings=(Reading(Signal.POWER_SOURCE, SignalState.DEGRADED, "battery"),))
    bare = event(ms=5, text="second")._replace(device_time=None, trusted=False)
    store.commit(effects(events=(spoken, bare, event(OTHER), event(ms=4))), epoch=epoch)
    assert store.events(devices=[DEVICE]) == [bare, spoken._replace(readings=()), event(ms=4)]
    assert store.events(devices=[DEVICE, OTHER], since=at(5), limit=1) == [bare]
    assert store.events(devices=[OTHER]) == [event(OTHER)]


def test_old_events_are_pruned_and_nothing_else(store: FullStore, epoch: int) -> None:
    told = (event(OTHER, ms=0), event(OTHER, ms=1), event(OTHER, ms=2), event(ms=0))
    store.commit(replace(full_batch(), events=told), epoch=epoch)
    assert store.prune_events(at(2)) == 2
    assert store.prune_events(at(2)) == 0
    assert store.events(devices=[OTHER]) == [event(OTHER, ms=2)]
    assert store.events(devices=[DEVICE]) == [event(ms=0)], "its incident is live"
    assert len(store.transitions(subjects=[DEVICE, GROUP])) == 2
    assert len(store.steps(1)) == 2


def test_old_messages_are_pruned_once_they_are_sent_and_their_incident_is_over(
    store: FullStore, epoch: int
) -> None:
    over = replace(incident(2, subject=OTHER), restored_at=at(5), state=IncidentState.RESTORED)
    rows = (
        outbox_row(1, "1:opened"),
        outbox_row(2, "2:opened"),
        outbox_row(2, "2:restored", destination="two"),
    )
    store.commit(effects(incidents=(incident(1), over), outbox=rows), epoch=epoch)
    first, second, third = store.claim_outbox(now=at(99), limit=9, lease_ms=1000, epoch=epoch)
    for claim in (first, second):
        store.settle_outbox(claim, Sent(), now=at(99), not_before=None)
    assert store.prune_pages(rows[0].alert.created_at) == 0
    assert store.prune_pages(at(10**9)) == 1
    left = [item.page.key for number in (1, 2) for item in store.pages(number)]
    assert left == ["1:opened", "2:restored"]
    store.settle_outbox(third, Dead("http_410"), now=at(99), not_before=None)
    assert store.prune_pages(at(10**9)) == 1
    assert store.prune_pages(at(10**9)) == 0


def test_ways_that_were_not_needed_are_pruned_with_the_one_that_was(store: FullStore, epoch: int) -> None:
    over = replace(incident(), restored_at=at(5), state=IncidentState.RESTORED)
    rows = (
        outbox_row(key="first", chain="first"),
        outbox_row(key="second", chain="first", destination="two", ms=60_000),
    )
    store.commit(effects(incidents=(over,), outbox=rows), epoch=epoch)
    (claim,) = store.claim_outbox(now=at(99), limit=9, lease_ms=1000, epoch=epoch)
    store.settle_outbox(claim, Sent(), now=at(99), not_before=None)
    assert store.prune_pages(at(10**9)) == 2
    assert store.pages(1) == []


def test_incidents_are_shown_for_the_blocs_asked_for(store: FullStore, epoch: int) -> None:
    own = incident(1)
    other = replace(incident(2, subject=OTHER, ms=5), bloc=Bloc.GOV)
    collector = replace(incident(3, subject="col-1", ms=9), bloc=None, subject_kind=SubjectKind.COLLECTOR)
    store.commit(effects(incidents=(own, other, collector)), epoch=epoch)
    assert store.incidents(blocs=[Bloc.PARTY]) == [collector, own]
    assert store.incidents(blocs=list(Bloc)) == [collector, other, own]
    assert store.incidents(blocs=[]) == [collector]
    assert store.incidents(blocs=list(Bloc), since=other.opened_at, limit=5) == [collector, other]
    assert store.incidents(blocs=list(Bloc), limit=1) == [collector]


def test_every_field_of_an_incident_is_kept(store: FullStore, epoch: int) -> None:
    told = replace(
        incident(),
        state=IncidentState.CLOSED,
        acked_at=at(20),
        acked_by="truc",
        restored_at=at(30),
        closed_at=at(40),
        round=2,
        ladder=3,
        repeats=4,
    )
    store.commit(effects(incidents=(told,)), epoch=epoch)
    assert store.incidents(blocs=[Bloc.PARTY]) == [told]


def test_steps_come_back_in_the_order_in_which_they_were_written(store: FullStore, epoch: int) -> None:
    later = replace(step(kind=StepKind.ACKED, ms=60), by="truc", origin="board", reason="Đã nhận")
    earlier = step(kind=StepKind.NOTE, ms=30)
    store.commit(full_batch(), epoch=epoch)
    store.commit(effects(3, steps=(later, earlier)), epoch=epoch)
    assert store.steps(1) == [*full_batch().steps, later, earlier]
    assert store.steps(2) == []


def test_pages_tell_what_became_of_them(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    assert store.pages(1) == [
        StoredPage(row.page, OutboxState.PENDING, 0, row.alert.created_at, None, None)
        for row in full_batch().outbox
    ]
    assert store.pages(2) == []


def test_unknown_sources_are_counted_and_the_latest_comes_first(store: FullStore, epoch: int) -> None:
    tcp = replace(rogue(), transport=Transport.SYSLOG_TCP)
    again = replace(rogue(ms=8, count=2), sample="newer")
    store.commit(effects(rogues=(rogue(), tcp, rogue("192.0.2.67", ms=3))), epoch=epoch)
    store.commit(effects(rogues=(again, rogue("192.0.2.68", ms=1))), epoch=epoch)
    assert store.rogues() == [
        replace(again, count=5),
        rogue("192.0.2.67", ms=3),
        rogue("192.0.2.68", ms=1),
        tcp,
    ]
    assert len(store.rogues(limit=2)) == 2


def test_outbox_rows_of_two_incidents_are_kept_apart(store: FullStore, epoch: int) -> None:
    both = (incident(), incident(2, subject=OTHER))
    store.commit(effects(incidents=both, outbox=(outbox_row(), outbox_row(2, "2:opened"))), epoch=epoch)
    assert [page.page.key for page in store.pages(2)] == ["2:opened"]


def test_the_collector_was_alive_until_its_last_heartbeat(store: FullStore) -> None:
    store.heartbeat("col-1", since=at(0), until=at(5_000))
    assert store.load(LOG, now=at(0)).alive_until == at(5_000)
    store.heartbeat("col-1", since=at(5_000), until=at(10_000))
    store.heartbeat("col-2", since=at(0), until=at(7_000))
    store.heartbeat("col-1", since=at(0), until=at(9_000))
    assert store.load(LOG, now=at(0)).alive_until == at(10_000)
    store.heartbeat("col-1", since=at(60_000), until=at(61_000))
    assert store.load(LOG, now=EpochMs(0)).alive_until == at(61_000)


def test_many_subjects_are_answered_like_few(store: FullStore, epoch: int) -> None:
    others = [f"51-D-{number}" for number in range(200)]
    moves = tuple(transition(subject, ms=i) for i, subject in enumerate([*others, DEVICE]))
    said = tuple(event(subject, ms=i) for i, subject in enumerate([*others, DEVICE]))
    store.commit(effects(transitions=moves, events=said), epoch=epoch)
    asked = [*others[:198], DEVICE]
    wanted = [moves[200], *moves[197:195:-1]]
    assert [item.transition for item in store.transitions(subjects=asked, limit=3)] == wanted
    assert store.events(devices=asked, limit=3) == [said[200], *said[197:195:-1]]
    assert len(store.transitions(subjects=asked, since=at(190))) == 9


def test_an_incident_is_found_by_its_number(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    assert store.incident(1) == full_batch().incidents[0]
    assert store.incident(2) is None


def test_runs_of_pruning_are_listed_the_newest_first(store: FullStore) -> None:
    runs = [Purge("events", at(1), 5, at(9)), Purge("messages", at(1), 0, at(9))]
    for run in runs:
        store.note_purge(run)
    assert cast(Any, store).purges() == runs[::-1]
    assert cast(Any, store).purges(1) == runs[1:]
