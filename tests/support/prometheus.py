"""Debian's Prometheus for the length of a test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support import Process, free_port, require_binary


class Prometheus:
    """A running server; `url` is its address."""

    def __init__(self, url: str, process: Process) -> None:
        self.url = url
        self.process = process

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The answer to an instant query; AssertionError with the server's words when it refuses."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}, trust_env=False, timeout=30)
        told = answer.json()
        assert told["status"] == "success", f"{query}: {told.get('error')}"
        found: list[dict[str, Any]] = told["data"]["result"]
        return found

    def value(self, query: str) -> float | None:
        """The value of the first series, None without one."""
        found = self.ask(query)
        return float(found[0]["value"][1]) if found else None

    def get(self, path: str) -> Any:
        """The data that the API has at `path`."""
        return httpx.get(f"{self.url}/api/v1/{path}", trust_env=False, timeout=30).json()["data"]


@contextmanager
def prometheus(folder: Path, config: Mapping[str, Any], flags: Sequence[str] = ()) -> Iterator[Prometheus]:
    """A server with `config` that keeps its data in `folder`."""
    binary = require_binary("prometheus", package="prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(config), encoding="utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    argv = [
        binary, f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}", *flags,
    ]  # fmt: skip

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/-/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    with Process(argv, folder=folder, ready=ready) as process:
        yield Prometheus(url, process)
