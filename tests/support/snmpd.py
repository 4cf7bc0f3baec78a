"""Debian's snmpd as the outside oracle for SNMP engines."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.net import free_port
from tests.support.peers import require_binary
from tests.support.process import Process

COMMUNITY = "oracle-community"
AUTH_PHRASE = "authentic-phrase"
PRIV_PHRASE = "private-phrase"
AUTH_NAMES = {
    "md5": "MD5",
    "sha1": "SHA",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
PRIV_NAMES = {
    "des": "DES",
    "aes128": "AES",
    "aes192-blumenthal": "AES-192",
    "aes256-blumenthal": "AES-256",
    "aes192-reeder": "AES-192-C",
    "aes256-reeder": "AES-256-C",
}
"""Our words and net-snmp's."""


def user_name(auth: str | None, priv: str | None) -> str:
    """The user that the agent has for this pair of protocols."""
    return f"u-{auth or 'none'}-{priv or 'none'}"


def agent_config(engine_id: str) -> str:
    """Every user there can be, one community, and the whole tree to read."""
    lines = [f"exactEngineID 0x{engine_id}", "sysName oracle"]
    lines += [f"rocommunity {COMMUNITY} 127.0.0.0/8", f"rocommunity6 {COMMUNITY} ::1"]
    lines += ["sysLocation rack 7", "sysServices 72", "createUser u-none-none", "rouser u-none-none noauth"]
    for auth, auth_name in AUTH_NAMES.items():
        for priv in (None, *PRIV_NAMES):
            line = f'createUser {user_name(auth, priv)} {auth_name} "{AUTH_PHRASE}"'
            if priv:
                line += f' {PRIV_NAMES[priv]} "{PRIV_PHRASE}"'
            lines += [line, f"rouser {user_name(auth, priv)} {'priv' if priv else 'auth'}"]
    return "\n".join(lines) + "\n"


def place_of(address: str, port: int) -> str:
    """An address and port as net-snmp's programs take them."""
    return f"udp6:[{address}]:{port}" if ":" in address else f"udp:{address}:{port}"


@dataclass(frozen=True, slots=True)
class Agent:
    """A running snmpd."""

    address: str
    port: int
    engine_id: bytes
    folder: Path


@contextmanager
def running_snmpd(
    folder: Path,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    engine_id: str = "80001f8804636877617463683031",
) -> Iterator[Agent]:
    """An snmpd with its own persistent folder, so that restarts in the same `folder` raise its boots."""
    program = require_binary("snmpd", package="snmpd")
    snmpget = require_binary("snmpget", package="snmp")
    port = port or free_port("udp", address)
    config = folder / "snmpd.conf"
    config.write_text(agent_config(engine_id), encoding="utf-8")
    environment = {
        "SNMP_PERSISTENT_DIR": str(folder / "persistent"),
        "SNMPCONFPATH": f"{folder}:{folder / 'persistent'}",
        "MIBS": "",
    }

    def answers() -> bool:
        asked = subprocess.run(
            [
                snmpget,
                "-v2c",
                "-c",
                COMMUNITY,
                "-t",
                "0.5",
                "-r",
                "0",
                place_of(address, port),
                "1.3.6.1.2.1.1.5.0",
            ],
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return asked.returncode == 0 and b"oracle" in asked.stdout

    argv = [str(program), "-f", "-Lo", "-I", "-smux", "-r", place_of(address, port)]
    with Process(argv, folder=folder, env=environment, ready=answers):
        yield Agent(address, port, bytes.fromhex(engine_id), folder)
