"""Ten messages in ten minutes, and no more."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.incidents.model import Page, PageKind
from channelwatch.incidents.restraint import WINDOW_MS, Budget, Restraint, by_recipient, spend, spent
from tests.support.province import START

RULES = Restraint()


def page(number: int) -> Page:
    return Page(
        IncidentId(number),
        PageKind.OPENED,
        ContactCode("watch"),
        "webhook",
        "duty",
        f"k{number}",
        EpochMs(START),
    )


def sent(instants: list[int]) -> list[tuple[int, PageKind]]:
    """When what went out for pages that came up at `instants`."""
    budget, out = Budget(), list[tuple[int, PageKind]]()
    for number, at in enumerate(instants):
        now = EpochMs(START + at)
        budget, kept = spend(budget, [page(number)], now, RULES)
        out += [(at + item.not_before - START, item.kind) for item in kept]
    return out


def test_the_first_six_go_out_as_they_are_and_one_digest_stands_for_the_rest_of_a_burst() -> None:
    out = sent([0] * 500)
    assert [kind for _, kind in out] == [PageKind.OPENED] * 6 + [PageKind.DIGEST]
    assert out[-1][0] == RULES.settle_ms


def test_what_comes_after_a_digest_waits_for_the_next() -> None:
    out = sent([*[0] * 8, 10_000, 20_000])
    assert [at for at, kind in out if kind is PageKind.DIGEST] == [1_000, 151_000]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3 * WINDOW_MS), max_size=300))
def test_no_window_of_ten_minutes_has_more_than_ten(instants: list[int]) -> None:
    times = sorted(at for at, _ in sent(sorted(instants)))
    for first in times:
        assert sum(1 for at in times if first <= at < first + WINDOW_MS) <= RULES.most


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3 * WINDOW_MS), min_size=1, max_size=100))
def test_nothing_waits_longer_than_the_distance_of_two_digests(instants: list[int]) -> None:
    ordered = sorted(instants)
    times = [at for at, _ in sent(ordered)]
    longest = RULES.digest_every_ms + RULES.settle_ms
    assert all(any(at <= told <= at + longest for told in times) for at in ordered)


def test_a_clock_that_is_set_back_delays_no_digest() -> None:
    budget = Budget((), EpochMs(START + 3_600_000))
    budget = Budget(tuple([EpochMs(START)] * 6), budget.digest_at)
    _, kept = spend(budget, [page(1)], EpochMs(START), RULES)
    assert [item.not_before for item in kept] == [START + RULES.settle_ms]


def test_a_message_counts_for_ten_minutes_and_not_a_moment_longer() -> None:
    budget = Budget(tuple([EpochMs(START)] * 6))
    for after, kind in ((WINDOW_MS - 1, PageKind.DIGEST), (WINDOW_MS, PageKind.OPENED)):
        _, (kept,) = spend(budget, [page(1)], EpochMs(START + after), RULES)
        assert kept.kind is kind


def test_a_digest_on_its_way_has_what_is_new_and_one_that_is_due_has_left() -> None:
    singles, latest = tuple([EpochMs(START)] * 6), RULES.digest_every_ms + RULES.settle_ms
    for ahead in (1, RULES.digest_every_ms, latest):
        assert spend(Budget(singles, EpochMs(START + ahead)), [page(1)], EpochMs(START), RULES)[1] == []
    _, (kept,) = spend(Budget(singles, EpochMs(START)), [page(1)], EpochMs(START), RULES)
    assert (kept.kind, kept.not_before) == (PageKind.DIGEST, START + RULES.digest_every_ms)


def test_ways_to_tell_one_contact_the_same_are_one_message() -> None:
    first, second, alone = page(1), replace(page(2), chain="k1"), page(3)
    chain = replace(first, chain="k1")
    assert by_recipient([chain, alone, second]) == [[chain, second], [alone]]
    assert by_recipient([page(4), page(5)]) == [[page(4)], [page(5)]]


def test_what_was_written_lately_is_spent() -> None:
    def digest(at: int) -> Page:
        return replace(page(at), kind=PageKind.DIGEST, not_before=EpochMs(START + at))

    other = replace(page(9), contact=ContactCode("chief"))
    assert spent([page(1), digest(5), digest(3), page(2), other]) == {
        "watch": Budget((EpochMs(START), EpochMs(START)), EpochMs(START + 5)),
        "chief": Budget((EpochMs(START),)),
    }


def test_a_storm_of_lesser_faults_leaves_one_message_to_what_is_grave() -> None:
    budget, now, kinds = Budget(), EpochMs(START), list[PageKind]()
    for number in range(10):
        budget, kept = spend(budget, [page(number)], now, RULES, is_grave=False)
        kinds += [item.kind for item in kept]
    assert kinds == [PageKind.OPENED] * 5 + [PageKind.DIGEST]
    for number in (10, 11):
        budget, kept = spend(budget, [page(number)], now, RULES, is_grave=True)
        kinds += [item.kind for item in kept]
    assert kinds[6:] == [PageKind.OPENED], "the second one is in the digest that is on its way"


def test_where_few_messages_are_allowed_none_is_kept_back() -> None:
    for most, ordinary in ((10, 5), (7, 2), (6, 2), (5, 1)):
        restraint = Restraint(most=most)
        assert restraint.single - restraint.reserved == ordinary


def test_what_programs_read_is_not_restrained() -> None:
    """Whatever lacks its end burns on there."""
    budget, now = Budget(), EpochMs(START)
    for number in range(50):
        chain = [replace(page(number), channel="alertmanager")]
        budget, kept = spend(budget, chain, now, RULES)
        assert kept == chain
    assert budget == Budget()
