"""Who is told, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.ids import IncidentId, RuleId
from channelwatch.incidents.escalation import HOUR, MINUTE, farewell, in_working_hours, plan
from channelwatch.incidents.model import Incident, IncidentState, Page, PageKind, Severity, SubjectKind
from channelwatch.inventory.model import Bloc, Role
from tests.support.province import START, small_inventory, spoke

CONTACTS = small_inventory().contacts


def incident(severity: Severity = Severity.P1, at: int = START) -> Incident:
    when = EpochMs(at)
    return Incident(
        IncidentId(1), RuleId("tamper"), SubjectKind.DEVICE, spoke(1), Bloc.PARTY, severity, IncidentState.OPEN,
        when, when, when, round_at=when,
    )  # fmt: skip


def run(current: Incident, until_ms: int, step_ms: int = MINUTE) -> list[tuple[int, Page]]:
    pages = []
    for now in range(current.round_at, current.round_at + until_ms + 1, step_ms):
        current, due = plan(current, CONTACTS, EpochMs(now))
        pages += [((now - START) // MINUTE, page) for page in due]
    return pages


def local(text: str) -> EpochMs:
    return EpochMs(int(datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE).timestamp() * 1000))


def test_a_p1_climbs_watch_and_onsite_then_chief_then_team_and_never_falls_silent() -> None:
    pages = run(incident(), 2 * HOUR)
    first = [(minute, page.contact) for minute, page in pages if page.kind is not PageKind.REPEATED]
    assert first[:4] == [(0, "watch"), (0, "onsite"), (10, "chief"), (15, "team")]
    repeated = sorted({minute for minute, page in pages if page.kind is PageKind.REPEATED})
    assert repeated[-1] >= 105
    assert max(b - a for a, b in pairwise(repeated)) <= 15


def test_an_unfilled_post_falls_to_everyone_of_the_bloc() -> None:
    pages = run(incident(), 30 * MINUTE)
    owner_rung = {page.contact for minute, page in pages if minute == 30 and page.kind is PageKind.ESCALATED}
    assert Role.OWNER not in {contact.role for contact in CONTACTS}
    assert owner_rung == {"watch", "onsite", "chief", "team"}


def test_an_acknowledgement_stops_the_ladder() -> None:
    acked = replace(incident(), state=IncidentState.ACKED)
    assert plan(acked, CONTACTS, EpochMs(START + 10 * HOUR)) == (acked, [])


def test_outside_working_hours_the_responders_stand_in_for_the_onsite_force() -> None:
    night = local("2026-09-21T02:00:00")
    _, pages = plan(incident(at=night), CONTACTS, night)
    assert {page.contact for page in pages} == {"watch", "team"}


@pytest.mark.parametrize(
    ("text", "working"),
    [
        ("2026-09-21T07:29:59", False),
        ("2026-09-21T07:30:00", True),
        ("2026-09-21T16:59:59", True),
        ("2026-09-21T17:00:00", False),
        ("2026-09-20T10:00:00", False),
    ],
)
def test_working_hours_are_local_and_on_weekdays(text: str, working: bool) -> None:
    assert in_working_hours(local(text)) is working


def test_every_page_has_its_own_key_for_ever() -> None:
    keys = [page.key for _, page in run(incident(), 4 * HOUR)]
    again = replace(incident(), round=1)
    keys += [page.key for _, page in run(again, 4 * HOUR)]
    assert len(keys) == len(set(keys))


def test_a_p4_pages_nobody_and_a_p3_is_not_repeated() -> None:
    assert run(incident(Severity.P4), 10 * HOUR, HOUR) == []
    assert {page.kind for _, page in run(incident(Severity.P3), 10 * HOUR)} == {
        PageKind.OPENED,
        PageKind.ESCALATED,
    }


def test_those_who_were_told_are_told_of_the_recovery() -> None:
    climbed, _ = plan(incident(), CONTACTS, EpochMs(START))
    pages = farewell(climbed, CONTACTS, EpochMs(START + MINUTE))
    assert [(page.contact, page.kind) for page in pages] == [
        ("watch", PageKind.RESTORED),
        ("onsite", PageKind.RESTORED),
    ]
    assert farewell(incident(), CONTACTS, EpochMs(START)) == []


def test_at_most_one_rung_is_climbed_at_a_time_after_a_long_sleep() -> None:
    late = EpochMs(START + 5 * HOUR)
    climbed, pages = plan(incident(), CONTACTS, late)
    assert climbed.ladder == 1
    assert {page.kind for page in pages} == {PageKind.OPENED}
