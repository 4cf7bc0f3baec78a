"""`channelwatch rebuild`: is what reports read still what was recorded?"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from channelwatch.app.arguments import config_argument
from channelwatch.app.engine import LEASE
from channelwatch.app.settings import load_settings
from channelwatch.app.wiring import build_store
from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import Permanent
from channelwatch.store.sqlstore import SqlStore

SHOWN = 100
"""Differences that are printed."""
LEASE_MS = 60_000


class Rebuild:
    """The projection of the transitions, compared or made anew."""

    name = "rebuild"
    help = "make the status intervals anew from the recorded transitions"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Only to look, or to repair."""
        config_argument(parser)
        parser.add_argument(
            "--check",
            action="store_true",
            help="only compare, also while the service runs; status 1 if they differ",
        )

    def run(self, args: argparse.Namespace) -> int:
        """Status 1 when `--check` finds a difference."""
        store = build_store(load_settings(args.config))
        try:
            store.upgrade()
            return _check(store) if args.check else _repair(store)
        finally:
            store.close()


def _check(store: SqlStore) -> int:
    found = store.differences(limit=SHOWN + 1)
    for difference in found[:SHOWN]:
        print(difference)
    if not found:
        print("the status intervals are what the transitions say")
        return 0
    print(f"{'more than ' if len(found) > SHOWN else ''}{min(len(found), SHOWN)} status intervals differ")
    return 1


def _repair(store: SqlStore) -> int:
    with sole_writer(store, "rebuild") as epoch:
        print(f"{store.repair(epoch=epoch)} status intervals repaired")
    return 0


@contextmanager
def sole_writer(store: SqlStore, operation: str) -> Iterator[int]:
    """The right to write, and its epoch. Permanent while the service holds it."""
    holder = f"{operation}:{os.getpid()}"
    epoch = store.take_lease(LEASE, holder, now=SystemClock().now(), ttl_ms=LEASE_MS)
    if epoch is None:
        raise Permanent("the service runs on this store: stop it first", operation=operation)
    try:
        yield epoch
    finally:
        store.release_lease(LEASE, holder)
