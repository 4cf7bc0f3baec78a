"""Who is told, and when."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime

import pytest

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.ids import ContactCode, IncidentId, RuleId
from channelwatch.incidents.escalation import (
    DUTY,
    FAILOVER_MS,
    HOUR,
    LADDERS,
    MINUTE,
    Duty,
    farewell,
    freeze,
    has_lapsed,
    on_duty,
    plan,
)
from channelwatch.incidents.life import graded
from channelwatch.incidents.model import Incident, IncidentState, Page, PageKind, Severity, SubjectKind
from channelwatch.incidents.worktime import ORDINARY
from channelwatch.inventory.model import Bloc, Contact, Role
from tests.support.province import START, small_inventory, spoke

CONTACTS = small_inventory().contacts
DUTY_OF_ALL = Duty(CONTACTS)


def incident(severity: Severity = Severity.P1, at: int = START) -> Incident:
    when = EpochMs(at)
    return Incident(
        IncidentId(1), RuleId("tamper"), SubjectKind.DEVICE, spoke(1), Bloc.PARTY, severity, IncidentState.OPEN,
        when, when, when, round_at=when,
    )  # fmt: skip


def run(current: Incident, until_ms: int, step_ms: int = MINUTE) -> list[tuple[int, Page]]:
    pages = []
    for now in range(current.round_at, current.round_at + until_ms + 1, step_ms):
        current, due = plan(current, DUTY_OF_ALL, EpochMs(now))
        pages += [((now - START) // MINUTE, page) for page in due]
    return pages


def local(text: str) -> EpochMs:
    return EpochMs(int(datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE).timestamp() * 1000))


def test_a_p1_climbs_watch_and_onsite_then_chief_then_team_and_never_falls_silent() -> None:
    pages = run(incident(), 2 * HOUR)
    first = [(minute, page.contact) for minute, page in pages if page.kind is not PageKind.REPEATED]
    assert first[:4] == [(0, "watch"), (0, "onsite"), (10, "chief"), (15, "team")]
    watch = [minute for minute, page in pages if page.contact == "watch"]
    assert watch == [0, 15, 30, 45, 60, 75, 90, 105, 120]


def test_who_is_told_of_a_step_is_not_reminded_in_the_same_minute() -> None:
    pages = run(incident(), HOUR)
    assert [page.kind for minute, page in pages if (minute, page.contact) == (15, "team")] == [
        PageKind.ESCALATED
    ]


def test_an_unfilled_post_falls_to_everyone_of_the_bloc() -> None:
    pages = run(incident(), 30 * MINUTE)
    owner_rung = {page.contact for minute, page in pages if minute == 30 and page.kind is PageKind.ESCALATED}
    assert Role.OWNER not in {contact.role for contact in CONTACTS}
    assert owner_rung == {"watch", "onsite", "chief", "team"}


def test_an_acknowledgement_stops_the_ladder() -> None:
    acked = replace(incident(), state=IncidentState.ACKED)
    assert plan(acked, DUTY_OF_ALL, EpochMs(START + 10 * HOUR)) == (acked, [])


def test_outside_working_hours_the_responders_stand_in_for_the_onsite_force() -> None:
    night = local("2026-09-21T02:00:00")
    _, pages = plan(incident(at=night), DUTY_OF_ALL, night)
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
    assert ORDINARY.in_hours(local(text)) is working


def test_every_page_has_its_own_key_for_ever() -> None:
    keys = [page.key for _, page in run(incident(), 4 * HOUR)]
    again = replace(incident(), round=1)
    keys += [page.key for _, page in run(again, 4 * HOUR)]
    assert len(keys) == len(set(keys))


def test_a_key_names_incident_round_kind_step_contact_and_place() -> None:
    keys = [page.key for minute, page in run(incident(), 15 * MINUTE) if page.contact in ("watch", "chief")]
    assert keys == [
        "SC-000001.0.opened.0.watch.0",
        "SC-000001.0.escalated.1.chief.0",
        "SC-000001.0.repeated.1.watch.0",
        "SC-000001.0.repeated.1.chief.0",
    ]


def test_a_p4_pages_nobody() -> None:
    assert run(incident(Severity.P4), 10 * HOUR, HOUR) == []


def test_a_p3_is_seen_by_the_watch_at_once_and_calls_others_when_it_lasts() -> None:
    pages = run(incident(Severity.P3), 5 * HOUR)
    assert [(minute, page.contact) for minute, page in pages] == [(0, "watch"), (5, "onsite"), (240, "chief")]


def test_a_p3_goes_to_the_team_and_is_told_again_when_the_next_working_day_begins() -> None:
    friday = local("2026-09-25T15:00:00")
    pages, current = [], incident(Severity.P3, at=friday)
    for now in range(friday, friday + 8 * 24 * HOUR, 10 * MINUTE):
        current, due = plan(current, DUTY_OF_ALL, EpochMs(now))
        pages += [(datetime.fromtimestamp(now / 1000, LOCAL_ZONE).strftime("%a %H:%M"), page) for page in due]
    team = [(when, page.kind) for when, page in pages if page.contact == "team"]
    assert team[:2] == [("Mon 07:30", PageKind.ESCALATED), ("Tue 07:30", PageKind.REPEATED)]
    watch = [when for when, page in pages if page.contact == "watch"]
    assert watch == ["Fri 15:00", "Mon 07:30", "Tue 07:30", "Wed 07:30", "Thu 07:30", "Fri 07:30"]


def test_no_ladder_that_begins_ends_in_silence() -> None:
    begin, days = local("2027-01-20T08:00:00"), 30
    for severity in (Severity.P1, Severity.P2, Severity.P3):
        minutes = [minute for minute, _ in run(incident(severity, begin), days * 24 * HOUR, HOUR)]
        # The longest pause is over Tết or a week-end with a holiday beside it.
        longest = max(later - earlier for earlier, later in itertools.pairwise(minutes))
        assert longest <= 6 * 24 * 60
        assert (begin - START) // MINUTE + days * 24 * 60 - minutes[-1] <= 24 * 60


def test_a_reminder_goes_to_those_who_are_on_duty_then() -> None:
    before_five = local("2026-09-21T16:55:00")
    current, first = plan(incident(at=before_five), DUTY_OF_ALL, before_five)
    assert {page.contact for page in first} == {"watch", "onsite"}
    _, again = plan(current, DUTY_OF_ALL, EpochMs(before_five + 15 * MINUTE))
    assert {page.contact for page in again if page.kind is PageKind.REPEATED} == {"watch", "team"}
    told = replace(current, repeats=1)
    assert {page.contact for page in farewell(told, DUTY_OF_ALL, EpochMs(before_five + HOUR))} == {
        "watch", "onsite", "team",
    }  # fmt: skip


def test_where_the_watch_answers_the_onsite_force_is_not_called() -> None:
    for severity in (Severity.P1, Severity.P3):
        for at in (START, local("2026-09-21T02:00:00")):
            current = replace(incident(severity, at), policy=freeze(severity, first_layer=2))
            told = set()
            for minute in range(10):
                current, pages = plan(current, DUTY_OF_ALL, EpochMs(at + minute * MINUTE))
                told |= {page.contact for page in pages}
            assert told == {"watch"}


@pytest.mark.parametrize("severity", [Severity.P1, Severity.P2, Severity.P3])
def test_an_acknowledgement_after_which_nothing_happens_lapses(severity: Severity) -> None:
    acked = replace(incident(severity), state=IncidentState.ACKED, acked_at=EpochMs(START))
    limit = LADDERS[severity].ack_ms
    assert not has_lapsed(acked, EpochMs(START + limit - 1))
    assert has_lapsed(acked, EpochMs(START + limit))
    assert has_lapsed(acked, EpochMs(START - limit)), "a clock that was set back"
    for state in IncidentState:
        if state is not IncidentState.ACKED:
            assert not has_lapsed(replace(acked, state=state), EpochMs(START + 2 * limit))
    assert not has_lapsed(replace(acked, restored_at=EpochMs(START)), EpochMs(START + 2 * limit))


def test_who_is_asked_again_is_told_why() -> None:
    again = replace(incident(), round=1)
    _, pages = plan(again, DUTY_OF_ALL, EpochMs(START))
    assert {page.kind for page in pages} == {PageKind.LAPSED}


def test_those_who_were_told_are_told_of_the_recovery() -> None:
    climbed, _ = plan(incident(), DUTY_OF_ALL, EpochMs(START))
    pages = farewell(climbed, DUTY_OF_ALL, EpochMs(START + MINUTE))
    assert [(page.contact, page.kind) for page in pages] == [
        ("watch", PageKind.RESTORED),
        ("onsite", PageKind.RESTORED),
    ]
    assert farewell(incident(), DUTY_OF_ALL, EpochMs(START)) == []


def test_at_most_one_rung_is_climbed_at_a_time_after_a_long_sleep() -> None:
    late = EpochMs(START + 5 * HOUR)
    climbed, pages = plan(incident(), DUTY_OF_ALL, late)
    assert climbed.ladder == 1
    assert {page.kind for page in pages} == {PageKind.OPENED}


def test_reminders_missed_in_a_long_sleep_are_made_good_by_one() -> None:
    current = replace(incident(), ladder=4)
    pages = []
    for second in range(5):
        current, due = plan(current, DUTY_OF_ALL, EpochMs(START + 5 * HOUR + second * 1000))
        pages += [page for page in due if page.contact == "watch"]
    assert [(page.kind, page.step) for page in pages] == [(PageKind.REPEATED, 20)]


def test_a_clock_that_is_set_back_makes_nobody_wait_until_it_has_caught_up() -> None:
    current, _ = plan(incident(), DUTY_OF_ALL, EpochMs(START))
    back = START - 24 * HOUR
    kinds = []
    for minute in range(11):
        current, due = plan(current, DUTY_OF_ALL, EpochMs(back + minute * MINUTE))
        kinds += [page.kind for page in due]
    assert kinds == [PageKind.ESCALATED]


def contact(code: str, role: Role, *deliver: str) -> Contact:
    return Contact(ContactCode(code), role, "Trực", (Bloc.PARTY,), deliver)


def test_two_posts_that_share_a_destination_get_one_message() -> None:
    shared = (
        contact("a", Role.WATCH, "webhook:duty"),
        contact("b", Role.ONSITE, "webhook:duty", "smtp:b@b.test"),
    )
    told, pages = plan(incident(), Duty(shared), EpochMs(START))
    assert [(page.contact, page.destination) for page in pages] == [("a", "duty"), ("b", "b@b.test")]
    assert len(farewell(told, Duty(shared), EpochMs(START))) == 2


def test_the_first_way_goes_at_once_and_the_others_stand_by_a_minute_apart() -> None:
    many = (contact("a", Role.WATCH, "webhook:duty", "smtp:a@a.test", "sms:a"),)
    _, pages = plan(incident(), Duty(many), EpochMs(START))
    assert [(page.channel, page.not_before - START) for page in pages] == [
        ("webhook", 0),
        ("smtp", FAILOVER_MS),
        ("sms", 2 * FAILOVER_MS),
    ]
    assert {page.chain for page in pages} == {pages[0].key}
    assert [page.is_spare for page in pages] == [False, True, True]


def test_whoever_assesses_or_audits_is_never_paged() -> None:
    others = [contact(role.value, role, "webhook:x") for role in Role if role not in DUTY]
    _, pages = plan(incident(), Duty(others), EpochMs(START))
    assert (pages, on_duty(others, incident())) == ([], [])
    _, pages = plan(incident(), Duty([*others, contact("boss", Role.OWNER, "webhook:y")]), EpochMs(START))
    assert [page.contact for page in pages] == ["boss"]


def test_the_collectors_own_incident_is_told_to_every_bloc_and_another_blocs_to_nobody() -> None:
    gov = replace(CONTACTS[0], blocs=(Bloc.GOV,))
    assert on_duty([gov], incident()) == []
    assert on_duty([gov], replace(incident(), bloc=None)) == [gov]


def reminders(current: Incident, first: int, last: int) -> list[tuple[int, str]]:
    """The minutes in which the watch is reminded between two minutes, each with its key."""
    found = []
    for minute in range(first, last):
        current, pages = plan(current, DUTY_OF_ALL, EpochMs(START + minute * MINUTE))
        found += [(minute, page.key) for page in pages if page.kind is PageKind.REPEATED]
    return [(minute, key) for minute, key in found if ".watch." in key]


def after_three_hours() -> Incident:
    current = incident()
    for minute in range(180):
        current, _ = plan(current, DUTY_OF_ALL, EpochMs(START + minute * MINUTE))
    assert current.repeats == 11
    return current


def test_reminders_of_what_was_lowered_follow_on_those_before() -> None:
    """They must not wait until as many would have fallen due at the lesser pace."""
    before = {key for _, key in reminders(incident(), 0, 180)}
    lowered = graded(after_three_hours(), Severity.P2, EpochMs(START + 180 * MINUTE))
    found = reminders(lowered, 181, 181 + 130)
    assert [minute for minute, _ in found] == [240, 300]
    assert not before & {key for _, key in found}


def test_what_was_raised_is_not_told_again_in_the_same_breath() -> None:
    current = incident(Severity.P3)
    for minute in range(180):
        current, _ = plan(current, DUTY_OF_ALL, EpochMs(START + minute * MINUTE))
    raised = graded(current, Severity.P1, EpochMs(START + 180 * MINUTE))
    assert [minute for minute, _ in reminders(raised, 180, 220)] == [195, 210]


def test_reminders_go_on_after_the_clock_was_set_back() -> None:
    before = {key for _, key in reminders(incident(), 0, 180)}
    found = reminders(after_three_hours(), -120, -80)
    assert [minute for minute, _ in found] == [-105, -90]
    assert not before & {key for _, key in found}
    assert [minute for minute, _ in reminders(after_three_hours(), 60, 100)] == [75, 90]
    raised = graded(
        replace(after_three_hours(), severity=Severity.P2), Severity.P1, EpochMs(START + 3 * HOUR)
    )
    assert [minute for minute, _ in reminders(raised, 60, 100)] == [75, 90]
