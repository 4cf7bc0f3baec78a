"""Asking one Prometheus at one moment."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import Any

from dashboards.builder.ask import filled


class Asker:
    """One Prometheus, asked at one moment."""

    def __init__(self, url: str, variables: dict[str, str], span_s: int) -> None:
        self._url = url
        self._variables = variables
        self.end = time.time()
        self.start = self.end - span_s
        self.step = max(5, span_s // 240)

    def instant(self, expr: str) -> list[dict[str, Any]]:
        return self._ask("query", {"query": self._filled(expr), "time": self.end})

    def over_time(self, expr: str) -> list[dict[str, Any]]:
        span = {"start": self.start, "end": self.end, "step": self.step}
        return self._ask("query_range", {"query": self._filled(expr), **span})

    def _filled(self, expr: str) -> str:
        return filled(expr, self._variables, span=f"{int(self.end - self.start)}s")

    def _ask(self, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found
