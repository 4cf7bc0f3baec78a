"""Rules for every test: nothing leaves this machine, and a property test may take its time."""

from __future__ import annotations

import gc
import socket
import sys
from typing import Any

from hypothesis import settings

from tests.support.net import is_loopback

settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")

# Thousands of small tests allocate much and leave nothing behind: collecting as often as a server does costs a tenth.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """What collecting has loaded stays until the end: no later collection of garbage needs to look at it."""
    gc.collect()
    gc.freeze()


OUTBOUND = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


def refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: a test that talks to anything but this machine ends there."""
    if event not in OUTBOUND:
        return
    endpoint, address = arguments[0], arguments[1]
    if endpoint.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
        return
    if not is_loopback(address[0]):
        raise RuntimeError(f"a test tried to reach {address[0]}; tests stay on this machine")


sys.addaudithook(refuse_other_machines)
