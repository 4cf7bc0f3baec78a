"""Many datagrams out of a socket with one call: recvmmsg(2), which Python's own socket does not have."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from typing import Final

MAX_DATAGRAM: Final = 65_535
BATCH: Final = 64

_SO_RXQ_OVFL: Final = 40
"""Linux, asm-generic/socket.h: datagrams then carry how many were dropped before them. Not in `socket`."""

_SOCKADDR_OCTETS: Final = 28
"""sizeof(struct sockaddr_in6), the larger of the two."""
_ADDRESS: Final = {socket.AF_INET: slice(4, 8), socket.AF_INET6: slice(8, 24)}
"""Where the IP address stands in a sockaddr, after family and port (and flow label)."""
_CONTROL: Final = struct.Struct("@NiiI")
"""A cmsghdr with one unsigned number in it."""


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("length", ctypes.c_uint32))


_LENGTH_AT: Final = _Message.length.offset
_LENGTHS: Final = struct.Struct(f"@{_LENGTH_AT}xI{ctypes.sizeof(_Message) - _LENGTH_AT - 4}x")


class Datagrams:
    """Reads a bound, non-blocking UDP socket.

    The call keeps the interpreter's lock, which is right as it never waits: a thread that gives the lock away for
    each datagram gets it back only when the others have had their turns.
    """

    def __init__(self, bound: socket.socket) -> None:
        bound.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        self._family = bound.family
        self._number = bound.fileno()
        self._address = _ADDRESS[bound.family]
        self._call = ctypes.PyDLL(None, use_errno=True).recvmmsg
        self._call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
        self._octets = memoryview(bytearray(BATCH * MAX_DATAGRAM))
        self._names = bytearray(BATCH * _SOCKADDR_OCTETS)
        self._control = bytearray(socket.CMSG_SPACE(4))
        self._vectors = (_Vector * BATCH)()
        self._messages = (_Message * BATCH)()
        self._messages_view = memoryview(self._messages).cast("B")
        self._first = self._messages[0].header
        self._point_to_buffers()
        self.dropped = 0
        """What the kernel said last of how many it has dropped; it counts modulo 2**32."""

    def receive(self) -> list[tuple[bytes, bytes]]:
        """What waits, at most `BATCH` datagrams, each with its sender's address in network order.

        BlockingIOError when nothing waits, other OSError as from `recvfrom`.
        """
        self._first.control_length = len(self._control)
        count = self._call(self._number, ctypes.addressof(self._messages), BATCH, 0, None)
        if count < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        if self._first.control_length:
            self._note_drops()
        octets, names = self._octets, bytes(self._names)
        first, last = self._address.start, self._address.stop
        lengths = _LENGTHS.iter_unpack(self._messages_view[: count * _LENGTHS.size])
        return [
            (
                bytes(octets[at * MAX_DATAGRAM : at * MAX_DATAGRAM + length]),
                names[at * _SOCKADDR_OCTETS + first : at * _SOCKADDR_OCTETS + last],
            )
            for at, (length,) in enumerate(lengths)
        ]

    def spell(self, address: bytes) -> str:
        """A sender's address as text."""
        return socket.inet_ntop(self._family, address)

    def _point_to_buffers(self) -> None:
        octets, names, control = (
            ctypes.addressof(ctypes.c_char.from_buffer(held))
            for held in (self._octets, self._names, self._control)
        )
        for at, (message, vector) in enumerate(zip(self._messages, self._vectors, strict=True)):
            vector.base, vector.length = octets + at * MAX_DATAGRAM, MAX_DATAGRAM
            message.header.name, message.header.name_length = names + at * _SOCKADDR_OCTETS, _SOCKADDR_OCTETS
            message.header.vectors, message.header.vector_count = ctypes.addressof(vector), 1
        self._first.control = control

    def _note_drops(self) -> None:
        _, level, kind, dropped = _CONTROL.unpack_from(self._control)
        if level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL:
            self.dropped = dropped
