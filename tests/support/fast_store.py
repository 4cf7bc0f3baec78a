"""A store for many short stories: the real code over SQLite, spared what costs time and decides nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from channelwatch.store.engine import open_engine
from channelwatch.store.sqlstore import SqlStore


class FastStore:
    """One store that never waits for the disk, emptied by putting a prepared database in its place.

    One for all stories, since SQLAlchemy compiles each statement anew for each engine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        engine = open_engine("sqlite:///store.db", folder)
        event.listen(engine, "connect", _forget_the_disk)
        self._store = SqlStore(engine)
        self._store.upgrade()
        self._store.close()
        shutil.copy(folder / "store.db", folder / "empty.db")

    @contextmanager
    def emptied(self) -> Iterator[SqlStore]:
        """The store with the newest schema and nothing in it."""
        shutil.copy(self._folder / "empty.db", self._folder / "store.db")
        try:
            yield self._store
        finally:
            self._store.close()
            for path in self._folder.glob("store.db*"):
                path.unlink()


@contextmanager
def fast_stores() -> Iterator[FastStore]:
    """A store for stories, gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        yield FastStore(Path(folder))


def _forget_the_disk(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
