"""Who is on call: shifts, rotations, swaps, holidays, gaps, and who is told when a slot is empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.ids import ContactCode, IncidentId, RuleId, UnitCode
from channelwatch.base.intervals import Interval
from channelwatch.incidents.escalation import HOUR, Duty, plan, recipients
from channelwatch.incidents.model import Incident, IncidentState, Severity, SubjectKind
from channelwatch.incidents.oncall import Gap, Place, Roster, Rotation, Shift, Swap, Team
from channelwatch.incidents.worktime import HORIZON_DAYS, ORDINARY, TET, Holiday, WorkCalendar
from channelwatch.inventory.model import Bloc, Category, Contact, Role
from tests.support.province import START, spoke

DAY = 24 * HOUR
A, B, C = ContactCode("a"), ContactCode("b"), ContactCode("c")
CHIEFS = Team("chiefs", "Trưởng ca", Role.CHIEF, (A, B, C))


def local(text: str) -> EpochMs:
    return EpochMs(int(datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE).timestamp() * 1000))


def shift(contact: ContactCode, start: int, end: int, team: str = "chiefs") -> Shift:
    return Shift(team, contact, EpochMs(START + start), EpochMs(START + end))


def post(code: str, role: Role = Role.CHIEF) -> Contact:
    return Contact(ContactCode(code), role, f"Trực {code}", (Bloc.PARTY,), (f"webhook:{code}",))


def incident() -> Incident:
    at = EpochMs(START)
    return Incident(
        IncidentId(1), RuleId("tamper"), SubjectKind.DEVICE, spoke(1), Bloc.PARTY, Severity.P1,
        IncidentState.OPEN, at, at, at, round_at=at,
    )  # fmt: skip


PARTY = Place(Bloc.PARTY)


def told(roster: Roster, role: Role, at: int, place: Place = PARTY) -> list[str]:
    contacts = (post("a"), post("b"), post("c"), post("watch", Role.WATCH))
    duty = Duty(contacts, roster, place=place)
    return [item.code for item in recipients(duty, incident(), (role,), EpochMs(at))]


def test_whoever_has_the_shift_is_told_and_nobody_else_of_the_team() -> None:
    roster = Roster((CHIEFS,), (shift(A, 0, DAY), shift(B, DAY, 2 * DAY)))
    assert told(roster, Role.CHIEF, START) == ["a"]
    assert told(roster, Role.CHIEF, START + DAY - 1) == ["a"]
    assert told(roster, Role.CHIEF, START + DAY) == ["b"]


def test_an_empty_slot_falls_to_the_whole_team() -> None:
    roster = Roster((CHIEFS,), (shift(A, 0, DAY),))
    assert told(roster, Role.CHIEF, START + DAY) == ["a", "b", "c"]


def test_a_slot_of_a_contact_that_is_gone_is_empty() -> None:
    gone = ContactCode("gone")
    roster = Roster((replace(CHIEFS, members=(A, gone)),), (shift(gone, 0, DAY),))
    assert told(roster, Role.CHIEF, START) == ["a"]
    window = Interval(START, START + DAY)
    assert roster.gaps(window, ORDINARY, frozenset({A})) == [
        Gap("chiefs", EpochMs(START), EpochMs(START + DAY))
    ]


def test_without_a_team_of_the_role_every_contact_of_the_role_is_told() -> None:
    assert told(Roster((CHIEFS,)), Role.WATCH, START) == ["watch"]
    assert told(Roster(), Role.CHIEF, START) == ["a", "b", "c"]


def test_a_rotation_hands_over_every_so_many_hours_and_a_dated_shift_goes_before_it() -> None:
    rotation = Rotation("chiefs", (A, B, C), EpochMs(START), 24)
    roster = Roster((CHIEFS,), (shift(C, DAY, DAY + HOUR),), (rotation,))
    seen = [roster.on_call("chiefs", EpochMs(START + hours * HOUR)) for hours in (-1, 0, 23, 24, 25, 48, 72)]
    assert seen == [(), (A,), (A,), (C,), (B,), (C,), (A,)]
    ended = replace(rotation, end=EpochMs(START + 2 * DAY))
    assert Roster((CHIEFS,), (), (ended,)).on_call("chiefs", EpochMs(START + 2 * DAY)) == ()


def test_a_swap_puts_one_in_anothers_place_for_a_time() -> None:
    swap = Swap("chiefs", A, B, EpochMs(START + HOUR), EpochMs(START + 2 * HOUR))
    roster = Roster((CHIEFS,), (shift(A, 0, DAY), shift(C, 0, DAY)), swaps=(swap,))
    assert roster.on_call("chiefs", EpochMs(START)) == (A, C)
    assert roster.on_call("chiefs", EpochMs(START + HOUR)) == (B, C)
    assert roster.on_call("chiefs", EpochMs(START + 2 * HOUR)) == (A, C)


def test_the_team_of_the_unit_answers_before_that_of_the_category_before_the_general_one() -> None:
    def team(code: str, member: ContactCode, **more: object) -> Team:
        return replace(CHIEFS, code=code, members=(member,), **more)

    teams = (
        team("all", A),
        team("cipher", B, category=Category.CIPHER),
        team("lyson", C, units=frozenset({UnitCode("21548")})),
        team("gov", A, bloc=Bloc.GOV, category=Category.CIPHER),
    )
    roster = Roster(teams)
    place = Place(Bloc.PARTY, Category.GENERAL, UnitCode("1"))
    assert told(roster, Role.CHIEF, START, place) == ["a"]
    assert told(roster, Role.CHIEF, START, place._replace(category=Category.CIPHER)) == ["b"]
    assert told(roster, Role.CHIEF, START, place._replace(unit=UnitCode("21548"))) == ["c"]
    assert told(roster, Role.CHIEF, START, Place(Bloc.PARTY)) == ["a"]


def test_what_is_no_blocs_own_calls_whoever_has_the_shift_of_any_bloc() -> None:
    """The monitoring itself: it is no reason to wake everybody."""
    party = replace(CHIEFS, bloc=Bloc.PARTY)
    roster = Roster((party,), (shift(B, 0, DAY),))
    assert told(roster, Role.CHIEF, START, Place()) == ["b"]
    assert told(roster, Role.CHIEF, START, Place(Bloc.GOV)) == ["a", "b", "c"]
    cipher = Roster((replace(party, category=Category.CIPHER),), (shift(B, 0, DAY),))
    assert told(cipher, Role.CHIEF, START, Place()) == told(cipher, Role.CHIEF, START, PARTY) == ["b"]
    assert told(cipher, Role.CHIEF, START, Place(Bloc.PARTY, Category.GENERAL)) == ["a", "b", "c"]


def test_the_onsite_force_of_another_unit_is_not_called() -> None:
    """Where only others have one, the province's responders come, as they do outside working hours."""
    contacts = (
        post("here", Role.ONSITE),
        post("there", Role.ONSITE),
        post("watch", Role.WATCH),
        post("team", Role.RESPONDER),
    )

    def force(unit: str, member: str) -> Team:
        members = (ContactCode(member),)
        return Team(f"force-{unit}", "", Role.ONSITE, members, units=frozenset({UnitCode(unit)}))

    def called(roster: Roster, unit: str | None) -> list[str]:
        place = Place(Bloc.PARTY, None, None if unit is None else UnitCode(unit))
        duty = Duty(contacts, roster, place=place)
        return [item.code for item in recipients(duty, incident(), (Role.ONSITE,), EpochMs(START))]

    both = Roster((force("20001", "here"), force("20002", "there")))
    assert called(both, "20001") == ["here"]
    assert called(both, "20003") == called(both, None) == ["team"]
    assert called(Roster((force("20002", "there"),)), "20003") == ["here"], "who is of no unit comes anywhere"
    assert called(Roster(), "20003") == ["here", "there"]


def test_the_chief_who_is_paged_is_the_one_whose_shift_it_is_when_the_step_is_reached() -> None:
    roster = Roster((CHIEFS,), (shift(A, -DAY, 5 * 60_000), shift(B, 5 * 60_000, DAY)))
    contacts = (post("a"), post("b"), post("watch", Role.WATCH))
    current, pages = plan(incident(), Duty(contacts, roster), EpochMs(START))
    assert [page.contact for page in pages] == ["watch"]
    _, pages = plan(current, Duty(contacts, roster), EpochMs(START + 10 * 60_000))
    assert [page.contact for page in pages] == ["b"]


def test_gaps_are_what_no_shift_and_no_rotation_covers() -> None:
    window = Interval(START, START + 14 * DAY)
    known = frozenset({A, B, C})
    shifts = (shift(A, 0, DAY), shift(B, 2 * DAY, 14 * DAY))
    gap = Gap("chiefs", EpochMs(START + DAY), EpochMs(START + 2 * DAY))
    assert Roster((CHIEFS,), shifts).gaps(window, ORDINARY, known) == [gap]
    rotation = Rotation("chiefs", (A, B), EpochMs(START), 12)
    assert Roster((CHIEFS,), shifts, (rotation,)).gaps(window, ORDINARY, known) == []
    assert Roster((CHIEFS,)).gaps(window, ORDINARY, known) == [Gap("chiefs", *map(EpochMs, window))]
    assert Roster().gaps(window, ORDINARY, known) == []


def test_the_onsite_force_needs_cover_in_working_hours_only() -> None:
    team = replace(CHIEFS, role=Role.ONSITE)
    friday, monday = local("2026-09-25T00:00:00"), local("2026-09-29T00:00:00")
    works = Shift("chiefs", A, local("2026-09-25T07:30:00"), local("2026-09-25T17:00:00"))
    found = Roster((team,), (works,)).gaps(Interval(friday, monday), ORDINARY, frozenset({A}))
    assert found == [Gap("chiefs", local("2026-09-28T07:30:00"), local("2026-09-28T17:00:00"))]


TIMES = st.integers(0, 14 * 24).map(lambda hour: START + hour * HOUR)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TIMES, TIMES), max_size=8), TIMES)
def test_a_time_is_in_a_gap_exactly_when_nobody_is_on_call_then(
    spans: list[tuple[int, int]], at: int
) -> None:
    shifts = tuple(Shift("chiefs", A, EpochMs(a), EpochMs(b)) for a, b in spans if a < b)
    roster = Roster((CHIEFS,), shifts)
    gaps = roster.gaps(Interval(START, START + 15 * DAY), ORDINARY, frozenset({A}))
    assert any(gap.start <= at < gap.end for gap in gaps) == (roster.on_call("chiefs", EpochMs(at)) == ())


def test_tet_and_the_fixed_days_are_free_and_the_table_has_the_last_word() -> None:
    assert not ORDINARY.is_workday(TET[2027])
    assert not ORDINARY.in_hours(local("2027-02-08T09:00:00")), "a Monday, the third day of Tết"
    assert ORDINARY.in_hours(local("2027-02-09T09:00:00"))
    assert not ORDINARY.in_hours(local("2026-09-02T09:00:00"))
    table = (Holiday(date(2027, 2, 9), "Tết"), Holiday(date(2027, 2, 20), "làm bù", is_worked=True))
    own = ORDINARY.with_days(table)
    assert not own.in_hours(local("2027-02-09T09:00:00"))
    assert own.in_hours(local("2027-02-20T09:00:00")), "a Saturday that is worked"


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-09-25T15:00:00", "2026-09-28T07:30:00"),
        ("2026-09-21T02:00:00", "2026-09-22T07:30:00"),
        ("2027-02-04T10:00:00", "2027-02-09T07:30:00"),
    ],
)
def test_the_next_working_day_steps_over_weekends_and_holidays(opened: str, due: str) -> None:
    assert ORDINARY.next_day(local(opened)) == local(due)


def test_a_calendar_without_a_working_day_is_asked_for_no_longer_than_its_horizon() -> None:
    free = {local("2026-09-21T00:00:00") + day * DAY for day in range(HORIZON_DAYS + 1)}
    calendar = WorkCalendar(
        days_off=frozenset(datetime.fromtimestamp(at / 1000, LOCAL_ZONE).date() for at in free)
    )
    begin = local("2026-09-21T09:00:00")
    assert calendar.next_day(begin) == begin + HORIZON_DAYS * DAY


def test_working_hours_that_begin_at_the_end_are_outside() -> None:
    since, until = local("2026-09-21T00:00:00"), local("2026-09-22T07:30:00")
    assert list(ORDINARY.hours(since, until)) == [
        (local("2026-09-21T07:30:00"), local("2026-09-21T17:00:00"))
    ]
