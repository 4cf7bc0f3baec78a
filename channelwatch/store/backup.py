"""Copies of a SQLite store: made while it is written to, read back before they count, put back in its place."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text

from channelwatch.store import health
from channelwatch.store.errors import StorePermanent, StoreReason, file_trouble, translated

BLOCK_BYTES = 1024 * 1024
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database in use."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was read back. `entries`: of each log. `alive_until`: the last heartbeat, epoch ms."""

    path: Path
    size: int
    sha256: str
    schema: str
    entries: Mapping[str, int]
    alive_until: int | None


def path_of(engine: Engine) -> Path:
    """The file of a SQLite engine. StorePermanent `bad_url` for any other database, with what to use instead."""
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        url = engine.url
        shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
        advice = f"use PostgreSQL's own tools: pg_dump --format=custom --file=FILE '{shown}', and pg_restore"
        raise StorePermanent(StoreReason.BAD_URL, advice, operation="backup")
    return Path(engine.url.database)


def back_up(engine: Engine, target: Path) -> Copy:
    """Copy the store as it is at one moment to the new file `target`, and read the copy back.

    Others may write meanwhile. StoreTransient `disk_full`; StorePermanent `corrupt` (the store, or the copy),
    `read_only` or `cannot_open` (where the copy is to be), `exists`.
    """
    source = path_of(engine)
    partial = target.with_name(f"{target.name}.partial")
    with translated("backup"), _files("backup", target):
        if target.exists():
            raise StorePermanent(StoreReason.EXISTS, f"{target} is there already", operation="backup")
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _vacuum(source, partial)
            examine(partial)
            _settle(partial, target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    return examine(target)


def examine(path: Path) -> Copy:
    """Read a copy that nobody else uses, all of it. StorePermanent `corrupt` if it is not whole, `cannot_open`."""
    with translated("read copy"), _files("read copy", path):
        if any(path.with_name(path.name + beside).exists() for beside in BESIDE):
            text_ = f"{path} is in use: copy it with `channelwatch backup`"
            raise StorePermanent(StoreReason.CANNOT_OPEN, text_, operation="read copy")
        size, digest = path.stat().st_size, _sha256(path)
        engine = create_engine(
            f"sqlite:///file:{quote(str(path))}?mode=ro&immutable=1&uri=true", poolclass=NullPool
        )
        try:
            with engine.connect() as connection:
                return Copy(path, size, digest, *_contents(connection))
        finally:
            engine.dispose()


def _contents(connection: Connection) -> tuple[str, Mapping[str, int], int | None]:
    found = health.problems(connection)
    if found:
        raise StorePermanent(StoreReason.CORRUPT, "; ".join(found), operation="read copy")
    _, schema = health.schema_of(connection)
    heads = connection.execute(text("SELECT log_id, next_seq FROM log_head"))
    entries = {row.log_id: row.next_seq - 1 for row in heads}
    return schema, entries, connection.scalar(text("SELECT max(t_to) FROM collector_alive"))


def put_back(copy: Copy, target: Path, *, aside: Path) -> None:
    """Put `copy` in the place of `target`, which nobody may use; what was there goes to `aside`."""
    partial = target.with_name(f"{target.name}.partial")
    with translated("restore"), _files("restore", target):
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            shutil.copyfile(copy.path, partial)
            partial.chmod(0o600)
            _give_to_owner(partial, target if target.exists() else target.parent)
            if _sha256(partial) != copy.sha256:
                raise StorePermanent(StoreReason.CORRUPT, "the copy changed on the way", operation="restore")
            for beside in ("", *BESIDE):
                with suppress(FileNotFoundError):
                    target.with_name(target.name + beside).rename(aside.with_name(aside.name + beside))
            _settle(partial, target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _vacuum(source: Path, partial: Path) -> None:
    connection = sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("VACUUM INTO ?", [str(partial)])
    finally:
        connection.close()


def _settle(partial: Path, target: Path) -> None:
    """Bring the file, and then its name, to the disk."""
    _sync(partial)
    partial.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _give_to_owner(path: Path, like: Path) -> None:
    if os.geteuid() == 0:
        known = like.stat()
        os.chown(path, known.st_uid, known.st_gid)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _files(operation: str, path: Path) -> Iterator[None]:
    """Tell what a file system refuses apart."""
    try:
        yield
    except OSError as error:
        raise file_trouble(error, operation, path) from error
