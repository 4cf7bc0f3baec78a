"""The store as the commands beside the service find it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from channelwatch.app.settings import Settings
from channelwatch.app.wiring import build_store
from channelwatch.base.errors import InputError
from channelwatch.store.sqlstore import SqlStore


@contextmanager
def kept_store(settings: Settings) -> Iterator[SqlStore]:
    """The store that is there, with the newest schema; closed at the end. InputError when there is none.

    Whoever asks or adds makes no store: in a wrong folder it would answer that all is well, and made by a wrong
    user it would keep the service from starting.
    """
    store = build_store(settings)
    try:
        if not store.is_made():
            url = store.engine.url
            place = url.database if url.get_backend_name() == "sqlite" else url.render_as_string()
            raise InputError(
                [f"{place}: no such store; `channelwatch run` or `channelwatch apply` makes one"]
            )
        store.upgrade()
        yield store
    finally:
        store.close()
