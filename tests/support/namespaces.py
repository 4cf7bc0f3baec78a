"""Networks of a test's own: Linux network namespaces joined by bridges. Needs root; nothing outside them is touched."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.peers import require_binary

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
COMMAND_S = 60.0


def run(*argv: str | os.PathLike[str], env: dict[str, str] | None = None) -> str:
    """The output of a short command; one that fails fails the test with what it said."""
    done = subprocess.run(
        [os.fspath(part) for part in argv],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def require_namespaces(*, tunnels: bool = False) -> None:
    """Skip the test where this machine's kernel, or the user, may not make networks of its own.

    `tunnels`: tun devices are needed as well. None of this is a package to install, so it skips everywhere.
    """
    require_binary("ip", package="iproute2")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root: run this test as root")
    name = f"cw{os.getpid()}-try"
    trials = (
        ("netns", "add", name),
        ("-netns", name, "link", "add", "bridge", "type", "bridge"),
        ("-netns", name, "link", "add", "one", "type", "veth", "peer", "name", "two"),
        ("netns", "exec", name, "true"),
    )
    try:
        for words in trials:
            _try("ip", *words)
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=COMMAND_S, check=False)
    if tunnels:
        try:
            os.close(os.open("/dev/net/tun", os.O_RDWR))
        except OSError as problem:
            pytest.skip(f"this machine has no tun devices: {problem}")


def _try(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    if done.returncode != 0:
        pytest.skip(f"this machine makes no networks of its own: {' '.join(argv)}: {done.stderr.strip()}")


class Network:
    """Hosts and bridges. `host` adds a host, `bridge` a bridge, `plug` joins them; `unplug` is a pulled cable whose
    host still sees a carrier."""

    def __init__(self) -> None:
        self._prefix = f"cw{os.getpid()}"
        self._hosts: list[str] = []
        self._switch = self.host("switch")

    def host(self, name: str) -> str:
        """Add a host; returns the name of its namespace."""
        namespace = f"{self._prefix}-{name}"
        run("ip", "netns", "add", namespace)
        self._hosts.append(namespace)
        self.ip(namespace, "link", "set", "lo", "up")
        return namespace

    def bridge(self, name: str) -> None:
        """Add a network that hosts can be plugged into."""
        self.ip(self._switch, "link", "add", name, "type", "bridge")
        self.ip(self._switch, "link", "set", name, "up")

    def plug(self, host: str, bridge: str, *addresses: str) -> None:
        """Give `host` an interface named as the bridge, with `addresses` (ADDRESS/LENGTH)."""
        port = self._port(host, bridge)
        peer = ("type", "veth", "peer", "name", port, "netns", self._switch)
        self.ip(host, "link", "add", bridge, *peer)
        for address in addresses:
            # Without the wait for duplicates, which takes seconds.
            quick = ("nodad",) if ":" in address else ()
            self.ip(host, "address", "add", address, "dev", bridge, *quick)
        self.ip(host, "link", "set", bridge, "up")
        self.ip(self._switch, "link", "set", port, "up")
        self.replug(host, bridge)

    def unplug(self, host: str, bridge: str) -> None:
        """Nothing gets through between `host` and `bridge` any more."""
        self.ip(self._switch, "link", "set", self._port(host, bridge), "nomaster")

    def replug(self, host: str, bridge: str) -> None:
        """Undo `unplug`."""
        self.ip(self._switch, "link", "set", self._port(host, bridge), "master", bridge)

    def ip(self, host: str, *words: str) -> str:
        """What `ip` says in `host`."""
        return run("ip", "-netns", host, *words)

    def close(self) -> None:
        """Delete every namespace, and with them their interfaces."""
        left = []
        while self._hosts:
            try:
                run("ip", "netns", "delete", self._hosts.pop())
            except AssertionError as problem:
                left.append(str(problem))
        assert left == []

    def _port(self, host: str, bridge: str) -> str:
        return f"p{self._hosts.index(host)}-{bridge}"


@contextmanager
def network() -> Iterator[Network]:
    """A network for the length of a `with` block."""
    made = Network()
    try:
        yield made
    finally:
        made.close()


def inside(namespace: str) -> list[str]:
    """What to put before a command so that it runs in `namespace`; it keeps the process's number."""
    return ["ip", "netns", "exec", namespace]


class Visitor:
    """Calls functions in a thread that lives in `namespace`: their sockets are there, the rest of them is here."""

    def __init__(self, namespace: str) -> None:
        self._pool = ThreadPoolExecutor(1, initializer=_enter, initargs=(namespace,))

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns there."""
        return self._pool.submit(function).result(COMMAND_S)

    def close(self) -> None:
        """Let the thread end."""
        self._pool.shutdown()


def _enter(namespace: str) -> None:
    handle = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(handle)
