"""What the search for cycles passes over."""

from __future__ import annotations

import gc

from channelwatch.base.garbage import keep_what_is_there, without_collection


def test_what_is_kept_is_not_looked_at_again() -> None:
    frozen = gc.get_freeze_count()
    try:
        keep_what_is_there()
        assert gc.get_freeze_count() > frozen
        assert len(gc.get_objects()) < 1_000, "nothing old is left to look at"
    finally:
        gc.unfreeze()


def test_a_search_that_was_on_is_on_again_whatever_happened() -> None:
    try:
        with without_collection():
            assert not gc.isenabled()
            raise KeyError
    except KeyError:
        assert gc.isenabled()
