"""The scripts for monitored gateways, run as the agent runs them. The VICI side is written out byte by byte."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.peers import ROOT, require_binary

AGENTS = ROOT / "deploy" / "agents"


def script(name: str, *words: object, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    argv = [sys.executable, str(AGENTS / name), *map(str, words)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30, check=False)


def vici(section: dict[str, Any]) -> bytes:
    """`section` as the VICI protocol writes a message."""
    parts = []
    for key, given in section.items():
        name = struct.pack("!B", len(key)) + key.encode()
        if isinstance(given, dict):
            parts.append(b"\1" + name + vici(given) + b"\2")
        elif isinstance(given, list):
            items = b"".join(b"\5" + struct.pack("!H", len(item)) + item.encode() for item in given)
            parts.append(b"\4" + name + items + b"\6")
        else:
            parts.append(b"\3" + name + struct.pack("!H", len(given)) + given.encode())
    return b"".join(parts)


def packet(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("!IB", len(body) + 1, kind) + body


def event(name: str, section: dict[str, Any]) -> bytes:
    return packet(7, bytes([len(name)]) + name.encode() + vici(section))


@contextmanager
def charon(path: Path, *answers: bytes) -> Iterator[Path]:
    """A daemon that takes one conversation and answers each packet with the next of `answers`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)

        def converse() -> None:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    if not connection.recv(4096):
                        return
                    connection.sendall(answer)

        thread = threading.Thread(target=converse)
        thread.start()
        yield path
        thread.join(20)
        assert not thread.is_alive()


def tunnels(path: Path, connections: dict[str, Any], *associations: dict[str, Any]) -> dict[str, Any]:
    """What the script makes of a daemon with these connections and IKE SAs."""
    conns = b"".join(event("list-conn", {name: conn}) for name, conn in connections.items())
    sas = b"".join(event("list-sa", sa) for sa in associations)
    with charon(path, packet(5), conns + packet(1), packet(5), sas + packet(1)) as place:
        done = script("strongswan.py", place)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["daemon"] == {"state": "running"}
    found: dict[str, Any] = document["tunnels"]
    return found


def conn(*children: str, remote: str = "192.0.2.7", identity: str = "gw-7") -> dict[str, Any]:
    return {
        "remote_addrs": [remote],
        "remote-1": {"class": "pre-shared key", "id": identity},
        "children": {name: {"mode": "TUNNEL"} for name in children},
    }


def sa(
    name: str, *children: dict[str, str], identity: str = "gw-7", state: str = "ESTABLISHED"
) -> dict[str, Any]:
    numbered = {f"{child['name']}-{number}": child for number, child in enumerate(children, 1)}
    return {
        name: {
            "state": state,
            "remote-host": "192.0.2.7",
            "remote-id": identity,
            "established": "90",
            "child-sas": numbered,
        }
    }


def child(name: str, state: str = "INSTALLED", age: str = "10") -> dict[str, str]:
    return {
        "name": name,
        "state": state,
        "encr-alg": "AES_CBC",
        "encr-keysize": "256",
        "integ-alg": "HMAC_SHA2_256_128",
        "install-time": age,
        "life-time": "3590",
        "bytes-in": "7",
        "bytes-out": "8",
    }


def test_a_tunnel_is_called_as_its_connection_and_tells_what_it_does(tmp_path: Path) -> None:
    found = tunnels(tmp_path / "vici", {"north": conn("net")}, sa("north", child("net")))
    assert found == {
        "north": {
            "connection": "north",
            "remote_host": "192.0.2.7",
            "remote_id": "gw-7",
            "state": "up",
            "algorithm": "AES_CBC-256-HMAC_SHA2_256_128",
            "sa_age": 10,
            "sa_life_left": 3590,
            "rx_bytes": 7,
            "tx_bytes": 8,
        }
    }


def test_several_children_are_several_tunnels(tmp_path: Path) -> None:
    found = tunnels(tmp_path / "vici", {"north": conn("data", "voice")}, sa("north", child("data")))
    assert {name: row["state"] for name, row in found.items()} == {"north/data": "up", "north/voice": "down"}


def test_peers_of_a_connection_for_anybody_are_told_apart(tmp_path: Path) -> None:
    anybody = {"spokes": conn("net", remote="%any", identity="%any")}
    found = tunnels(
        tmp_path / "vici", anybody, sa("spokes", child("net")), sa("spokes", child("net"), identity="gw-8")
    )
    assert sorted(found) == ["gw-7", "gw-8"]
    assert tunnels(tmp_path / "vici2", anybody) == {}


def test_what_is_configured_and_not_there_is_down(tmp_path: Path) -> None:
    assert tunnels(tmp_path / "vici", {"north": conn("net")}) == {
        "north": {"connection": "north", "state": "down"}
    }


@pytest.mark.parametrize(("ike", "word"), [("CONNECTING", "connecting"), ("ESTABLISHED", "down")])
def test_a_peer_without_a_child_does_not_carry(tmp_path: Path, ike: str, word: str) -> None:
    found = tunnels(tmp_path / "vici", {"north": conn("net")}, sa("north", state=ike))
    assert found["north"]["state"] == word


def test_while_keys_are_renewed_the_younger_association_speaks(tmp_path: Path) -> None:
    renewing = sa("north", child("net", "REKEYED", "3500"), child("net", "INSTALLED", "1"))
    found = tunnels(tmp_path / "vici", {"north": conn("net")}, renewing)
    assert (found["north"]["state"], found["north"]["sa_age"]) == ("up", 1)
    deleting = sa("north", child("net", "DELETING", "1"))
    assert tunnels(tmp_path / "vici2", {"north": conn("net")}, deleting)["north"]["state"] == "down"


def test_a_daemon_that_does_not_run_is_told(tmp_path: Path) -> None:
    done = script("strongswan.py", tmp_path / "nowhere")
    assert (done.returncode, json.loads(done.stdout)["daemon"]) == (0, {"state": "stopped"})


@pytest.mark.parametrize(
    "answers",
    [
        (packet(6),),
        (packet(5), packet(2)),
        (packet(5), packet(7, b"\x09list-conn\x03\x01a\xff\xff")),
        (packet(5), packet(7, b"\x09list-conn\x09")),
        (struct.pack("!I", 1 << 30),),
        (b"",),
    ],
    ids=["no event", "no command", "cut off", "odd element", "huge", "closed"],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_is_not_told_as_down(
    tmp_path: Path, answers: tuple[bytes, ...]
) -> None:
    with charon(tmp_path / "vici", *answers) as place:
        done = script("strongswan.py", place)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("strongswan: ")


WG = """#!/bin/sh
case "$3" in
latest-handshakes) printf 'wg0\\tKEY1=\\t{now}\\nwg0\\tKEY2=\\t0\\n' ;;
transfer) printf 'wg0\\tKEY1=\\t10\\t20\\nwg0\\tKEY2=\\t0\\t0\\n' ;;
*) echo "no business with $3" >&2; exit 1 ;;
esac
"""


def test_wireguard_peers_bear_their_names_and_never_is_null(tmp_path: Path) -> None:
    (tmp_path / "wg").write_text(WG.format(now=int(time.time()) - 125), encoding="utf-8")
    (tmp_path / "wg").chmod(0o755)
    (tmp_path / "names").write_text("KEY1= 51-D-21548-1\n\nhalf-a-line\n", encoding="utf-8")
    done = script("wireguard.py", tmp_path / "names", path=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)["data"]["wg0"]
    assert rows["51-D-21548-1"] == {"minutes_since_last_handshake": 2, "bytes_rcvd": 10, "bytes_sent": 20}
    assert rows["KEY2="]["minutes_since_last_handshake"] is None


def test_wireguard_that_cannot_be_asked_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "wg").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "wg").chmod(0o755)
    done = script("wireguard.py", path=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")


def test_certificates_tell_their_days_and_one_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    require_binary("openssl", package="openssl")
    authority = Authority(tmp_path, "authority")
    authority.issue("gw", days=30)
    authority.issue("old", days=-1)
    (tmp_path / "broken.pem").write_text("-----BEGIN nothing", encoding="utf-8")
    done = script("certificate.py", tmp_path / "gw.crt", tmp_path / "old.crt", tmp_path / "broken.pem")
    days = {row["cert_name"]: row["remaining_days"] for row in json.loads(done.stdout)["data"]}
    assert done.returncode == 1
    assert "broken.pem" in done.stderr
    assert days["old.crt"] < 0
    assert 28 <= days["gw.crt"] <= 30
    folder = json.loads(script("certificate.py", tmp_path).stdout)["data"]
    assert [row["cert_name"] for row in folder] == ["authority.pem", "gw.crt", "old.crt"]
