"""A whole demonstration on one machine: simulated province, duty inbox, and the product itself beside them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from channelwatch.base.clock import Clock
from channelwatch.base.errors import Permanent
from channelwatch.base.passwords import hash_password
from channelwatch.inventory.model import Bloc
from channelwatch_simulator.files import SECRETS, USER, RunFolder
from channelwatch_simulator.inbox import HOST, Inbox
from channelwatch_simulator.inventory_file import BANNER
from channelwatch_simulator.province import (
    CREDENTIAL_V2C,
    CREDENTIAL_V3,
    DEFAULT_PORT,
    PROVINCE,
    Preset,
    build_province,
)
from channelwatch_simulator.simulation import Simulation, Targets
from channelwatch_simulator.story import FIRST_TROUBLE_MS, story

ACCOUNTS = {"truc": "watch", "truong-ca": "chief"}
"""Accounts of the demonstration and their roles."""
POLL_S = 10
STORY_WAITS_S = 60.0
"""How long the story waits for the board before it begins anyway."""
STOP_S = 20.0
_LOOK_EVERY_S = 0.25
_LOG_TAIL_LINES = 15
_KNOWN = re.compile(r'^channelwatch_device_health\{device="([^"]+)".*state="(?:up|degraded|down)"\} 1$', re.M)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asked for. `seconds` None: until it is stopped."""

    root: Path
    seed: int
    speed: float
    board_port: int
    agent_port: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of this machine that a demonstration uses."""

    board: int
    traps: int
    syslog: int
    webhook: int
    smtp: int


class Demo:
    """One demonstration."""

    def __init__(self, plan: Plan, clock: Clock, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._clock = clock
        self._say = say
        self._folder = RunFolder(plan.root)
        self._first_state_s: float | None = None

    async def run(self, figures: dict[str, Any]) -> None:
        """Start everything, tell the story until cancelled, and end everything again.

        `figures` is filled with what was measured, however the run ends. Raises Permanent when a device's port is
        taken or the product does not stay up.
        """
        agent_port = self._plan.agent_port or _agent_port()
        province = build_province(Preset.DEMO, self._plan.seed, port=agent_port)
        self._folder.write_inventory(province)
        self._say(f"{BANNER} - simulated data, nothing here is real. Files: {self._plan.root}")
        webhook_secret = self._folder.secret("webhook")
        async with Inbox(webhook_secret, self._clock, self._say) as inbox:
            ports = Ports(
                self._plan.board_port,
                _free_port(socket.SOCK_DGRAM),
                _free_port(socket.SOCK_DGRAM),
                inbox.webhook_port,
                inbox.smtp_port,
            )
            passwords = self._configure(ports)
            simulation = Simulation(
                province,
                self._folder.keys(),
                self._clock,
                seed=self._plan.seed,
                targets=Targets((HOST, ports.traps), (HOST, ports.syslog)),
                boots=self._folder.next_boot(),
            )
            try:
                async with simulation:
                    self._say(f"{simulation.agents} agents answering on UDP port {agent_port}.")
                    async with self._product() as product:
                        await self._watch(simulation, product, ports, passwords)
            finally:
                figures.update(
                    agents=simulation.agents,
                    notices=simulation.notices_sent,
                    first_state_s=self._first_state_s,
                    **inbox.tally.figures(),
                )

    async def _watch(
        self,
        simulation: Simulation,
        product: asyncio.subprocess.Process,
        ports: Ports,
        passwords: dict[str, str],
    ) -> None:
        """Play the story until the product ends, which is an error, or the caller cancels."""
        ended = asyncio.create_task(product.wait())
        try:
            await self._until_known(ended, ports.board, simulation.agents)
            if not ended.done():
                self._welcome(ports.board, passwords)
                await self._play(simulation, ended)
        finally:
            ended.cancel()
        self._died(product)

    async def _play(self, simulation: Simulation, ended: asyncio.Task[int]) -> None:
        events = story(simulation.inventory, self._plan.seed)
        playing = asyncio.create_task(simulation.play(events, self._plan.speed))
        try:
            await asyncio.wait({ended, playing}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
        finally:
            playing.cancel()
            await asyncio.wait({playing})

    async def _until_known(self, ended: asyncio.Task[int], port: int, devices: int) -> None:
        """Return when the board knows the state of every device, or when that takes too long."""
        start = self._clock.monotonic_ms()
        token = self._folder.secret("metrics")
        async with httpx.AsyncClient(
            base_url=f"http://{HOST}:{port}",
            headers={"Authorization": f"Bearer {token.reveal()}"},
            trust_env=False,
            timeout=5,
        ) as client:
            known = 0
            while known < devices and not ended.done():
                await asyncio.sleep(_LOOK_EVERY_S)
                known = await _known_devices(client)
                waited = (self._clock.monotonic_ms() - start) / 1000
                if known and self._first_state_s is None:
                    self._first_state_s = round(waited, 1)
                    self._say(f"First device state on the board after {waited:.1f} s.")
                if waited > STORY_WAITS_S:
                    break
        if not ended.done():
            self._say(f"{known} of {devices} devices known after {waited:.1f} s.")

    def _welcome(self, port: int, passwords: dict[str, str]) -> None:
        self._say(f"Board: http://{HOST}:{port}/")
        for name, password in passwords.items():
            self._say(f"  sign in as {name} ({ACCOUNTS[name]}), password {password}")
        first_s = FIRST_TROUBLE_MS / 1000 / self._plan.speed
        self._say(f"The first trouble comes in about {first_s:.0f} s. Ctrl-C ends the demonstration.")

    def _died(self, product: asyncio.subprocess.Process) -> None:
        tail = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        raise Permanent(
            "\n".join([f"`channelwatch run` ended with status {product.returncode}; its last words:", *tail]),
            operation="demo",
        )

    @property
    def _log(self) -> Path:
        return self._plan.root / "channelwatch.log"

    @contextlib.asynccontextmanager
    async def _product(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """`channelwatch run` as a child of its own session, so that Ctrl-C reaches it only through us."""
        with self._log.open("wb") as log:
            product = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "channelwatch.app",
                "run",
                "--config",
                str(self._plan.root / "channelwatch.yaml"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield product
        finally:
            await _end(product)

    def _configure(self, ports: Ports) -> dict[str, str]:
        """Write `channelwatch.yaml` and its secrets; the passwords of the accounts, which are kept nowhere."""
        (self._plan.root / "data").mkdir(exist_ok=True)
        self._folder.secret("session")
        self._folder.secret("metrics")
        passwords = {name: secrets.token_urlsafe(9) for name in ACCOUNTS}
        for name, password in passwords.items():
            path = self._plan.root / SECRETS / f"{name}.hash"
            self._folder.write_private(path, str(hash_password(password)))
        text = yaml.safe_dump(configuration(ports), allow_unicode=True, sort_keys=False)
        path = self._plan.root / "channelwatch.yaml"
        path.write_text(f"# {BANNER}\n{text}", encoding="utf-8")
        return passwords


def configuration(ports: Ports) -> dict[str, Any]:
    """The settings of the product for a demonstration; secrets are references."""
    blocs = [str(bloc) for bloc in Bloc]
    return {
        "instance": {
            "id": "demo",
            "province": PROVINCE.code,
            "blocs": blocs,
            "simulated": True,
            "language": "vi",
        },
        "store": {"url": "sqlite:///data/channelwatch.db"},
        "inventory": {"file": "inventory.yaml"},
        "collector": {
            "id": "col-demo",
            "snmp": {"timeout_s": 2, "retries": 1, "poll_s": POLL_S, "confirm_s": 1, "misses_before_down": 3},
            "traps": {"listen": f"{HOST}:{ports.traps}"},
            "syslog": {"udp": f"{HOST}:{ports.syslog}"},
        },
        "credentials": {
            CREDENTIAL_V3: {
                "version": "3",
                "user": USER,
                "auth": "SHA-256",
                "auth_pass": f"file:{SECRETS}/auth",
                "priv": "AES-128",
                "priv_pass": f"file:{SECRETS}/priv",
            },
            CREDENTIAL_V2C: {"version": "2c", "community": f"file:{SECRETS}/community"},
        },
        "notify": {
            "smtp": {"host": HOST, "port": ports.smtp, "from": "channelwatch@example.test", "tls": "none"},
            "webhooks": {
                "duty": {"url": f"http://{HOST}:{ports.webhook}/alert", "secret": f"file:{SECRETS}/webhook"}
            },
        },
        "http": {
            "listen": f"{HOST}:{ports.board}",
            "session_secret": f"file:{SECRETS}/session",
            "metrics_token": f"file:{SECRETS}/metrics",
            "accounts": [
                {"name": name, "role": role, "blocs": list(blocs), "password": f"file:{SECRETS}/{name}.hash"}
                for name, role in ACCOUNTS.items()
            ],
        },
    }


def check_port_free(port: int) -> None:
    """Raises Permanent, with the remedy, when TCP `port` of this machine is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise Permanent(
                f"Port {port} is in use on this machine; choose another one, for example --port {port + 1}.",
                operation="demo",
            ) from None


def _agent_port() -> int:
    """The usual port of the simulated devices, or a free one when another simulation holds it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.11.0.1", DEFAULT_PORT))
        except OSError:
            return _free_port(socket.SOCK_DGRAM)
        return DEFAULT_PORT


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _known_devices(client: httpx.AsyncClient) -> int:
    """How many devices the board has a state for; 0 while it does not answer."""
    try:
        answer = await client.get("/metrics")
    except httpx.TransportError:
        return 0
    return len(set(_KNOWN.findall(answer.text))) if answer.is_success else 0


async def _end(product: asyncio.subprocess.Process) -> None:
    if product.returncode is not None:
        return
    product.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await product.wait()
    except TimeoutError:
        pass
    finally:
        if product.returncode is None:
            product.kill()
            await product.wait()
