"""The table of an incident's life."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import IncidentId, RuleId
from channelwatch.incidents.escalation import LADDERS
from channelwatch.incidents.life import (
    REOPEN_WITHIN_MS,
    TABLE,
    TARGET_MS,
    advance,
    check_closing,
    graded,
    graver,
    may_reopen,
)
from channelwatch.incidents.model import (
    Incident,
    IncidentState,
    IncidentStep,
    Severity,
    StepKind,
    SubjectKind,
)
from channelwatch.inventory.model import Bloc
from tests.support.province import START, spoke


def incident(state: IncidentState = IncidentState.OPEN) -> Incident:
    at = EpochMs(START)
    return Incident(
        IncidentId(7), RuleId("device-down"), SubjectKind.DEVICE, spoke(1), Bloc.PARTY, Severity.P3, state, at, at, at,
        round_at=at,
    )  # fmt: skip


def step(kind: StepKind, at: int = START + 1000, by: str = "truc") -> IncidentStep:
    return IncidentStep(IncidentId(7), kind, EpochMs(at), by, "board")


def documented() -> dict[IncidentState, set[str]]:
    """The table of docs/incidents.md."""
    text = (Path(__file__).resolve().parents[3] / "docs/incidents.md").read_text(encoding="utf-8")
    found: dict[IncidentState, set[str]] = {}
    for states, kinds in re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \| ((?:`\w+`(?:, )?)+) \|$", text, re.MULTILINE
    ):
        for state in re.findall(r"\w+", states):
            found[IncidentState(state)] = set(re.findall(r"\w+", kinds))
    return found


def test_the_whole_table_is_the_documents_and_nothing_else_moves_an_incident() -> None:
    told = documented()
    assert set(told) == set(IncidentState)
    for state in IncidentState:
        assert {kind.value for moved, kind in TABLE if moved is state} == told[state], state


@pytest.mark.parametrize(
    ("severity", "resolution", "approved", "chief", "why"),
    [
        (Severity.P1, "", None, True, "cause is named"),
        (Severity.P2, "cause", None, False, "a chief has approved"),
        (Severity.P2, "cause", "truong-ca", False, None),
        (Severity.P1, "cause", None, True, None),
        (Severity.P3, "", None, False, None),
        (Severity.P4, "", None, False, None),
    ],
)
def test_the_grave_are_closed_with_a_cause_and_a_chief(
    severity: Severity, resolution: str, approved: str | None, chief: bool, why: str | None
) -> None:
    over = replace(
        incident(IncidentState.RESTORED), severity=severity, resolution=resolution, approved_by=approved,
        restored_at=EpochMs(START),
    )  # fmt: skip
    if why is None:
        check_closing(over, by_chief=chief)
        return
    with pytest.raises(Permanent, match=why):
        check_closing(over, by_chief=chief)


def test_nothing_is_closed_while_its_fault_is_there() -> None:
    with pytest.raises(Permanent, match="still there"):
        check_closing(incident(IncidentState.RESOLVED), by_chief=True)


def test_an_acknowledgement_names_who_and_when_and_the_first_one_stays() -> None:
    once = advance(incident(), step(StepKind.ACKED))
    twice = advance(once, step(StepKind.ACKED, START + 9000, by="khac"))
    assert (twice.state, twice.acked_by, twice.acked_at) == (IncidentState.ACKED, "truc", START + 1000)


def test_a_restoration_does_not_close() -> None:
    restored = advance(incident(), step(StepKind.RESTORED))
    assert restored.state is IncidentState.RESTORED
    assert not restored.state.is_over


def test_reopening_begins_a_new_round_that_awaits_a_person_again() -> None:
    restored = advance(advance(incident(), step(StepKind.ACKED)), step(StepKind.RESTORED, START + 2000))
    again = advance(restored, step(StepKind.REOPENED, START + 3000))
    assert (again.round, again.round_at, again.acked_at, again.ladder) == (1, START + 3000, None, 0)
    assert again.state.awaits_person
    assert again.t0 == START


def test_the_same_fault_belongs_to_the_old_incident_for_a_day() -> None:
    restored = advance(incident(), step(StepKind.RESTORED, START))
    assert may_reopen(restored, EpochMs(START + REOPEN_WITHIN_MS - 1))
    assert not may_reopen(restored, EpochMs(START + REOPEN_WITHIN_MS))
    assert not may_reopen(advance(incident(), step(StepKind.MERGED, START)), EpochMs(START + 1))


def test_a_fault_that_ends_after_people_called_it_solved_ends_the_incident_without_taking_their_word_back() -> (
    None
):
    solved = advance(advance(incident(), step(StepKind.STARTED)), step(StepKind.RESOLVED))
    assert solved.is_live
    ended = advance(solved, step(StepKind.RESTORED, START + 5000))
    assert (ended.state, ended.is_live, ended.ended_at) == (IncidentState.RESOLVED, False, START + 5000)
    assert may_reopen(ended, EpochMs(START + 6000))


@pytest.mark.parametrize("state", [state for state in IncidentState if not state.is_over])
def test_the_end_of_the_fault_and_a_greater_one_are_taken_in_every_live_state(state: IncidentState) -> None:
    current = incident(state)
    if state is not IncidentState.RESTORED:
        assert not advance(current, step(StepKind.RESTORED)).is_live
    assert advance(current, step(StepKind.MERGED)).state is IncidentState.MERGED


@pytest.mark.parametrize("kind", [StepKind.CLOSED, StepKind.REOPENED])
def test_what_is_not_in_the_table_is_refused(kind: StepKind) -> None:
    with pytest.raises(Permanent, match="SC-000007"):
        advance(incident(), step(kind))


@given(st.lists(st.sampled_from(list(StepKind)), max_size=30))
def test_t0_never_changes_and_only_listed_moves_happen(kinds: list[StepKind]) -> None:
    current = incident()
    for number, kind in enumerate(kinds):
        try:
            after = advance(current, step(kind, START + number))
        except Permanent:
            assert (current.state, kind) not in TABLE
            continue
        assert after.t0 == START
        assert after.state == TABLE.get((current.state, kind), current.state)
        current = after


def test_a_fault_that_outlasts_the_time_to_restore_it_is_a_step_graver() -> None:
    limit = TARGET_MS[Severity.P3]
    assert graver(incident(), EpochMs(START + limit - 1)) is None
    assert graver(incident(), EpochMs(START + limit)) is Severity.P2
    again = replace(incident(), graded_at=EpochMs(START + 1))
    assert graver(again, EpochMs(START + limit)) is None
    assert graver(again, EpochMs(START + limit + 1)) is Severity.P2


@pytest.mark.parametrize(
    "change",
    [
        {"severity": Severity.P1},
        {"restored_at": EpochMs(START + 1)},
        {"state": IncidentState.CLOSED},
    ],
)
def test_what_is_gravest_or_restored_or_over_becomes_no_graver(change: dict[str, Any]) -> None:
    assert graver(replace(incident(), **change), EpochMs(START + 100 * TARGET_MS[Severity.P4])) is None


def test_the_steps_done_of_a_graver_ladder_are_kept_until_the_incident_opens_again() -> None:
    told = replace(incident(), severity=Severity.P1, policy=LADDERS[Severity.P1], ladder=2)
    lowered = graded(told, Severity.P4, EpochMs(START + 1))
    assert lowered.policy is not None
    assert lowered.policy.rungs == LADDERS[Severity.P1].rungs[:2]
    assert (lowered.policy.repeat_ms, lowered.policy.repeats_daily) == (0, False)
    restored = advance(lowered, step(StepKind.RESTORED))
    again = advance(restored, step(StepKind.REOPENED))
    assert again.policy is not None and again.policy.rungs == ()
