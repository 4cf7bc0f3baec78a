#!/usr/bin/python3
"""Print the state of strongSwan's tunnels as JSON, for net-snmp's `extend`. Python 3.9 or newer, nothing else.

It asks charon over its VICI socket and changes nothing. Usage: strongswan.py [SOCKET]

A daemon that is not running is told as such. When it cannot be told (no permission, an answer that makes no sense)
nothing is printed and the exit status is 1: unknown is not the same as down.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any

SOCKET = "/var/run/charon.vici"
TIMEOUT_S = 4.0
MAX_PACKET = 512 * 1024
"""What the VICI protocol allows for one message."""

CMD_REQUEST, CMD_RESPONSE, EVENT_REGISTER, EVENT_CONFIRM, EVENT = 0, 1, 3, 5, 7
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = range(1, 7)

Section = dict[str, Any]

CHILD_STATES = {"INSTALLED": "up", "UPDATING": "up", "REKEYING": "rekeying", "REKEYED": "rekeying"}
CHILD_STATES |= dict.fromkeys(("CREATED", "ROUTED", "INSTALLING"), "connecting")
BEST_FIRST = ("up", "rekeying", "connecting", "down")


def read_message(data: bytes) -> Section:
    """A VICI message as dictionaries, lists and texts."""
    place = 0

    def take(width: int) -> str:
        nonlocal place
        length = int.from_bytes(data[place : place + width], "big")
        place += width + length
        if place > len(data):
            raise ValueError("a message is cut off")
        return data[place - length : place].decode("utf-8", "replace")

    stack: list[Section] = [{}]
    items: list[str] = []
    while place < len(data):
        kind = data[place]
        place += 1
        if kind == SECTION_START:
            stack.append(stack[-1].setdefault(take(1), {}))
        elif kind == SECTION_END and len(stack) > 1:
            stack.pop()
        elif kind == KEY_VALUE:
            key = take(1)
            stack[-1][key] = take(2)
        elif kind == LIST_START:
            items = stack[-1].setdefault(take(1), [])
        elif kind == LIST_ITEM:
            items.append(take(2))
        elif kind != LIST_END:
            raise ValueError(f"a message has an element of type {kind}")
    return stack[0]


class Charon:
    """A conversation with the daemon."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIMEOUT_S)
        self._socket.connect(path)

    def each(self, command: str, event: str) -> Iterator[Section]:
        """What `command` tells in events named `event`."""
        self._send(EVENT_REGISTER, event)
        if self._receive()[0] != EVENT_CONFIRM:
            raise ValueError(f"charon knows no event {event}")
        self._send(CMD_REQUEST, command)
        while True:
            kind, body = self._receive()
            if kind == EVENT:
                yield read_message(body[1 + body[0] :])
            elif kind == CMD_RESPONSE:
                return
            else:
                raise ValueError(f"charon knows no command {command}")

    def _send(self, kind: int, name: str) -> None:
        packet = struct.pack("!BB", kind, len(name)) + name.encode()
        self._socket.sendall(struct.pack("!I", len(packet)) + packet)

    def _receive(self) -> tuple[int, bytes]:
        (length,) = struct.unpack("!I", self._exactly(4))
        if not 1 <= length <= MAX_PACKET:
            raise ValueError("a packet has an impossible length")
        packet = self._exactly(length)
        return packet[0], packet[1:]

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self._socket.recv(length - len(data))
            if not more:
                raise ValueError("charon closed the conversation")
            data += more
        return data


def serves_many(connection: Section) -> bool:
    """Whether a connection is for peers that it does not name, so that each peer is a tunnel of its own."""
    anywhere = any("any" in address or "/" in address for address in connection.get("remote_addrs", ["%any"]))
    identity = connection.get("remote-1", {}).get("id", "%any")
    return anywhere and ("%any" in identity or "*" in identity)


def tunnel_name(name: str, child: str, connections: Section, remote_id: str) -> str:
    """What a tunnel is called: its connection, or its peer where the connection serves many; with several children
    the child's name too."""
    connection = connections.get(name, {})
    base = remote_id if remote_id and serves_many(connection) else name
    return f"{base}/{child}" if len(connection.get("children", {})) > 1 else base


def numbers(section: Section, names: dict[str, str]) -> Section:
    """The integers among `names` (theirs: ours)."""
    return {ours: int(section[theirs]) for theirs, ours in names.items() if section.get(theirs, "").isdigit()}


def algorithm(child: Section) -> str:
    """What a child SA encrypts and authenticates with, as strongSwan spells it."""
    names = (child.get("encr-alg"), child.get("encr-keysize"), child.get("integ-alg"))
    return "-".join(name for name in names if name)


def sa_rows(name: str, sa: Section, connections: Section) -> Iterator[tuple[str, Section]]:
    """A row for each child of an IKE SA; where it has none yet, one for each that it should have."""
    remote_id = sa.get("remote-id", "")
    peer = {
        "connection": name,
        "remote_host": sa.get("remote-host", ""),
        "remote_id": remote_id,
    }
    children = sa.get("child-sas", {}).values()
    for child in children:
        times = {"install-time": "sa_age", "life-time": "sa_life_left"}
        octets = {"bytes-in": "rx_bytes", "bytes-out": "tx_bytes"}
        row = {
            **peer,
            "state": CHILD_STATES.get(child.get("state", ""), "down"),
            "algorithm": algorithm(child),
        }
        row |= numbers(child, times | octets)
        yield tunnel_name(name, child.get("name", ""), connections, remote_id), row
    if not children:
        state = "connecting" if sa.get("state") in ("CREATED", "CONNECTING") else "down"
        for child_name in connections.get(name, {}).get("children", {"": {}}):
            yield tunnel_name(name, child_name, connections, remote_id), {**peer, "state": state}


def best(one: Section, other: Section) -> Section:
    """Of two SAs for one tunnel the one that carries it: the better state, then the younger."""
    return min(one, other, key=lambda row: (BEST_FIRST.index(row["state"]), row.get("sa_age", 0)))


def tunnels(charon: Charon) -> Section:
    """Every tunnel that is configured or there, by name."""
    connections: Section = {}
    for event in charon.each("list-conns", "list-conn"):
        connections |= event
    rows: Section = {}
    for event in charon.each("list-sas", "list-sa"):
        for name, sa in event.items():
            for tunnel, row in sa_rows(name, sa, connections):
                rows[tunnel] = best(rows[tunnel], row) if tunnel in rows else row
    for name, connection in connections.items():
        for child in () if serves_many(connection) else connection.get("children", {}):
            rows.setdefault(tunnel_name(name, child, connections, ""), {"connection": name, "state": "down"})
    return rows


def main() -> int:
    """Print one JSON document; the exit status is 0 if it tells the truth."""
    path = sys.argv[1] if len(sys.argv) > 1 else SOCKET
    try:
        document: Section = {"version": 1, "daemon": {"state": "running"}, "tunnels": tunnels(Charon(path))}
    except (FileNotFoundError, ConnectionRefusedError):
        document = {"version": 1, "daemon": {"state": "stopped"}, "tunnels": {}}
    except (OSError, ValueError) as problem:
        print(f"strongswan: {problem}", file=sys.stderr)
        return 1
    print(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
