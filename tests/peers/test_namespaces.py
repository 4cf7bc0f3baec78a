"""Real encryption, watched as in operation: strongSwan gateways, a keepalived pair and net-snmp's agents in network
namespaces, and a whole channelwatch that polls them with SNMPv3, the spoke over IPv6."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import wait_until
from tests.support.gateways import USER, Connection, Gateway, require_gateways
from tests.support.namespaces import Network, Visitor, inside, network, require_namespaces, run
from tests.support.peers import ROOT
from tests.support.process import Process
from tests.support.snmpd import AUTH_PHRASE, PRIV_PHRASE

HUB_A, HUB_B, SPOKE = "51-D-T0001-A", "51-D-T0001-B", "51-D-21548-1"
PAIR = "51-D-HUB"
SPOKE_ADDRESS = "2001:db8::10"
HUB_ADDRESS = "192.0.2.100"
HUB_LAN, SPOKE_LAN = "198.51.100.1", "198.51.100.129"
WATCHER6 = "2001:db8::200"
TRAPS_TO = f"udp6:[{WATCHER6}]:162"
AGENT = ROOT / "deploy" / "agents" / "strongswan.py"
TOKEN = "an api token of a test"
SPOKE_TO_HUB = Connection(
    "hub", "192.0.2.10", HUB_ADDRESS, "spoke", "hub", f"{SPOKE_LAN}/32", f"{HUB_LAN}/32", "restart"
)
HUB_TO_SPOKE = Connection(
    SPOKE, HUB_ADDRESS, "192.0.2.10", "hub", "spoke", f"{HUB_LAN}/32", f"{SPOKE_LAN}/32"
)
POLL_S = 2
LONG_S = 90.0

CONFIG = """\
instance: {{id: test-1, province: "51", blocs: [party]}}
store: {{url: "sqlite:///data/channelwatch.db"}}
inventory: {{file: inventory.yaml}}
collector:
  id: col-1
  snmp: {{timeout_s: 1, retries: 1, poll_s: {poll_s}, confirm_s: 0.5}}
  traps: {{listen: "[::]:162"}}
  syslog: {{udp: "127.0.0.1:514"}}
credentials:
  gateways: {{version: "3", user: {user}, auth_pass: "file:secrets/auth", priv_pass: "file:secrets/priv"}}
notify:
  webhooks: {{duty: {{url: "http://127.0.0.1:9/alert", secret: "file:secrets/webhook"}}}}
http:
  listen: "127.0.0.1:8080"
  session_secret: file:secrets/session
  metrics_token: file:secrets/metrics
  accounts:
    - {{name: truc, role: watch, blocs: [party], password: "file:secrets/hash", api_token: "file:secrets/token"}}
"""
INVENTORY = f"""\
version: 1
province: {{code: "51", name: Quảng Ngãi}}
units:
  - {{code: "T0001", kind: province_office, name: Văn phòng}}
  - {{code: "21548", kind: commune, commune_kind: dac_khu, name: Lý Sơn}}
sites: [{{code: 51-D-T0001, unit: T0001, bloc: party}}, {{code: 51-D-21548, unit: "21548", bloc: party}}]
ha_groups: [{{code: {PAIR}, name: Cụm trung tâm}}]
devices:
  - {{code: {HUB_A}, site: 51-D-T0001, address: 203.0.113.1, credential: gateways, ha_group: {PAIR}, ha_member: A}}
  - {{code: {HUB_B}, site: 51-D-T0001, address: 203.0.113.2, credential: gateways, ha_group: {PAIR}, ha_member: B}}
  - {{code: {SPOKE}, site: 51-D-21548, address: "{SPOKE_ADDRESS}", credential: gateways, expected_peers: [hub]}}
channels: [{{code: 51-D-21548>T0001, from: {SPOKE}, to: {PAIR}}}]
contacts:
  - {{code: watch, role: watch, post: Trực giám sát, blocs: [party], deliver: ["webhook:duty"]}}
"""
SECRETS = {
    "auth": AUTH_PHRASE,
    "priv": PRIV_PHRASE,
    "webhook": "the webhook secret of a test",
    "session": "the session secret of a test, long enough",
    "metrics": "the metrics token of a test",
    "hash": "scrypt$16384$8$1$c2FsdHNhbHRzYWx0c2FsdA==$bm90IGEgcmVhbCBoYXNoIGJ1dCBvZiAzMiBieXRlcyE=",
    "token": TOKEN,
}


@dataclass
class Province:
    """Two hubs, one spoke and the watcher."""

    network: Network
    hub_a: Gateway
    hub_b: Gateway
    spoke: Gateway
    watcher: str
    visitor: Visitor
    stack: ExitStack
    agent: Process | None = None

    def get(self, path: str) -> Any:
        """The API's JSON at `path`."""

        def ask() -> Any:
            request = urllib.request.Request(
                f"http://127.0.0.1:8080{path}", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)

        return self.visitor.call(ask)

    def device(self, code: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/api/v1/devices/{code}")
        return found

    def reading(self, code: str, signal: str, component: str = "") -> tuple[object, str] | None:
        """Value and state of a signal."""
        for item in self.device(code)["readings"]:
            if (item["signal"], item["component"]) == (signal, component):
                return item["value"], item["state"]
        return None

    def pair(self) -> str:
        """The state of the hubs as a pair."""
        (group,) = self.get("/api/v1/groups")["items"]
        return str(group["state"])

    def ready(self) -> bool:
        def ask() -> bool:
            with urllib.request.urlopen("http://127.0.0.1:8080/readyz", timeout=10) as answer:
                return bool(answer.status == 200)

        try:
            return self.visitor.call(ask)
        except OSError:
            return False

    def holds_address(self, hub: Gateway) -> bool:
        """Whether the pair's address is with `hub`."""
        return HUB_ADDRESS in self.network.ip(hub.host, "-4", "address", "show", "dev", "wan")

    def within_two_polls(self, *codes: str, shown: Callable[[], bool]) -> None:
        """Wait until `shown`, and count the answers of `codes` meanwhile: beside one that may have been under way,
        two must do."""
        seen = {code: {str(self.device(code)["last_seen"])} for code in codes}

        def is_shown() -> bool:
            done = shown()
            for code in codes:
                seen[code].add(str(self.device(code)["last_seen"]))
            return done

        wait_until(is_shown, LONG_S, what="the change to show")
        late = {code: len(answers) - 1 for code, answers in seen.items() if len(answers) - 1 > 3}
        assert late == {}, "answers until it showed"

    def wait_well(self) -> None:
        """Until all is as it should be: hub A serves, hub B waits, the tunnel carries."""

        def well() -> bool:
            tunnel = self.reading(SPOKE, "channel.state", "hub")
            healths = [self.device(code)["health"] for code in (HUB_A, HUB_B, SPOKE)]
            return self.pair() == "redundant" and tunnel == ("up", "ok") and healths == ["up"] * 3

        wait_until(well, LONG_S, what="everything to be well")


def lay_out(made: Network, folder: Path, stack: ExitStack) -> Province:
    """Hosts, cables and addresses: a network for tunnels, one between the hubs, one for the management."""
    for bridge in ("wan", "ha", "mgmt"):
        made.bridge(bridge)
    gateways = []
    for number, (name, last) in enumerate((("hub-a", 1), ("hub-b", 2), ("spoke", 10)), 1):
        host = made.host(name)
        made.plug(host, "wan", f"192.0.2.{last}/24")
        made.plug(host, "mgmt", f"203.0.113.{last}/25", f"2001:db8::{last}/64")
        lan = SPOKE_LAN if name == "spoke" else HUB_LAN
        made.ip(host, "address", "add", f"{lan}/32", "dev", "lo")
        (folder / name).mkdir()
        gateways.append(Gateway(name, host, folder / name, f"80001f8804{number:08x}", stack))
    for hub, last in zip(gateways[:2], (129, 130), strict=True):
        made.plug(hub.host, "ha", f"203.0.113.{last}/30")
    watcher = made.host("watcher")
    made.plug(watcher, "mgmt", "203.0.113.100/25", f"{WATCHER6}/64")
    hub_a, hub_b, spoke = gateways
    return Province(made, hub_a, hub_b, spoke, watcher, Visitor(watcher), stack)


def start_gateways(province: Province) -> None:
    for hub, priority in ((province.hub_a, 150), (province.hub_b, 100)):
        hub.start_agent()
        hub.start_tunnels(HUB_TO_SPOKE)
        hub.start_redundancy(priority=priority, address=f"{HUB_ADDRESS}/24")
        if hub is province.hub_a:
            wait_until(lambda: province.holds_address(province.hub_a), LONG_S, what="hub A to serve")
    province.agent = province.spoke.start_agent(traps_to=TRAPS_TO)
    province.spoke.start_tunnels(SPOKE_TO_HUB)


def start_watcher(province: Province, folder: Path) -> Process:
    (folder / "secrets").mkdir(parents=True)
    for name, secret in SECRETS.items():
        (folder / "secrets" / name).write_text(secret + "\n", encoding="utf-8")
    config = folder / "channelwatch.yaml"
    config.write_text(CONFIG.format(poll_s=POLL_S, user=USER), encoding="utf-8")
    (folder / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    argv = [
        *inside(province.watcher),
        sys.executable,
        "-m",
        "channelwatch.app",
        "run",
        "--config",
        str(config),
    ]
    return province.stack.enter_context(
        Process(argv, folder=folder, name="channelwatch", ready=province.ready)
    )


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    require_gateways()
    require_namespaces(tunnels=True)
    folder = tmp_path_factory.mktemp("province")
    with network() as made, ExitStack() as stack:
        laid = lay_out(made, folder, stack)
        stack.callback(laid.visitor.close)
        start_gateways(laid)
        start_watcher(laid, folder / "watcher")
        laid.spoke.swanctl("--initiate", "--child", "hub")
        yield laid


def test_a_tunnel_that_carries_traffic_is_shown_with_its_cipher(province: Province) -> None:
    province.wait_well()
    run(*inside(province.spoke.host), "ping", "-c", "1", "-W", "10", "-I", SPOKE_LAN, HUB_LAN)
    assert province.reading(SPOKE, "crypto.algorithm", "hub") == ("AES_GCM_16-256", "ok")
    assert province.reading(HUB_A, "channel.state", SPOKE) == ("up", "ok")
    assert province.reading(HUB_A, "ha.role") == ("active", "ok")
    assert province.reading(HUB_B, "ha.role") == ("standby", "ok")
    assert province.device(HUB_A)["profile"] == "linux-gateway"
    tunnel = json.loads(run(sys.executable, AGENT, province.spoke.folder / "charon.vici"))["tunnels"]["hub"]
    assert tunnel["rx_bytes"] >= 84, "an echo came back through ESP"


def test_a_tunnel_torn_down_shows_within_two_polls(province: Province) -> None:
    province.wait_well()
    province.spoke.swanctl("--terminate", "--ike", "hub")
    province.within_two_polls(
        SPOKE, shown=lambda: province.reading(SPOKE, "channel.state", "hub") == ("down", "failed")
    )
    wait_until(lambda: province.device(SPOKE)["health"] == "down", LONG_S)
    # The hub does not expect it: what it shows there is no fault of its own.
    wait_until(lambda: province.reading(HUB_A, "channel.state", SPOKE) == ("down", "unknown"), LONG_S)
    assert province.device(HUB_A)["health"] == "up"
    province.spoke.swanctl("--initiate", "--child", "hub")
    province.wait_well()


def test_a_restart_over_ipv6_is_told_by_an_authenticated_trap(province: Province) -> None:
    province.wait_well()
    assert province.agent is not None
    province.agent.stop()
    province.agent = province.spoke.start_agent(traps_to=TRAPS_TO)

    def told() -> bool:
        events = province.device(SPOKE)["events"]
        return ("cold_start", "trap", True) in [
            (event["kind"], event["transport"], event["trusted"]) for event in events
        ]

    wait_until(told, LONG_S, what="the trap to be taken")
    province.wait_well()


def test_a_daemon_that_died_is_no_quiet_tunnel(province: Province) -> None:
    province.wait_well()
    assert province.spoke.charon is not None
    province.spoke.charon.kill()
    province.within_two_polls(
        SPOKE, shown=lambda: province.reading(SPOKE, "channel.state", "strongSwan") == ("down", "failed")
    )
    assert province.reading(SPOKE, "channel.state", "hub") == ("missing", "failed")
    province.spoke.start_tunnels(SPOKE_TO_HUB)
    province.spoke.swanctl("--initiate", "--child", "hub")
    province.wait_well()


def test_a_hub_that_fails_over_shows_within_two_polls(province: Province) -> None:
    province.wait_well()
    made = province.network
    made.ip(province.hub_a.host, "link", "set", "wan", "down")
    wait_until(lambda: province.holds_address(province.hub_b), LONG_S, what="hub B to take over")
    province.within_two_polls(HUB_A, HUB_B, shown=lambda: province.pair() == "no_redundancy")
    assert province.reading(HUB_A, "ha.role") == ("fault", "failed")
    assert province.reading(HUB_B, "ha.role") == ("active", "ok")
    # The spoke notices by itself, and its tunnel comes back by way of the other hub.
    wait_until(lambda: province.reading(HUB_B, "channel.state", SPOKE) == ("up", "ok"), LONG_S)
    made.ip(province.hub_a.host, "link", "set", "wan", "up")
    wait_until(lambda: province.pair() == "switched", LONG_S, what="hub A to wait behind hub B")


def test_two_active_hubs_are_told_from_a_switch_within_two_polls(province: Province) -> None:
    wait_until(lambda: province.pair() in ("redundant", "switched"), LONG_S)
    province.network.unplug(province.hub_a.host, "ha")
    both = lambda: province.holds_address(province.hub_a) and province.holds_address(province.hub_b)  # noqa: E731
    wait_until(both, LONG_S, what="both hubs to serve")
    province.within_two_polls(HUB_A, HUB_B, shown=lambda: province.pair() == "split")
    province.network.replug(province.hub_a.host, "ha")
    wait_until(lambda: province.pair() in ("redundant", "switched"), LONG_S, what="one hub to give way")
