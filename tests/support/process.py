"""A program that a test starts, watches and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.waiting import wait_until

LOG_TAIL_CHARS = 4000


class Process:
    """Runs `argv` for the length of a `with` block; its output lands in `<folder>/<name>.log`.

    The block begins once `ready` returns something true (at once without one). At the end the program gets
    SIGTERM, and after `stop_s` seconds SIGKILL, together with the children it started. A program that ended
    before it was ready, or that did not become ready within `ready_s` seconds, fails the test with its log.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        folder: Path,
        name: str = "",
        env: Mapping[str, str] | None = None,
        ready: Callable[[], object] | None = None,
        ready_s: float = 60.0,
        stop_s: float = 30.0,
    ) -> None:
        self.argv = [os.fspath(part) for part in argv]
        self.folder = folder
        self.log_path = folder / f"{name or Path(self.argv[0]).name}.log"
        self._env = {**os.environ, **(env or {})}
        self._ready = ready
        self._ready_s = ready_s
        self._stop_s = stop_s
        self._popen: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log_path.open("wb") as log:
            self._popen = subprocess.Popen(
                self.argv,
                cwd=self.folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if self._ready is not None:
                wait_until(self._is_ready, self._ready_s, what=f"{self.argv[0]} to be ready")
        except BaseException as problem:
            self.stop()
            problem.add_note(self.log()[-LOG_TAIL_CHARS:])
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"{self.log_path.name}:\n{self.log()[-LOG_TAIL_CHARS:]}")

    @property
    def pid(self) -> int:
        """The number of the process, once started."""
        assert self._popen is not None, "not started"
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit status; None while the program runs. Minus the signal's number if a signal ended it."""
        assert self._popen is not None, "not started"
        if self._popen.returncode is not None:
            return self._popen.returncode
        # Not reaped here: as long as the dead program keeps its number, so does its group of children.
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def log(self) -> str:
        """Everything the program has written so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def wait(self, timeout_s: float) -> int:
        """Let the program end by itself and return its exit status."""
        wait_until(lambda: self.returncode is not None, timeout_s, what=f"{self.argv[0]} to end")
        return self.kill()

    def stop(self) -> int:
        """End the program and its children, and return its exit status. Harmless when it has ended."""
        assert self._popen is not None, "not started"
        if self.returncode is None:
            os.kill(self.pid, signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                return self.wait(self._stop_s)
        return self.kill()

    def kill(self) -> int:
        """End the program and its children without warning, as a power cut does; return its exit status."""
        assert self._popen is not None, "not started"
        if self._popen.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
        return self._popen.wait()

    def _is_ready(self) -> object:
        assert self._ready is not None
        if self.returncode is not None:
            raise AssertionError(f"{self.argv[0]} ended with status {self.returncode} before it was ready")
        return self._ready()
