"""Debian's Alertmanager on ports of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.net import free_port
from tests.support.peers import require_binary
from tests.support.process import Process


class Alertmanager:
    """One in a folder of its own, which tells `webhook` (a URL) of everything, or nobody. `running` is the process."""

    def __init__(
        self, folder: Path, *, webhook: str | None = None, group_wait: str = "0s", more: str = ""
    ) -> None:
        self.program = require_binary("prometheus-alertmanager", package="prometheus-alertmanager")
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        receiver = {"name": "duty", **({"webhook_configs": [{"url": webhook}]} if webhook else {})}
        route = {"receiver": "duty", "group_by": ["..."], "group_wait": group_wait}
        config = {"route": route, "receivers": [receiver]}
        self._config = folder / "alertmanager.yml"
        self._config.write_text(more or json.dumps(config), encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def running(self) -> Process:
        """The program, once it answers."""
        argv = [
            self.program, f"--config.file={self._config}", f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
        ]  # fmt: skip
        return Process(argv, folder=self.folder, ready=self._is_ready)

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that it holds as firing."""
        with urlopen(f"{self.url}/api/v2/alerts?active=true", timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
