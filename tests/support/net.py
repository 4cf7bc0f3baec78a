"""Ports and addresses of this machine alone."""

from __future__ import annotations

import ipaddress
import socket
from typing import Literal

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def free_port(kind: Literal["tcp", "udp"] = "tcp", host: str = "127.0.0.1") -> int:
    """A port of `host` that nobody holds at this moment.

    For programs that cannot bind port 0 and say what they got. Whoever starts one must be ready to see it
    taken meanwhile: start the program at once, and wait for the program to answer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, KINDS[kind]) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def has_ipv6_loopback() -> bool:
    """Whether this machine has ::1."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def is_loopback(host: object) -> bool:
    """Whether `host`, as a socket takes it, can only mean this machine."""
    if host in ("localhost", "localhost.", "", None, b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)
