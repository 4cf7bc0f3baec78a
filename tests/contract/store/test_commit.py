"""Committing batches and resuming from them, the same for every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug, Permanent
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.incidents.model import IncidentState, StepKind
from channelwatch.pipeline.ports import Effects, Snapshot, StoredTransition
from channelwatch.status.states import Flag, Health, PairState
from channelwatch.store.sqlstore import SqlStore
from tests.contract.store.examples import (
    DAY_MS,
    DEVICE,
    GROUP,
    LOG,
    FullStore,
    T,
    at,
    current,
    effects,
    event,
    full_batch,
    incident,
    outbox_row,
    pair,
    rogue,
    step,
    transition,
)


def everything(store: FullStore) -> tuple[object, ...]:
    """All that can be read back after `full_batch`."""
    return (
        store.load(LOG, now=T),
        store.transitions(subjects=[DEVICE, GROUP]),
        store.events(devices=[DEVICE]),
        store.incidents(blocs=[]),
        store.steps(1),
        store.pages(1),
        store.rogues(),
    )


def test_a_new_store_has_nothing_to_resume_from(store: FullStore) -> None:
    assert store.load(LOG, now=T) == Snapshot(None, (), (), (), 1, 1, None)


def test_a_start_resumes_from_what_was_committed(store: FullStore, epoch: int) -> None:
    batch = full_batch()
    store.commit(batch, epoch=epoch)
    snapshot = store.load(LOG, now=T)
    assert snapshot.current == batch.current
    assert snapshot.pairs == batch.pairs
    assert snapshot.incidents == batch.incidents
    assert (snapshot.next_incident, snapshot.next_seq) == (2, 3)


def test_the_newest_state_replaces_the_one_before(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    well = replace(current(health=Health.UP), flags=frozenset({Flag.DRILL}), latched=frozenset(), seen_at=T)
    acked = replace(incident(), state=IncidentState.ACKED, acked_at=at(50), acked_by="truc", impacted=())
    restored = pair(PairState.REDUNDANT)
    store.commit(effects(3, current=(well,), pairs=(restored,), incidents=(acked,)), epoch=epoch)
    snapshot = store.load(LOG, now=T)
    assert (snapshot.current, snapshot.pairs, snapshot.incidents) == ((well,), (restored,), (acked,))


def test_a_device_that_changes_twice_in_a_batch_ends_in_its_last_state(store: FullStore, epoch: int) -> None:
    store.commit(effects(current=(current(), current(health=Health.UP))), epoch=epoch)
    assert [row.assessment.health for row in store.load(LOG, now=T).current] == [Health.UP]


def test_committing_the_same_effects_again_changes_nothing(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    before = everything(store)
    store.commit(full_batch(), epoch=epoch)
    assert everything(store) == before


def test_a_repeated_batch_without_transitions_changes_nothing(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    batch = effects(3, events=(event(ms=9),), rogues=(rogue(ms=9),), steps=(step(kind=StepKind.NOTE),))
    store.commit(batch, epoch=epoch)
    before = everything(store)
    store.commit(batch, epoch=epoch)
    assert everything(store) == before


def test_an_old_batch_committed_again_does_not_bring_old_states_back(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    newer = effects(3, transitions=(transition(ms=9),), current=(current(health=Health.UP),))
    store.commit(newer, epoch=epoch)
    before = everything(store)
    store.commit(full_batch(), epoch=epoch)
    assert everything(store) == before


@pytest.mark.parametrize("first_seq", [1, 2, 4])
def test_numbers_that_do_not_follow_are_refused_whole(store: FullStore, epoch: int, first_seq: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    before = everything(store)
    stray = effects(first_seq, transitions=(transition(ms=99),), events=(event(ms=99),))
    with pytest.raises(Bug):
        store.commit(stray, epoch=epoch)
    assert everything(store) == before


def test_each_log_has_its_own_numbers(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    other = LogId("qn-gov-1")
    store.commit(Effects(other, 1, transitions=(transition("51-C-21548-1"),)), epoch=epoch)
    assert (store.load(LOG, now=T).next_seq, store.load(other, now=T).next_seq) == (3, 2)
    assert store.transitions(subjects=["51-C-21548-1"]) == [
        StoredTransition(other, 1, transition("51-C-21548-1"))
    ]


def test_nothing_of_a_contradictory_batch_is_kept(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    before = everything(store)
    second_live = incident(2)
    batch = effects(3, transitions=(transition(ms=9),), events=(event(ms=9),), incidents=(second_live,))
    with pytest.raises(Bug):
        store.commit(batch, epoch=epoch)
    assert everything(store) == before


def test_an_incident_and_its_successor_may_be_in_one_batch(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    ended = replace(incident(), state=IncidentState.RESTORED, restored_at=at(60))
    store.commit(effects(3, incidents=(incident(2), ended)), epoch=epoch)
    assert store.load(LOG, now=T).incidents == (ended, incident(2))


def test_what_is_told_of_an_unknown_incident_is_refused(store: FullStore, epoch: int) -> None:
    for orphan in (effects(steps=(step(7),)), effects(outbox=(outbox_row(7),))):
        with pytest.raises(Bug):
            store.commit(orphan, epoch=epoch)


def test_a_page_key_is_used_only_once(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    store.commit(effects(3, outbox=(outbox_row(ms=500),)), epoch=epoch)
    assert [page.page for page in store.pages(1)] == [row.page for row in full_batch().outbox]


def test_incidents_over_for_a_day_are_left_behind(store: FullStore, epoch: int) -> None:
    closed = replace(incident(), state=IncidentState.CLOSED, restored_at=at(20), closed_at=at(30))
    merged = replace(incident(2), state=IncidentState.MERGED, closed_at=at(31))
    restored = replace(incident(3), state=IncidentState.RESTORED, restored_at=at(20))
    store.commit(effects(incidents=(closed, merged, restored)), epoch=epoch)
    assert store.load(LOG, now=at(30 + DAY_MS - 1)).incidents == (closed, merged, restored)
    assert store.load(LOG, now=at(30 + DAY_MS)).incidents == (merged, restored)
    snapshot = store.load(LOG, now=at(365 * DAY_MS))
    assert snapshot.incidents == (restored,)
    assert snapshot.next_incident == 4


def test_an_empty_batch_is_no_batch(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    before = everything(store)
    store.commit(effects(3), epoch=epoch)
    assert everything(store) == before


def test_a_process_that_lost_the_lease_writes_nothing(store: FullStore, epoch: int) -> None:
    store.commit(full_batch(), epoch=epoch)
    before = everything(store)
    store.take_lease("pipeline", "other", now=EpochMs(10**13), ttl_ms=5_000)
    with pytest.raises(Permanent) as refused:
        store.commit(effects(3, events=(event(ms=9),)), epoch=epoch)
    assert refused.value.reason == "lease_lost"  # type: ignore[attr-defined]
    assert everything(store) == before


def test_without_any_lease_nothing_is_written(store: FullStore) -> None:
    with pytest.raises(Permanent):
        store.commit(full_batch(), epoch=0)
    assert store.load(LOG, now=T).next_seq == 1


HOSTILE = ["a\0b", "a\ud800b", "a" * 100_000, "\x1b[2J\u202e", "'; DROP TABLE event; --", "%s %(x)s {}"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_a_device_cannot_poison_a_batch(store: FullStore, epoch: int, text: str) -> None:
    spoken = event(text=text)._replace(component=text, source=text[:99])
    store.commit(effects(events=(spoken,), rogues=(replace(rogue(), sample=text),)), epoch=epoch)
    (stored,) = store.events(devices=[DEVICE])
    assert stored.text.startswith("a" if text.startswith("a") else text)
    assert len(store.rogues()) == 1


def test_a_large_batch_is_stored_as_a_small_one_is_and_its_sequel_too(store: FullStore, epoch: int) -> None:
    devices = [f"51-D-{number:05d}-1" for number in range(40)]
    first = effects(
        transitions=tuple(transition(code) for code in devices),
        current=tuple(replace(current(code), flags=frozenset()) for code in devices),
        incidents=tuple(incident(number, subject=code) for number, code in enumerate(devices, 1)),
        steps=tuple(step(number) for number in range(1, 41)),
        outbox=tuple(outbox_row(number, f"{number}:opened:0:watch") for number in range(1, 41)),
        events=tuple(event(code) for code in devices),
    )
    second = effects(
        41,
        transitions=tuple(transition(code, 5_000, Health.UP) for code in devices),
        current=tuple(current(code, Health.UP) for code in devices),
        incidents=tuple(
            replace(incident(number, subject=code), impacted=(devices[0],))
            for number, code in enumerate(devices, 1)
        ),
    )
    for batch in (first, first, second):
        store.commit(batch, epoch=epoch)
    found = store.load(LOG, now=at(10_000))
    assert found.current == second.current
    assert found.incidents == second.incidents
    assert [item.transition for item in store.transitions(subjects=devices)] == [
        item for batch in (second, first) for item in reversed(batch.transitions)
    ]
    assert [len(store.pages(number)) for number in (1, 40)] == [1, 1]
    assert len(store.events(devices=devices)) == 40
    if isinstance(store, SqlStore):
        assert store.differences() == []


def test_a_storms_rows_come_back_as_they_were(store: FullStore, epoch: int) -> None:
    """A store may write many rows in another way than a few."""
    codes = [DeviceCode(f"51-D-{number:05d}-1") for number in range(200)]
    rows = [current(code, Health.DOWN if number % 2 else Health.UP) for number, code in enumerate(codes)]
    rows[7] = replace(rows[7], flags=frozenset(), latched=frozenset())
    opened = tuple(incident(number, subject=code) for number, code in enumerate(codes, 1))
    changed = tuple(transition(code) for code in codes)
    store.commit(effects(current=tuple(rows), transitions=changed, incidents=opened), epoch=epoch)
    found = store.load(LOG, now=T)
    assert found.current == tuple(rows)
    assert found.incidents == opened
    again = tuple(replace(row, flags=frozenset()) for row in rows)
    store.commit(effects(201, current=again), epoch=epoch)
    assert store.load(LOG, now=T).current == again
    stored = store.transitions(subjects=codes[:100], limit=200)
    assert {item.transition for item in stored} == set(changed[:100])
