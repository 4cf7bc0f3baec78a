"""Who of a pair was active, and so when the pair served."""

from __future__ import annotations

from channelwatch.status.states import SERVES_UNSEEN, Cause
from channelwatch.uptime.combine import pair_service
from channelwatch.uptime.history import Entry, health_timeline
from channelwatch.uptime.pairs import activity
from channelwatch.uptime.timeline import Timeline


def entry(state: str, lo: int, hi: int | None = None, cause: Cause = Cause.NONE) -> Entry:
    return Entry(state, cause, lo, lo if hi is None else hi)


def device(*story: Entry, until: int = 1000) -> Timeline:
    return health_timeline(story, until=until)


UP = entry("up", 0)


def served(pair: list[Entry], planned: Timeline, other: Timeline) -> list[tuple[int, int, str]]:
    service = pair_service(*activity(pair, planned, other))
    found: list[tuple[int, int, str]] = []
    for part in service.segments:
        if found and found[-1][2] == part.state:
            found[-1] = (found[-1][0], part.end, part.state)
        else:
            found.append((part.start, part.end, part.state))
    return found


def test_a_pair_serves_while_its_planned_member_does() -> None:
    assert served([entry("redundant", 0)], device(UP), device(UP)) == [(0, 1000, "up")]


def test_the_loss_of_the_standby_is_no_outage() -> None:
    lost = device(UP, entry("down", 100, 110, Cause.UNREACHABLE))
    assert served([entry("redundant", 0), entry("no_redundancy", 112)], device(UP), lost) == [(0, 1000, "up")]


def test_between_the_loss_of_the_active_member_and_the_claim_of_the_other_the_pair_may_be_down() -> None:
    lost = device(UP, entry("down", 100, 110, Cause.UNREACHABLE))
    pair = [entry("redundant", 0), entry("split", 105, 130), entry("no_redundancy", 140)]
    assert served(pair, lost, device(UP)) == [(0, 100, "up"), (100, 130, "edge"), (130, 1000, "up")]


def test_a_standby_that_takes_over_late_leaves_the_pair_down() -> None:
    lost = device(UP, entry("down", 100, 110, Cause.UNREACHABLE))
    pair = [entry("redundant", 0), entry("lost", 140), entry("no_redundancy", 300, 330)]
    assert served(pair, lost, device(UP)) == [
        (0, 100, "up"),
        (100, 110, "edge"),
        (110, 300, "down"),
        (300, 330, "edge"),
        (330, 1000, "up"),
    ]


def test_a_loss_that_was_confirmed_late_counts_from_the_first_unanswered_poll() -> None:
    lost = device(UP, entry("down", 100, 110, Cause.UNREACHABLE))
    pair = [entry("redundant", 0), entry("lost", 100, 140)]
    assert served(pair, lost, device(UP)) == [(0, 100, "up"), (100, 110, "edge"), (110, 1000, "down")]


def test_both_active_is_split() -> None:
    pair = [entry("redundant", 0), entry("split", 100), entry("redundant", 200)]
    assert served(pair, device(UP), device(UP)) == [(0, 100, "up"), (100, 200, "split"), (200, 1000, "up")]


def test_a_planned_change_over_is_an_edge_and_no_outage() -> None:
    pair = [entry("redundant", 0), entry("switched", 100, 160)]
    assert served(pair, device(UP), device(UP)) == [(0, 100, "up"), (100, 160, "edge"), (160, 1000, "up")]


def test_a_blind_collector_makes_the_pair_unknown_whatever_its_last_state_was() -> None:
    unseen = device(UP, entry("unknown", 400, cause=Cause.MONITORING))
    pair = [entry("redundant", 0), entry("unknown", 450, cause=Cause.MONITORING)]
    assert served(pair, unseen, unseen) == [(0, 400, "up"), (400, 1000, "unknown")]


def test_a_pair_whose_state_is_unknown_is_down_only_if_both_are() -> None:
    lost = device(UP, entry("down", 500, cause=Cause.UNREACHABLE))
    pair = [entry("unknown", 0)]
    assert served(pair, lost, device(UP)) == [(0, 1000, "unknown")]
    assert served(pair, lost, lost) == [(0, 500, "unknown"), (500, 1000, "down")]


def test_nothing_is_known_of_a_pair_before_its_first_state() -> None:
    assert served([], device(UP), device(UP)) == []
    assert served([entry("redundant", 300)], device(UP), device(UP)) == [(300, 1000, "up")]


def test_a_pair_serves_while_one_member_is_known_to_be_active_though_the_other_is_not_seen() -> None:
    unseen = device(UP, entry("unknown", 100, cause=Cause.AUTH))
    pair = [entry("redundant", 0), entry("unknown", 100, 120, SERVES_UNSEEN), entry("unknown", 700)]
    assert served(pair, device(UP), unseen) == [(0, 700, "up"), (700, 1000, "unknown")]
    assert served(pair, unseen, device(UP))[-2:] == [(120, 700, "up"), (700, 1000, "unknown")]
    lost = device(UP, entry("down", 400, cause=Cause.UNREACHABLE))
    assert served(pair[:2], lost, unseen) == [(0, 400, "up"), (400, 1000, "unknown")]
