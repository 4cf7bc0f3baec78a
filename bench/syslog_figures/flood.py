"""Sends one device's chatter over and over. Usage: flood.py PORT RATE SECONDS ADDRESS...

With sendmmsg(2), which Python's own socket does not have: a call for each datagram would not reach the rate. It only
uses what its core has left: whoever else is simulated there answers as fast as without the flood.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import time
from collections.abc import Sequence
from datetime import datetime

_BATCH = 50


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("sent", ctypes.c_uint32),
    )


class Volley:
    """The same datagrams in one call, as often as wanted."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._call = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._vectors = [_Vector(line, len(line)) for line in lines]
        self._messages = (_Message * len(lines))()
        for message, vector in zip(self._messages, self._vectors, strict=True):
            message.vectors, message.vector_count = ctypes.addressof(vector), 1

    def send(self, sender: socket.socket) -> int:
        """How many datagrams went out."""
        sent = self._call(sender.fileno(), self._messages, len(self._messages), 0)
        if sent < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return int(sent)


def main() -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    port, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    senders = []
    for address in sys.argv[4:]:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((address, 0))
        sender.connect(("127.0.0.1", port))
        senders.append(sender)
    lines = _lines()
    volleys = [Volley(lines[at : at + _BATCH]) for at in range(0, len(lines), _BATCH)]
    began, sent, turn = time.perf_counter(), 0, 0
    while time.perf_counter() - began < seconds:
        ahead = sent / rate - (time.perf_counter() - began)
        if ahead > 0:
            time.sleep(ahead)
        sent += volleys[turn % len(volleys)].send(senders[turn % len(senders)])
        turn += 1
    print(sent, round(time.perf_counter() - began, 2), flush=True)


def _lines() -> list[bytes]:
    stamp = datetime.now().strftime("%b %e %H:%M:%S")
    return [
        f"<30>{stamp} gw charon[812]: 10[NET] sending packet: from 192.0.2.{at}[500] to 198.51.100.1[500]".encode()
        for at in range(250)
    ] + [
        f"<86>{stamp} gw sshd[{at}]: Failed password for root from 192.0.2.{at} port {at + 1024} ssh2".encode()
        for at in range(1, 251)
    ]


if __name__ == "__main__":
    main()
