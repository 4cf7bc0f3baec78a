"""Slowing down password guessing."""

from __future__ import annotations

from channelwatch_api.guard import FailureGuard

WINDOW = 1000


def guard(limit: int = 3, entries: int = 100) -> FailureGuard:
    return FailureGuard(limit, window_ms=WINDOW, entries=entries)


def test_attempts_up_to_the_limit_need_not_wait() -> None:
    held = guard()
    for at in (0, 10):
        held.begin("a", at)
    assert held.wait_ms("a", 20) == 0
    held.begin("a", 20)
    assert held.wait_ms("a", 30) == WINDOW - 30


def test_attempts_are_forgotten_when_the_window_has_passed() -> None:
    held = guard()
    for at in (0, 500, 900):
        held.begin("a", at)
    assert held.wait_ms("a", 950) == 50
    assert held.wait_ms("a", 1000) == 0
    held.begin("a", 1000)
    assert held.wait_ms("a", 1100) == 400


def test_keys_do_not_hinder_one_another() -> None:
    held = guard(limit=1)
    held.begin(("truc", "192.0.2.1"), 0)
    assert held.wait_ms(("truc", "192.0.2.1"), 1) > 0
    assert held.wait_ms(("truc", "192.0.2.2"), 1) == 0


def test_a_success_wipes_the_slate() -> None:
    held = guard(limit=1)
    held.begin("a", 0)
    held.succeeded("a")
    assert held.wait_ms("a", 1) == 0


def test_the_table_forgets_the_longest_untouched_first() -> None:
    held = guard(limit=1, entries=2)
    for at, key in enumerate("abc"):
        held.begin(key, at)
    assert held.wait_ms("a", 5) == 0
    assert held.wait_ms("b", 5) > 0
    assert held.wait_ms("c", 5) > 0
