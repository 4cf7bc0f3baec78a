"""Linux encryption gateways in network namespaces: strongSwan, keepalived and net-snmp's agent."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.support.namespaces import inside, run
from tests.support.peers import ROOT, require_binary, skip_or_fail
from tests.support.process import Process
from tests.support.snmpd import AUTH_PHRASE, PRIV_PHRASE

USER = "watch"
PRE_SHARED = "a pre-shared key of a test"
CHARON = """\
charon-systemd {{
  load = random nonce aes gcm sha1 sha2 hmac kdf gmp kernel-libipsec kernel-netlink socket-default vici
  retransmit_tries = 2
  retransmit_timeout = 0.5
  retransmit_base = 1.2
  plugins {{ vici {{ socket = unix://{folder}/charon.vici }} }}
  filelog {{ log {{ path = {folder}/charon.log
    flush_line = yes }} }}
}}
"""
CONNECTION = """\
  {name} {{
    version = 2
    proposals = aes256-sha256-modp2048
    local_addrs = {local}
    remote_addrs = {remote}
    mobike = no
    dpd_delay = 1s
    local {{ auth = psk
      id = {local_id} }}
    remote {{ auth = psk
      id = {remote_id} }}
    children {{ {name} {{
      local_ts = {local_net}
      remote_ts = {remote_net}
      esp_proposals = aes256gcm16
      dpd_action = {dpd} }} }}
  }}
"""
SNMPD = """\
exactEngineID 0x{engine_id}
master agentx
agentXSocket {folder}/agentx
agentXPerms 0660 0550
createUser {user} SHA-256 "{auth}" AES "{priv}"
rouser {user} priv
sysName {name}
extend -cacheTime 1 strongswan {python} {script} {folder}/charon.vici
"""
TRAPS = """\
trapsess -v 3 -e 0x{engine_id} -u {user} -l authPriv -a SHA-256 -A "{auth}" -x AES -X "{priv}" {to}
"""
KEEPALIVED = """\
global_defs {{
  router_id {name}
  vrrp_version 3
  vrrp_garp_master_delay 0
}}
vrrp_instance hub {{
  state BACKUP
  interface ha
  virtual_router_id 51
  priority {priority}
  nopreempt
  advert_int 0.5
  track_interface {{ wan }}
  virtual_ipaddress {{ {address} dev wan }}
}}
"""


def require_gateways() -> None:
    """The programs of a gateway, or a word about which package is missing."""
    require_binary("charon-systemd", package="charon-systemd")
    require_binary("swanctl", package="strongswan-swanctl")
    require_binary("keepalived", package="keepalived")
    require_binary("snmpd", package="snmpd")
    require_binary("ping", package="iputils-ping")
    plugins = Path("/usr/lib/ipsec/plugins")
    for name, package in (
        ("kernel-libipsec", "libcharon-extra-plugins"),
        ("gcm", "libstrongswan-standard-plugins"),
    ):
        if not (plugins / f"libstrongswan-{name}.so").exists():
            skip_or_fail(f"strongSwan's plugin {name} is missing: apt install {package}")


@dataclass(frozen=True, slots=True)
class Connection:
    """One tunnel as its gateway is configured: addresses, identities and the networks behind both ends."""

    name: str
    local: str
    remote: str
    local_id: str
    remote_id: str
    local_net: str
    remote_net: str
    dpd: str = "clear"


@dataclass
class Gateway:
    """A host with everything that an encryption gateway runs, each in the foreground and ended with `stack`."""

    name: str
    host: str
    folder: Path
    engine_id: str
    stack: ExitStack
    charon: Process | None = None

    def start_agent(self, *, traps_to: str = "") -> Process:
        """net-snmp's agent on the usual port of every address; `traps_to` is where its traps go, if anywhere."""
        config = SNMPD.format(
            folder=self.folder,
            name=self.name,
            engine_id=self.engine_id,
            user=USER,
            auth=AUTH_PHRASE,
            priv=PRIV_PHRASE,
            python=sys.executable,
            script=ROOT / "deploy" / "agents" / "strongswan.py",
        )
        if traps_to:
            config += TRAPS.format(
                user=USER, auth=AUTH_PHRASE, priv=PRIV_PHRASE, engine_id=self.engine_id, to=traps_to
            )
        (self.folder / "snmpd.conf").write_text(config, encoding="utf-8")
        environment = {
            "SNMP_PERSISTENT_DIR": str(self.folder / "persistent"),
            "SNMPCONFPATH": f"{self.folder}:{self.folder / 'persistent'}",
            "MIBS": "",
        }
        program = require_binary("snmpd", package="snmpd")
        argv = [str(program), "-f", "-Lo", "-I", "-smux", "udp:161", "udp6:161"]
        socket = self.folder / "agentx"
        socket.unlink(missing_ok=True)
        return self._start(argv, environment, ready=socket.exists)

    def start_tunnels(self, *connections: Connection) -> None:
        """strongSwan with its ESP in user space, so that no module of the kernel is needed."""
        (self.folder / "strongswan.conf").write_text(CHARON.format(folder=self.folder), encoding="utf-8")
        (self.folder / "swanctl").mkdir(exist_ok=True)
        blocks = "".join(
            CONNECTION.format(**{name: getattr(one, name) for name in Connection.__slots__})
            for one in connections
        )
        secrets = f'secrets {{ ike-all {{ secret = "{PRE_SHARED}" }} }}\n'
        text = f"connections {{\n{blocks}}}\n{secrets}"
        (self.folder / "swanctl" / "swanctl.conf").write_text(text, encoding="utf-8")
        # A copy, because a distribution's AppArmor profile confines the program by its path.
        program = self.folder / "charon-systemd"
        shutil.copy(require_binary("charon-systemd", package="charon-systemd"), program)
        socket = self.folder / "charon.vici"
        socket.unlink(missing_ok=True)
        self.charon = self._start([program], self._environment, ready=socket.exists)
        self.swanctl("--load-all")

    def start_redundancy(self, *, priority: int, address: str) -> Process:
        """keepalived, which tells the agent what it does."""
        config = self.folder / "keepalived.conf"
        config.write_text(
            KEEPALIVED.format(name=self.name, priority=priority, address=address), encoding="utf-8"
        )
        program = require_binary("keepalived", package="keepalived")
        argv = [str(program), "--dont-fork", "--log-console", "--vrrp", f"--use-file={config}", "--snmp"]
        argv += [f"--snmp-agent-socket={self.folder}/agentx", f"--pid={self.folder}/keepalived.pid"]
        argv += [f"--vrrp_pid={self.folder}/vrrp.pid"]
        environment = {"MIBS": "", "SNMP_PERSISTENT_DIR": str(self.folder / "subagent")}
        return self._start(argv, environment)

    def swanctl(self, *words: str) -> str:
        """What strongSwan's own command says."""
        uri = f"unix://{self.folder}/charon.vici"
        return run("swanctl", *words, "--uri", uri, env=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "STRONGSWAN_CONF": str(self.folder / "strongswan.conf"),
            "SWANCTL_DIR": str(self.folder / "swanctl"),
        }

    def _start(
        self,
        argv: Sequence[str | os.PathLike[str]],
        environment: Mapping[str, str],
        ready: Callable[[], object] | None = None,
    ) -> Process:
        whole = [*inside(self.host), *argv]
        name = Path(argv[0]).name
        process = Process(whole, folder=self.folder, name=name, env=environment, ready=ready)
        return self.stack.enter_context(process)
