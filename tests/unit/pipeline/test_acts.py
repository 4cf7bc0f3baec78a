"""What people do to incidents."""

from __future__ import annotations

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.model import Incident, IncidentState, PageKind, Severity, StepKind
from channelwatch.pipeline.acts import Act, ActKind, perform
from channelwatch.status.signals import Reading, Signal, SignalState
from tests.support.province import HUB_A, HUB_B, answer, bypass, encrypting, miss, trap, tunnel_down
from tests.support.story import SPOKES, Story

HOUR = 3600_000


@pytest.fixture
def story() -> Story:
    told = Story()
    told.all_well()
    return told


def act(
    story: Story,
    kind: ActKind,
    reason: str = "",
    *,
    chief: bool = False,
    into: int | None = None,
    severity: Severity | None = None,
    incident: int = 1,
) -> Incident:
    wanted = Act(kind, "truc", "board 192.0.2.7", chief, reason, into, severity)
    draft = perform(story.world, incident, wanted, EpochMs(story.now))
    story._keep(draft)
    return story.world.incidents[draft.world.incidents[next(iter(draft.incidents))].id]


def kinds(story: Story, incident: int = 1) -> list[StepKind]:
    return [step.kind for step in story.steps if step.incident == incident]


def exposed_and_over(story: Story) -> None:
    """A P1 that a person took and whose fault is over."""
    story.see(trap(SPOKES[0], story.now, bypass()))
    story.take(1)
    story.see(answer(SPOKES[0], story.now + 1000, encrypting()), after=1000)


def test_a_p1_is_closed_with_its_cause_and_a_chiefs_approval(story: Story) -> None:
    exposed_and_over(story)
    for reason in ("the fault is over", "really"):
        with pytest.raises(ChannelwatchError, match="cause is named"):
            act(story, ActKind.CLOSE, reason)
    resolved = act(story, ActKind.RESOLVE, "cấu hình sai ở đầu trung tâm")
    assert (resolved.state, resolved.resolution) == (IncidentState.RESOLVED, "cấu hình sai ở đầu trung tâm")
    with pytest.raises(ChannelwatchError, match="a chief has approved"):
        act(story, ActKind.CLOSE)
    assert act(story, ActKind.APPROVE, chief=True).approved_by == "truc"
    closed = act(story, ActKind.CLOSE)
    assert closed.state is IncidentState.CLOSED
    assert kinds(story)[-4:] == [StepKind.RESTORED, StepKind.RESOLVED, StepKind.APPROVED, StepKind.CLOSED]


def test_a_chief_who_closes_approves(story: Story) -> None:
    exposed_and_over(story)
    act(story, ActKind.RESOLVE, "cause")
    assert act(story, ActKind.CLOSE, chief=True).state is IncidentState.CLOSED


def test_a_p3_is_closed_by_whoever_may(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    with pytest.raises(ChannelwatchError, match="still there"):
        act(story, ActKind.CLOSE)
    story.see(answer(SPOKES[0], story.now + 1000), after=1000)
    assert act(story, ActKind.CLOSE).state is IncidentState.CLOSED


def test_a_closed_fault_that_comes_back_within_a_day_reopens_without_its_old_cause(story: Story) -> None:
    exposed_and_over(story)
    act(story, ActKind.RESOLVE, "cause")
    act(story, ActKind.CLOSE, chief=True)
    story.see(trap(SPOKES[0], story.now + 1000, bypass()), after=1000)
    again = story.world.incidents[story.incidents[0].id]
    assert (again.state, again.resolution, again.approved_by) == (IncidentState.REOPENED, "", None)


def test_a_false_alarm_stays_quiet_until_its_fault_has_ended_once(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    act(story, ActKind.DISMISS, "thử nghiệm")
    story.wait(60_000)
    story.see(answer(SPOKES[0], story.now, encrypting(tunnel_down())))
    assert len(story.incidents) == 1
    story.see(answer(SPOKES[0], story.now + 1000), after=1000)
    dismissed = story.incidents[0]
    assert (dismissed.state, dismissed.restored_at) == (IncidentState.FALSE_ALARM, story.now)
    assert not any(kind is PageKind.RESTORED for kind, _ in story.pages)
    story.see(trap(SPOKES[0], story.now + 1000, tunnel_down()), after=1000)
    assert [item.state for item in story.incidents] == [IncidentState.FALSE_ALARM, IncidentState.OPEN]


def test_what_was_merged_by_hand_speaks_for_itself_once_the_other_is_over(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.see(trap(SPOKES[1], story.now, bypass()))
    act(story, ActKind.MERGE, "một nguyên nhân", into=2)
    first, second = story.incidents
    assert (first.state, first.merged_into, second.impacted) == (IncidentState.MERGED, 2, (SPOKES[0],))
    story.wait(60_000)
    assert len(story.incidents) == 2
    story.take(2)
    story.see(answer(SPOKES[1], story.now), answer(SPOKES[0], story.now, encrypting(tunnel_down())))
    act(story, ActKind.RESOLVE, "cause", incident=2)
    act(story, ActKind.CLOSE, chief=True, incident=2)
    story.wait(31_000)
    assert ("device-down", SPOKES[0]) in story.live


@pytest.mark.parametrize(("into", "match"), [(None, "into which"), (1, "into which"), (99, "into which")])
def test_a_merge_names_another_incident(story: Story, into: int | None, match: str) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    with pytest.raises(ChannelwatchError, match=match):
        act(story, ActKind.MERGE, "one cause", into=into)


def test_anybody_raises_a_severity_and_only_a_chief_lowers_it(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    raised = act(story, ActKind.GRADE, "nhiều đơn vị bị ảnh hưởng", severity=Severity.P2)
    assert raised.severity is Severity.P2
    assert raised.policy is not None and raised.policy.repeat_ms == HOUR
    assert (PageKind.RAISED, SPOKES[0]) in story.pages
    with pytest.raises(ChannelwatchError, match="only a chief"):
        act(story, ActKind.GRADE, "nhẹ hơn", severity=Severity.P4)
    assert act(story, ActKind.GRADE, "nhẹ hơn", severity=Severity.P3, chief=True).severity is Severity.P3


def test_a_fault_that_outlasts_its_target_is_one_step_graver_and_then_counts_anew(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.take(1)

    def poll() -> None:
        everybody = [answer(code, story.now, encrypting(tunnel_down())) for code in SPOKES[:1]]
        story.see(*everybody)

    for hours in (47, 1):
        story.now += hours * HOUR
        poll()
        story.wait(1000)
    assert story.incident("device-down", SPOKES[0]).severity is Severity.P2
    story.now += 7 * HOUR
    poll()
    story.wait(1000)
    assert story.incident("device-down", SPOKES[0]).severity is Severity.P2
    story.now += HOUR
    poll()
    story.wait(1000)
    assert story.incident("device-down", SPOKES[0]).severity is Severity.P1
    assert kinds(story).count(StepKind.SEVERITY_RAISED) == 2


def test_the_ladder_stays_the_one_that_the_incident_opened_with(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    from channelwatch.incidents import escalation

    story.see(trap(SPOKES[0], story.now, bypass()))
    monkeypatch.setitem(escalation.LADDERS, Severity.P1, escalation.Ladder((), 0))
    story.wait(11 * 60_000, step=60_000)
    assert (PageKind.ESCALATED, SPOKES[0]) in story.pages


def test_every_step_says_who_when_why_and_from_where(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    act(story, ActKind.NOTE, "đã gọi xã")
    step = story.steps[-1]
    assert (step.kind, step.by, step.origin, step.reason, step.at) == (
        StepKind.NOTE, "truc", "board 192.0.2.7", "đã gọi xã", story.now,
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", [ActKind.RESOLVE, ActKind.DISMISS, ActKind.MERGE, ActKind.GRADE, ActKind.NOTE]
)
def test_what_needs_a_reason_is_refused_without_one(story: Story, kind: ActKind) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    with pytest.raises(ChannelwatchError, match="a reason is needed"):
        act(story, kind, " ")
    with pytest.raises(ChannelwatchError, match="at most 500"):
        act(story, kind, "x" * 501)


def test_a_fault_is_not_made_part_of_one_that_is_over(story: Story) -> None:
    """Nobody would hear of it again."""
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.see(trap(SPOKES[1], story.now, bypass()))
    story.see(answer(SPOKES[1], story.now + 1000, encrypting()), after=1000)
    with pytest.raises(ChannelwatchError, match="fault is over"):
        act(story, ActKind.MERGE, "một nguyên nhân", into=2)
    merged = act(story, ActKind.MERGE, "một nguyên nhân", incident=2, into=1, chief=True)
    assert merged.state is IncidentState.MERGED


def test_what_was_merged_by_hand_speaks_again_once_the_others_fault_is_over(story: Story) -> None:
    for code, fault in zip(SPOKES, (tunnel_down(), bypass(), bypass()), strict=False):
        story.see(trap(code, story.now, fault))
    act(story, ActKind.MERGE, "một nguyên nhân", into=2)
    act(story, ActKind.MERGE, "một nguyên nhân", incident=2, into=3)

    def poll(last: Reading) -> None:
        readings = (tunnel_down(), bypass(), last)
        story.see(
            *(answer(code, story.now, encrypting(one)) for code, one in zip(SPOKES, readings, strict=False))
        )
        story.wait(31_000)

    poll(bypass())
    assert story.live == {("plaintext-bypass", SPOKES[2])}
    poll(Reading(Signal.CRYPTO_MODE, SignalState.OK, "encrypting"))
    assert story.live >= {("device-down", SPOKES[0]), ("plaintext-bypass", SPOKES[1])}
    assert story.pages.count((PageKind.OPENED, SPOKES[0])) == 2


@pytest.mark.parametrize("kind", [ActKind.DISMISS, ActKind.MERGE])
def test_a_lost_hub_that_a_person_has_answered_so_still_speaks_for_its_communes(
    story: Story, kind: ActKind
) -> None:
    story.silence(HUB_A, HUB_B)
    story.see(*(trap(code, story.now, tunnel_down()) for code in SPOKES))
    story.wait(3000)
    (hub,) = story.incidents
    story.see(answer(SPOKES[0], story.now, encrypting(bypass(), tunnel_down())))
    other = story.incidents[-1].id
    into = other if kind is ActKind.MERGE else None
    act(story, kind, "đã rõ", incident=hub.id, into=into, chief=True)
    for _ in range(6):
        story.see(
            miss(HUB_A, story.now),
            miss(HUB_B, story.now),
            answer(SPOKES[0], story.now, encrypting(bypass(), tunnel_down())),
            *(answer(code, story.now, encrypting(tunnel_down())) for code in SPOKES[1:]),
        )
        story.wait(10_000)
    assert {rule for rule, _ in story.live} == {"plaintext-bypass"}


def test_what_only_stands_in_the_daily_list_calls_people_once_a_person_raises_it(story: Story) -> None:
    expiring = Reading(Signal.KEY_EXPIRES_IN, SignalState.DEGRADED, "low")
    story.see(answer(SPOKES[0], story.now, encrypting(expiring)))
    story.wait(60_000)
    assert story.pages == []
    act(story, ActKind.GRADE, "khóa của đợt này đã lộ", severity=Severity.P1)
    story.wait(11 * 60_000, step=60_000)
    told = [kind for kind, subject in story.pages if subject == SPOKES[0]]
    assert told == [PageKind.RAISED, PageKind.OPENED, PageKind.OPENED, PageKind.ESCALATED]


def test_time_alone_calls_nobody_to_what_stands_in_the_daily_list(story: Story) -> None:
    expiring = Reading(Signal.KEY_EXPIRES_IN, SignalState.DEGRADED, "low")
    for days in (0, 10, 3, 1):
        story.now += days * 24 * HOUR
        story.see(answer(SPOKES[0], story.now, encrypting(expiring)))
        story.wait(2000)
    assert story.incident("key-expiring", SPOKES[0]).severity is Severity.P1
    assert [kind for kind, subject in story.pages if subject == SPOKES[0]] == []


def test_whoever_was_told_hears_the_end_of_what_was_lowered_meanwhile(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    act(story, ActKind.GRADE, "thử nghiệm đã báo trước", severity=Severity.P4, chief=True)
    story.wait(40 * 60_000, step=60_000)
    before = [kind for kind, subject in story.pages if subject == SPOKES[0]]
    assert before == [PageKind.OPENED] * 2
    story.see(answer(SPOKES[0], story.now, encrypting()))
    story.see(trap(SPOKES[0], story.now + 1000, bypass()), after=1000)
    story.wait(2000)
    after = [kind for kind, subject in story.pages if subject == SPOKES[0]][2:]
    assert after == [PageKind.RESTORED] * 2, "and a P4 that comes back calls nobody"


def test_the_time_to_restore_a_fault_that_comes_back_counts_from_then(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    act(story, ActKind.GRADE, "đường dự phòng có mã hóa", severity=Severity.P2, chief=True)
    story.see(answer(SPOKES[0], story.now + 1000, encrypting()), after=1000)
    story.now += 9 * HOUR
    story.see(trap(SPOKES[0], story.now, bypass()))
    story.wait(2000)
    assert story.incident("plaintext-bypass", SPOKES[0]).severity is Severity.P2


def test_only_a_chief_makes_a_fault_part_of_a_lesser_one(story: Story) -> None:
    """A P1 is not to be got rid of without a chief."""
    story.see(trap(SPOKES[0], story.now, bypass()))
    story.see(trap(SPOKES[1], story.now, tunnel_down()))
    with pytest.raises(ChannelwatchError, match="only a chief merges"):
        act(story, ActKind.MERGE, "một nguyên nhân", into=2)
    merged = act(story, ActKind.MERGE, "một nguyên nhân", into=2, chief=True)
    assert merged.state is IncidentState.MERGED


def test_each_time_that_a_severity_is_raised_is_told(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    for severity in (Severity.P3, Severity.P1, Severity.P3, Severity.P1):
        story.wait(2000)
        act(story, ActKind.GRADE, "theo diễn biến", severity=severity, chief=True)
    keys = [row.page.key for effects in story.effects for row in effects.outbox]
    assert sum("raised" in key and "watch" in key for key in keys) == 2
    assert len(keys) == len(set(keys)), "a key that was there before is not written again"
