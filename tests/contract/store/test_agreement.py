"""Whatever one does to them in whatever order, the real store and the fake tell the same story."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import event as event_of

from channelwatch.base.errors import Bug, Permanent
from channelwatch.incidents.model import Incident, IncidentState, StepKind
from channelwatch.inventory.diff import diff
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.ports import Claim, Dead, Effects, Lanes, Outcome, Retry, Sent
from channelwatch.status.states import Health
from channelwatch.store.sqlstore import open_store
from tests.contract.store.examples import (
    DEVICE,
    LOG,
    T,
    at,
    current,
    device,
    effects,
    event,
    incident,
    inventory,
    outbox_row,
    rogue,
    step,
    transition,
)
from tests.support.memory_store import MemoryStore

DEVICES = (DEVICE, "51-D-21549-1", "51-D-21550-1")
HOLDERS = ("a", "b")
MOMENTS = st.integers(0, 200)

devices = st.sampled_from(DEVICES)
transitions = st.builds(transition, devices, MOMENTS, st.sampled_from(Health))
parts = st.fixed_dictionaries(
    {},
    optional={
        "transitions": st.lists(transitions, max_size=3).map(tuple),
        "current": st.lists(st.builds(current, devices, st.sampled_from(Health)), max_size=3).map(tuple),
        "events": st.lists(st.builds(event, devices, MOMENTS), max_size=3).map(tuple),
        "rogues": st.lists(
            st.builds(rogue, st.sampled_from(["192.0.2.1", "192.0.2.2"]), st.integers(1, 5), MOMENTS),
            max_size=3,
        ).map(tuple),
    },
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.just(Sent()), st.builds(Retry, st.just("timeout")), st.builds(Dead, st.just("refused"))
)


class Stores(RuleBasedStateMachine):
    """Every rule does one thing to both stores; every invariant compares what both then say."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="channelwatch-agreement-"))
        # What is on disk at which moment is another test's concern.
        self.real = open_store("sqlite:///store.db", self.folder)
        event_of.listen(self.real.engine, "connect", hasten)
        self.real.upgrade()
        self.fake = MemoryStore()
        self.epoch = 0
        self.last: Effects | None = None
        self.pages = 0

    def teardown(self) -> None:
        self.real.close()
        shutil.rmtree(self.folder)

    def both(self, act: Callable[[Any], object]) -> tuple[object, object]:
        """What `act` gives on the real store and on the fake; an error counts by its kind and reason."""
        return told(act, self.real), told(act, self.fake)

    def same(self, act: Callable[[Any], object]) -> object:
        real, fake = self.both(act)
        assert real == fake
        return real

    def commit(self, batch: Effects) -> None:
        self.last = batch
        self.same(lambda store: store.commit(batch, epoch=self.epoch))

    def next_seq(self) -> int:
        return self.fake.load(LOG, now=T).next_seq

    def live(self) -> list[Incident]:
        return [item for item in self.fake.incidents(blocs=list(Bloc)) if item.restored_at is None]

    @rule(holder=st.sampled_from(HOLDERS), ms=MOMENTS, name=st.sampled_from(["pipeline", "reports"]))
    def take_lease(self, holder: str, ms: int, name: str) -> None:
        taken = self.same(lambda store: store.take_lease(name, holder, now=at(ms), ttl_ms=20))
        if isinstance(taken, int):
            self.epoch = taken

    @rule(holder=st.sampled_from(HOLDERS))
    def release_lease(self, holder: str) -> None:
        self.same(lambda store: store.release_lease("pipeline", holder))

    @rule(given=parts, gap=st.sampled_from([0, 0, 0, 0, 1, -1]))
    def commit_observations(self, given: dict[str, Any], gap: int) -> None:
        self.commit(effects(max(1, self.next_seq() + gap), **given))

    @rule()
    def commit_again(self) -> None:
        if self.last is not None:
            self.commit(self.last)

    @rule(subject=devices, ms=MOMENTS, destinations=st.lists(st.sampled_from("xyz"), max_size=4))
    def open_incident(self, subject: str, ms: int, destinations: list[str]) -> None:
        number = self.fake.load(LOG, now=T).next_incident
        rows = []
        for destination in destinations:
            self.pages += 1
            rows.append(outbox_row(number, f"page {self.pages}", destination=destination, ms=ms))
        opened = incident(number, subject=subject, ms=ms)
        self.commit(effects(incidents=(opened,), steps=(step(number, ms=ms),), outbox=tuple(rows)))

    @rule(data=st.data(), ms=MOMENTS)
    def page_and_restore(self, data: st.DataObject, ms: int) -> None:
        live = self.live()
        if live:
            found = data.draw(st.sampled_from(live))
            self.pages += 1
            row = outbox_row(found.id, f"page {self.pages}", destination="x", ms=ms)
            ended = replace(found, state=IncidentState.RESTORED, restored_at=at(ms))
            told_of = step(found.id, StepKind.RESTORED, ms)
            self.commit(effects(incidents=(ended,), steps=(told_of,), outbox=(row,)))

    @rule(target=claims, ms=MOMENTS, limit=st.integers(1, 3), each=st.integers(1, 2), full=st.booleans())
    def claim(self, ms: int, limit: int, each: int, full: bool) -> Any:
        lanes = Lanes(each, full_destinations=frozenset({("webhook", "x")} if full else ()))
        real, fake = self.both(
            lambda store: store.claim_outbox(
                now=at(ms), limit=limit, lease_ms=30, epoch=self.epoch, lanes=lanes
            )
        )
        if not isinstance(real, list) or not isinstance(fake, list):
            assert real == fake
            return multiple()
        assert [without_number(item) for item in real] == [without_number(item) for item in fake]
        return multiple(*zip(real, fake, strict=True))

    @rule(claim=claims, outcome=outcomes, ms=MOMENTS)
    def settle(self, claim: tuple[Claim, Claim], outcome: Outcome, ms: int) -> None:
        """A claim may be settled again after its row was pruned: then both say that there is none."""
        refused = []
        for store, mine in zip((self.real, self.fake), claim, strict=True):
            try:
                store.settle_outbox(mine, outcome, now=at(ms), not_before=at(ms + 5))
            except Bug:
                refused.append(store)
        assert len(refused) in (0, 2)

    @rule(collector=st.sampled_from(["col-1", "col-2"]), since=st.integers(0, 9), length=st.integers(0, 2))
    def heartbeat(self, collector: str, since: int, length: int) -> None:
        start, end = at(since * 1_000), at((since + length) * 1_000)
        self.same(lambda store: store.heartbeat(collector, since=start, until=end))

    @rule(ms=MOMENTS)
    def prune(self, ms: int) -> None:
        self.same(lambda store: store.prune_events(at(ms)))
        self.same(lambda store: store.prune_pages(at(ms)))

    @rule(codes=st.sets(st.sampled_from(DEVICES[1:])), ms=MOMENTS)
    def apply_inventory(self, codes: set[str], ms: int) -> None:
        wanted = inventory(*(device(code) for code in sorted(codes)))
        changes = diff(self.fake.inventory(), wanted)
        self.same(lambda store: store.apply_inventory(wanted, changes, by="x", at=at(ms)))

    @invariant()
    def both_resume_alike(self) -> None:
        self.same(lambda store: store.load(LOG, now=at(0)))
        self.same(lambda store: store.inventory_log(50))

    @invariant()
    def both_remember_alike(self) -> None:
        self.same(lambda store: store.transitions(subjects=DEVICES[:2], since=at(20), limit=8))
        self.same(lambda store: store.events(devices=DEVICES[:2], since=at(20), limit=8))
        self.same(lambda store: store.incidents(blocs=[Bloc.PARTY], limit=8))
        self.same(lambda store: store.rogues())

    @invariant()
    def both_outboxes_are_alike(self) -> None:
        self.same(lambda store: store.outbox_counts(at(150)))
        self.same(lambda store: [(store.steps(number), store.pages(number)) for number in (1, 2)])


def hasten(connection: Any, entry: object) -> None:
    """Let SQLite not wait for the disk."""
    connection.execute("PRAGMA synchronous = OFF")


def told(act: Callable[[Any], object], store: object) -> object:
    """The result of `act`, or its error by kind and reason."""
    try:
        return act(store)
    except Bug:
        return Bug
    except Permanent as error:
        return str(getattr(error, "reason", error))


def without_number(claim: Claim) -> Claim:
    """Row numbers are the store's own affair."""
    return replace(claim, row_id=0)


TestAgreement = Stores.TestCase
TestAgreement.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    # To shrink a failure takes minutes; thirty steps can be read as they are.
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
