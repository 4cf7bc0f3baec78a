"""Mutilated datagrams: nothing is raised, nothing piles up, and the fast readers find what the plain one does.

`make bench-snmp ARGS=fuzz` throws ten million of them; this is a sample from another seed.
"""

from __future__ import annotations

import pytest

from bench.snmp import fuzz

SAMPLE = 150_000
SECONDS = 12.0
LEAST = 20_000
MAX_GROWTH = 8 * 1024 * 1024
"""Octets; the caches are full before it is measured."""


@pytest.mark.slow
async def test_mutilated_datagrams_raise_nothing_and_pile_up_nowhere() -> None:
    result = await fuzz.campaign(20_261_122, SAMPLE, SECONDS)
    assert result["thrown"] >= LEAST
    assert result["accepted"] > 0, "some mutations leave an answer whole: else nothing is reached"
    assert result["grown_octets"] < MAX_GROWTH


async def test_the_fuzzer_notices_a_reader_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = fuzz.bindings.read_pairs

    def careless(data: bytes, at: int, end: int) -> list[tuple[tuple[int, ...], object]]:
        return honest(data, at, end)[:1]

    monkeypatch.setattr(fuzz.bindings, "read_pairs", careless)
    with pytest.raises(AssertionError):
        await fuzz.campaign(1, 20_000, SECONDS)
