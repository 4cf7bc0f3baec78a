"""Python's garbage collector, where it only costs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def keep_what_is_there() -> None:
    """What there is now stays: the search for cycles passes it over from now on. Among those of a nation it takes
    a fifth of a second, in which nothing else happens."""
    gc.collect()
    gc.freeze()


@contextmanager
def without_collection() -> Iterator[None]:
    """No search for cycles meanwhile: among very many new values that all stay it looks again and again for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
