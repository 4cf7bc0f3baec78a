"""The figure of `fuzz`: as many datagrams as the time allows, on every processor."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from snmp import fuzz
from snmp.figures import Figure

COUNT = 10_000_000
SECONDS = 200.0
MAX_GROWTH = 8 * 1024 * 1024
"""Octets of each process, its caches filled beforehand: less than two for each datagram."""


def measure() -> Figure:
    """Datagrams without an exception and without growth; 0 if there was any."""
    workers = min(4, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        campaigns = [pool.submit(_campaign, seed, COUNT // workers) for seed in range(workers)]
        results = [campaign.result() for campaign in campaigns]
    grown = max(result["grown_octets"] for result in results)
    thrown = sum(result["thrown"] for result in results)
    return Figure(
        "snmp_fuzzed_datagrams",
        "datagrams",
        thrown if grown <= MAX_GROWTH else 0,
        floor=1_000_000,
        target=COUNT,
        measure="value",
        better="higher",
        notes={
            "accepted": sum(result["accepted"] for result in results),
            "grown_octets": grown,
            "seconds_allowed": SECONDS,
        },
    )


def _campaign(seed: int, count: int) -> dict[str, float]:
    return asyncio.run(fuzz.campaign(seed, count, SECONDS))
