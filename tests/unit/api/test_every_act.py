"""Every act by every role on an incident in every state and severity, against what the document says."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from channelwatch_api.acts import act_of
from channelwatch_api.auth import Account
from channelwatch_api.problems import Problem
from channelwatch_api.schemas import ActIn
from channelwatch_api.scope import Scope

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import IncidentId, RuleId
from channelwatch.incidents.model import GRAVE, Incident, IncidentState, Severity, SubjectKind
from channelwatch.inventory.model import Bloc, Role
from channelwatch.pipeline.acts import ActKind, perform
from channelwatch.pipeline.world import World
from tests.support.province import START, small_world, spoke
from tests.support.story import RULES

TEXT = (Path(__file__).resolve().parents[3] / "docs/incidents.md").read_text(encoding="utf-8")
STEP = {
    ActKind.START: "started",
    ActKind.RESOLVE: "resolved",
    ActKind.APPROVE: "approved",
    ActKind.CLOSE: "closed",
    ActKind.DISMISS: "dismissed",
    ActKind.MERGE: "merged",
}
OVER = {IncidentState.RESTORED, IncidentState.CLOSED}
CHIEF_ONLY = {ActKind.APPROVE, ActKind.DISMISS}


def moves() -> dict[IncidentState, set[str]]:
    """What may happen to an incident, by its state."""
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ((?:`\w+`(?:, )?)+) \|$", TEXT, re.MULTILINE)
    return {
        IncidentState(state): set(re.findall(r"\w+", kinds))
        for states, kinds in rows
        for state in re.findall(r"\w+", states)
    }


def doers() -> dict[ActKind, set[Role]]:
    """Who may do what, but for the exceptions that the document names in words."""
    table = TEXT.split("| act | who |")[1].split("\n\n")[0]
    kinds = "|".join(ActKind)
    return {
        ActKind(kind): {role for role in Role if re.search(rf"\b{role}\b", who.split(";")[0])}
        for acts, who in re.findall(r"^\| (`.+?) \| (.+) \|$", table, re.MULTILINE)
        for kind in re.findall(rf"`({kinds})`", acts)
    }


def incident(number: int, state: IncidentState, severity: Severity, **more: object) -> Incident:
    at = EpochMs(START)
    return Incident(
        IncidentId(number), RuleId("device-down"), SubjectKind.DEVICE, spoke(number), Bloc.PARTY, severity, state,
        at, at, at, round_at=at, restored_at=at if state in OVER else None, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def is_done(world: World, role: Role, found: Incident, wanted: ActIn) -> bool:
    account = Account("someone", role, Scope.of(frozenset(Bloc)))
    world.put_incident(found)
    try:
        act = act_of(account, found, wanted, origin="test")
        perform(world, found.id, act, EpochMs(START + 1))
    except Problem as problem:
        assert problem.status == 403
        return False
    except Permanent:
        return False
    return True


@pytest.mark.parametrize("kind", ActKind)
def test_an_act_is_done_exactly_where_the_document_allows_it(kind: ActKind) -> None:
    world, moved, who = small_world(RULES), moves(), doers()
    assert set(moved) == set(IncidentState) and set(who) == set(ActKind)
    for other in Severity:
        world.put_incident(incident(10 + int(other[1]), IncidentState.OPEN, other))
    for role, state, severity, target in product(Role, IncidentState, Severity, Severity):
        chief = role is Role.CHIEF
        wanted = ActIn(kind=kind, reason="why", into=10 + int(target[1]), severity=target)
        for cause, approved in ((False, False), (True, False), (True, True)):
            found = incident(
                1, state, severity,
                resolution="cause" if cause else "", approved_by="a chief" if approved else None,
            )  # fmt: skip
            may = role in who[kind]
            match kind:
                case ActKind.NOTE:
                    pass
                case ActKind.GRADE if target is severity:
                    continue
                case ActKind.GRADE:
                    lowers = target > severity
                    step = "severity_lowered" if lowers else "severity_raised"
                    may = may and step in moved[state] and (chief or not lowers)
                case ActKind.MERGE:
                    may = may and "merged" in moved[state] and (chief or target <= severity)
                case ActKind.CLOSE:
                    settled = severity not in GRAVE or (cause and (approved or chief))
                    may = may and "closed" in moved[state] and settled and found.restored_at is not None
                    may = may and not (role is Role.WATCH and severity in GRAVE)
                case _:
                    may = may and STEP[kind] in moved[state]
            told = (role, state, severity, target, cause, approved)
            assert is_done(world, role, found, wanted) is may, told


def test_nothing_is_closed_or_merged_away_while_its_fault_is_there_and_the_others_is_not() -> None:
    world = small_world(RULES)
    world.put_incident(incident(11, IncidentState.RESTORED, Severity.P1))
    live = incident(1, IncidentState.RESOLVED, Severity.P1, resolution="cause", approved_by="a chief")
    for kind in (ActKind.CLOSE, ActKind.MERGE):
        wanted = ActIn(kind=kind, reason="why", into=11)
        assert not is_done(world, Role.CHIEF, live, wanted)
        assert is_done(world, Role.CHIEF, replace(live, restored_at=EpochMs(START)), wanted)
