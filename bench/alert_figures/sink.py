"""A receiver of webhooks that notes when each came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Sink:
    """`came` are (moment, body); `moment` is `time.monotonic()`. While `refuses`, requests are answered 503."""

    port: int = 0
    came: list[tuple[float, Any]] = field(default_factory=list)
    refuses: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def wait(self, wanted: Callable[[Any], bool], limit_s: float, *, since: int = 0) -> float | None:
        """When the first wanted body came, from the one numbered `since` on; None when it did not within the limit."""
        ends = time.monotonic() + limit_s
        while True:
            for moment, body in list(self.came[since:]):
                if wanted(body):
                    return moment
            if time.monotonic() > ends:
                return None
            time.sleep(0.005)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def sink() -> Iterator[Sink]:
    """An HTTP server on 127.0.0.1."""
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # Its sender died over it.
            if not found.refuses:
                found.came.append((time.monotonic(), json.loads(body)))
            self.send_response(503 if found.refuses else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        found.port = server.server_address[1]
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def p95(values: list[float]) -> float:
    """The 95th percentile, by the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-95 * len(ordered) // 100) - 1)]
