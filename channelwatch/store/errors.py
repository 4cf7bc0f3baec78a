"""What a database may do to us, as errors with a reason."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from channelwatch.base.errors import Bug, Permanent, Transient


class StoreReason(StrEnum):
    """Why the store refused. The first five pass by themselves or once an operator has made room."""

    BUSY = "busy"
    DISK_FULL = "disk_full"
    IO_ERROR = "io_error"
    CONNECTION_LOST = "connection_lost"
    NOT_PRIMARY = "not_primary"
    LEASE_LOST = "lease_lost"
    BAD_URL = "bad_url"
    NO_DRIVER = "no_driver"
    CANNOT_OPEN = "cannot_open"
    READ_ONLY = "read_only"
    CORRUPT = "corrupt"
    SCHEMA_NEWER = "schema_newer"
    TOO_MANY = "too_many"
    EXISTS = "exists"
    NOT_EMPTY = "not_empty"


class StoreTransient(Transient):
    """The same call may succeed later; nothing of it was written, or all of it (a commit may be repeated)."""

    def __init__(self, reason: StoreReason, message: str, *, operation: str = "") -> None:
        super().__init__(message, operation=operation, subject="store")
        self.reason = reason


class StorePermanent(Permanent):
    """The same call will fail again until a person changes something."""

    def __init__(self, reason: StoreReason, message: str, *, operation: str = "") -> None:
        super().__init__(message, operation=operation, subject="store")
        self.reason = reason


# Primary result codes, https://www.sqlite.org/rescode.html
_SQLITE: dict[int, StoreReason] = {
    sqlite3.SQLITE_BUSY: StoreReason.BUSY,
    sqlite3.SQLITE_LOCKED: StoreReason.BUSY,
    sqlite3.SQLITE_PROTOCOL: StoreReason.BUSY,
    sqlite3.SQLITE_FULL: StoreReason.DISK_FULL,
    sqlite3.SQLITE_IOERR: StoreReason.IO_ERROR,
    sqlite3.SQLITE_CANTOPEN: StoreReason.CANNOT_OPEN,
    sqlite3.SQLITE_PERM: StoreReason.CANNOT_OPEN,
    sqlite3.SQLITE_READONLY: StoreReason.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: StoreReason.CORRUPT,
    sqlite3.SQLITE_NOTADB: StoreReason.CORRUPT,
}

# SQLSTATE by longest prefix, PostgreSQL documentation, appendix A.
_SQLSTATE: dict[str, StoreReason] = {
    "08": StoreReason.CONNECTION_LOST,
    "25006": StoreReason.NOT_PRIMARY,
    "28": StoreReason.CANNOT_OPEN,
    "3D000": StoreReason.CANNOT_OPEN,
    "40": StoreReason.BUSY,
    "53": StoreReason.BUSY,
    "53100": StoreReason.DISK_FULL,
    "55P03": StoreReason.BUSY,
    "57014": StoreReason.BUSY,
    "57P": StoreReason.CONNECTION_LOST,
    "58030": StoreReason.IO_ERROR,
    "XX001": StoreReason.CORRUPT,
    "XX002": StoreReason.CORRUPT,
}

_PASSING = frozenset(
    {
        StoreReason.BUSY,
        StoreReason.DISK_FULL,
        StoreReason.IO_ERROR,
        StoreReason.CONNECTION_LOST,
        StoreReason.NOT_PRIMARY,
    }
)


@contextmanager
def translated(operation: str, file: str = "") -> Iterator[None]:
    """Let only errors of `base.errors` out of the block. Bug for what the database should never have been asked.

    `file` is the database's own, which SQLite's complaints leave out; a server's name themselves what is meant.
    """
    try:
        yield
    except PoolTimeout as error:
        raise StoreTransient(StoreReason.BUSY, str(error), operation=operation) from error
    except DBAPIError as error:
        assert error.orig is not None, "the driver's own error is always kept"
        raise _translate(error.orig, operation, file=file, lost=error.connection_invalidated) from error
    except sqlite3.Error as error:
        raise _translate(error, operation, file=file) from error
    except SQLAlchemyError as error:
        raise Bug(f"{type(error).__name__}: {error}", operation=operation, subject="store") from error


# errno of what a file system refuses, by errno(3)
_ERRNO: dict[int, StoreReason] = {
    errno.ENOSPC: StoreReason.DISK_FULL,
    errno.EDQUOT: StoreReason.DISK_FULL,
    errno.EFBIG: StoreReason.DISK_FULL,
    errno.EROFS: StoreReason.READ_ONLY,
    errno.EIO: StoreReason.IO_ERROR,
    errno.EEXIST: StoreReason.EXISTS,
}


def file_trouble(error: OSError, operation: str, path: Path) -> StoreTransient | StorePermanent:
    """What a file system refused, about `path` or the file that the error names."""
    reason = _ERRNO.get(error.errno or 0, StoreReason.CANNOT_OPEN)
    kind = StoreTransient if reason in _PASSING else StorePermanent
    return kind(reason, f"{error.filename or path}: {error.strerror or error}", operation=operation)


def _translate(cause: BaseException, operation: str, *, file: str, lost: bool = False) -> Exception:
    reason = _reason(cause, lost=lost)
    message = f"{file}: {cause}".removeprefix(": ").strip()
    if reason is None:
        return Bug(f"{type(cause).__name__}: {message}", operation=operation, subject="store")
    kind = StoreTransient if reason in _PASSING else StorePermanent
    if file and reason in (StoreReason.CANNOT_OPEN, StoreReason.READ_ONLY):
        message += f" (whoever runs this must be able to write the file and its folder, {Path(file).parent})"
    return kind(reason, message, operation=operation)


def _reason(cause: BaseException, *, lost: bool) -> StoreReason | None:
    if isinstance(cause, sqlite3.Error):
        # Python's own complaints (a closed connection, say) carry no code.
        return _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:
        gone = lost or type(cause).__name__ == "OperationalError"
        return StoreReason.CONNECTION_LOST if gone else None
    return next((_SQLSTATE[state[:size]] for size in (5, 3, 2) if state[:size] in _SQLSTATE), None)
