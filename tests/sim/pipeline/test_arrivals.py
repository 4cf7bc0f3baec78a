"""What comes again, or after something newer of its source: state and history are as if it had not come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.pipeline.arrivals import KEPT, SetAside
from channelwatch.pipeline.ingest import ingest, tick
from channelwatch.status.events import EventReceived, Observation, PollAnswered, PollMissed
from tests.sim.pipeline.test_stories import DEVICES, SEEN, Province, observation
from tests.support.province import START

TRAPS = ("trap down", "trap up", "trap bypass", "untrusted")
POLLS = tuple(what for what in SEEN if what not in TRAPS)
Message = PollAnswered | PollMissed | EventReceived
Delivery = tuple[int, Message]
"""When it comes to the pipeline (epoch ms), and what."""
gaps = st.sampled_from((1, 40, 1_000, 9_000, 10_000, 25_000))


@st.composite
def told(draw: st.DrawFn) -> list[Message]:
    """What one source said, in order: the polls of a device, or its traps."""
    device = draw(st.sampled_from(DEVICES[:3]))
    words = draw(st.sampled_from((POLLS, POLLS, TRAPS)))
    said: list[Message] = []
    now = START + 60_000
    for what, gap in draw(st.lists(st.tuples(st.sampled_from(words), gaps), min_size=2, max_size=14)):
        now += gap
        message = observation(what, device, now)
        assert isinstance(message, PollAnswered | PollMissed | EventReceived)
        said.append(message)
    return said


@dataclass
class Outcome:
    """What became of deliveries."""

    province: Province
    aside: list[tuple[Observation, SetAside]]

    def history(self) -> tuple[object, ...]:
        """All that was recorded but the events, and what is now."""
        effects = self.province.effects
        columns = [
            [row for one in effects for row in rows]
            for rows in (
                [one.transitions for one in effects],
                [one.current for one in effects],
                [one.pairs for one in effects],
                [one.incidents for one in effects],
                [one.steps for one in effects],
                [one.outbox for one in effects],
            )
        ]
        return (columns, self.province.world.devices, self.province.world.pairs)

    def events(self) -> list[EventReceived]:
        """The recorded events by when they were received."""
        found = [item for one in self.province.effects for item in one.events]
        return sorted(found, key=lambda item: (item.received_at, repr(item)))


def delivered(deliveries: Sequence[Delivery], moments: Sequence[int]) -> Outcome:
    """Let a province that is well be told `deliveries`, and let time do its part at `moments`."""
    province, aside = Province(), list[tuple[Observation, SetAside]]()
    province.play(("all well", 0, 1_000))
    waiting = list(deliveries)
    for now in sorted({*moments}):
        province.now = now
        due = [message for at, message in waiting if at <= now]
        waiting = [item for item in waiting if item[0] > now]
        draft = ingest(province.world, due, EpochMs(now))
        aside += draft.set_aside
        province.keep(draft)
        province.keep(tick(province.world, EpochMs(now)))
    return Outcome(province, aside)


@settings(max_examples=150)
@given(told(), st.data())
def test_what_comes_again_changes_nothing(said: list[Message], data: st.DataObject) -> None:
    moments = [message.received_at for message in said]
    once = delivered(list(zip(moments, said, strict=True)), moments)
    again: list[Delivery] = []
    for number, message in enumerate(said):
        again.append((message.received_at, message))
        before = st.sampled_from(said[max(0, number + 1 - KEPT) : number + 1])
        for repeated in data.draw(st.lists(before, max_size=3)):
            again.append((message.received_at, repeated))
    twice = delivered(again, moments)
    assert twice.history() == once.history()
    assert set(map(repr, twice.events())) == set(map(repr, once.events()))
    assert len(twice.events()) == sum(isinstance(message, EventReceived) for _, message in again)
    assert len(twice.aside) == sum(may_matter(message) for _, message in again) - sum(map(may_matter, said))
    assert {reason for _, reason in twice.aside} <= {SetAside.REPEATED, SetAside.LATE}


def may_matter(message: Message) -> bool:
    return not isinstance(message, EventReceived) or (message.trusted and bool(message.readings))


@settings(max_examples=150)
@given(told(), st.lists(st.sampled_from((0, 0, 0, 500, 11_000, 40_000)), min_size=14, max_size=14))
def test_what_comes_late_is_set_aside_and_the_rest_is_as_if_it_never_came(
    said: list[Message], delays: list[int]
) -> None:
    mixed = [(message.received_at + delay, message) for message, delay in zip(said, delays, strict=False)]
    mixed.sort(key=lambda item: item[0])
    newest, late, timely = 0, list[Message](), list[Delivery]()
    for at, message in mixed:
        if may_matter(message) and message.received_at < newest:
            late.append(message)
            continue
        timely.append((at, message))
        newest = max(newest, message.received_at if may_matter(message) else 0)
    moments = [at for at, _ in mixed]
    out_of_order, as_if = delivered(mixed, moments), delivered(timely, moments)
    assert out_of_order.history() == as_if.history()
    assert out_of_order.aside == [(message, SetAside.LATE) for message in late]
    everything = delivered(
        [(at, message) for at, message in mixed if isinstance(message, EventReceived)], moments
    )
    assert out_of_order.events() == everything.events()


def test_a_poll_after_the_clock_was_set_back_counts() -> None:
    down = observation("tunnel down", DEVICES[2], START + 60_000 - 3_600_000)
    province = Province()
    province.play(("all well", 0, 60_000))
    province.now = START + 60_000 - 3_600_000
    draft = ingest(province.world, [down], EpochMs(province.now))
    assert draft.set_aside == []
    assert draft.effects().transitions
