"""A PostgreSQL server of the tests' own: scratch data, a Unix socket in a private folder, no network."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.peers import require_binary, skip_or_fail
from tests.support.process import Process
from tests.support.waiting import wait_until

USER = "channelwatch"
DEBIAN_USER = "postgres"
"""Whom the server runs as when the tests run as root: it refuses root."""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "20",
}


@dataclass(frozen=True)
class Postgres:
    """A running server. Its data do not survive a crash of the machine, which no test causes."""

    folder: Path

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of `database`."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        """Run one statement outside any transaction."""
        import psycopg

        with psycopg.connect(
            f"host={self.folder} user={USER} dbname={database}", autocommit=True
        ) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres(**settings: str) -> Iterator[Postgres]:
    """Start a server, and end it with everything in it. `settings` go before our own."""
    try:
        import psycopg
    except ModuleNotFoundError:
        skip_or_fail("psycopg is missing: pip install 'channelwatch[postgresql]'")
    initdb, server = _programs()
    # A socket's path has at most 107 bytes, and the server's user cannot enter root's temporary folders.
    folder = Path(tempfile.mkdtemp(prefix="channelwatch-pg-"))
    try:
        as_user = _as_user(folder)
        data = folder / "data"
        options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
        subprocess.run(
            [*as_user, initdb, f"--pgdata={data}", *options], check=True, capture_output=True, cwd=folder
        )
        given = [f"--{name}={value}" for name, value in {**SETTINGS, **settings}.items()]
        postgres = Postgres(folder)

        def answers() -> bool:
            try:
                postgres.execute("SELECT 1")
            except psycopg.OperationalError:
                return False
            return True

        argv = [*as_user, server, "-D", data, "-k", folder, *given]
        with Process(argv, folder=folder, name="postgres", ready=answers) as process:
            yield postgres
            os.kill(process.pid, signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stop(server: Postgres) -> None:
    """Stop a server as its service would, with everybody's connections."""
    pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGINT)
    wait_until(lambda: not (server.folder / "data" / "postmaster.pid").exists(), 30, what="the server's end")


@contextmanager
def again(server: Postgres) -> Iterator[None]:
    """A server that was stopped, with what it had, for the length of the block."""
    argv = shlex.split((server.folder / "data" / "postmaster.opts").read_text())
    with Process([*_as_user(server.folder), *argv], folder=server.folder, name="postgres-again") as process:
        yield
        os.kill(process.pid, signal.SIGINT)
        process.wait(60)


def _programs() -> tuple[Path, Path]:
    """Debian keeps them out of every PATH, one folder for each major version."""
    installed = Path("/usr/lib/postgresql")
    versions = sorted(installed.glob("[0-9]*"), key=lambda path: int(path.name))
    if versions:
        return versions[-1] / "bin" / "initdb", versions[-1] / "bin" / "postgres"
    return require_binary("initdb", package="postgresql"), require_binary("postgres", package="postgresql")


def _as_user(folder: Path) -> list[str | Path]:
    """The command before the server's own: it ends the server with this process, however this one ends."""
    setpriv: list[str | Path] = [require_binary("setpriv", package="util-linux"), "--pdeathsig=QUIT"]
    if os.geteuid() != 0:
        return setpriv
    shutil.chown(folder, DEBIAN_USER, DEBIAN_USER)
    return [*setpriv, f"--reuid={DEBIAN_USER}", f"--regid={DEBIAN_USER}", "--clear-groups", "--no-new-privs"]
