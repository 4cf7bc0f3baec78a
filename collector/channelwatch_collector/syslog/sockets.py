"""Listening sockets of either address family."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

_UNSPECIFIED_IPV6: Final = "::"


def listening_socket(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A bound, non-blocking socket on the IP address `host`; `::` takes IPv4 too. OSError when it cannot be had."""
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        if family is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != _UNSPECIFIED_IPV6))
        if kind is socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setblocking(False)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
