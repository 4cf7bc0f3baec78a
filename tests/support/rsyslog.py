"""Debian's rsyslog as a sender: it follows a file and forwards each line as it stands there."""

from __future__ import annotations

from pathlib import Path

from tests.support.peers import require_binary, skip_or_fail
from tests.support.process import Process

_CONFIG = """\
global(workDirectory="{folder}" maxMessageSize="64k" {globals})
module(load="imfile" mode="inotify")
{modules}
template(name="untouched" type="string" string="%msg%")
input(type="imfile" file="{source}" tag="feed:" ruleset="relay" addMetadata="off")
ruleset(name="relay" {queue}) {{
{actions}
}}
"""


class Rsyslog:
    """One relay in a folder of its own. `feed` gives it lines; `running` is the process."""

    def __init__(
        self, folder: Path, *actions: str, modules: str = "", global_options: str = "", queue: str = ""
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.source = folder / "feed.log"
        self.source.touch()
        self._config = folder / "rsyslog.conf"
        self._config.write_text(
            _CONFIG.format(
                folder=folder,
                source=self.source,
                actions="\n".join(actions),
                modules=modules,
                globals=global_options,
                queue=queue,
            ),
            encoding="utf-8",
        )

    def running(self) -> Process:
        """rsyslogd in the foreground."""
        rsyslogd = require_binary("rsyslogd", package="rsyslog")
        argv = [rsyslogd, "-n", "-f", self._config, "-i", self.folder / "pid"]
        return Process(argv, folder=self.folder)

    def feed(self, *lines: bytes) -> None:
        """Let it forward `lines`."""
        with self.source.open("ab") as feed:
            feed.write(b"".join(line + b"\n" for line in lines))


def require_module(name: str, *, package: str) -> None:
    """Skip or fail without rsyslog's module `name`."""
    if not list(Path("/usr/lib").glob(f"*/rsyslog/{name}.so")):
        skip_or_fail(f"rsyslog's {name} is missing: apt install {package}")


def over_udp(port: int) -> str:
    """An action that forwards over UDP."""
    return f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="udp" template="untouched")'


def over_tcp(port: int, *, framing: str = "traditional", more: str = "") -> str:
    """An action that forwards over TCP."""
    return (
        f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" template="untouched"'
        f' TCP_Framing="{framing}" {more})'
    )


def over_relp(port: int, more: str = "") -> str:
    """An action that forwards over RELP; it tries again every second."""
    return (
        f'action(type="omrelp" target="127.0.0.1" port="{port}" template="untouched"'
        f' action.resumeInterval="1" action.resumeRetryCount="-1" {more})'
    )
