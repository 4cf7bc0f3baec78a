"""Syslog over RELP: each line is acknowledged only when what it told is committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.directory import Peer
from channelwatch_collector.syslog.intake import Arrival, Intake
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.parse.relp import RelpFrame, RelpFramer, answer, offers
from channelwatch_collector.syslog.resends import Receipt, Resends
from channelwatch_collector.syslog.stream import Link

_VERSIONS: Final = ("0", "1")
_OK: Final = b"200 OK"
_SERVER_CLOSE: Final = b"0 serverclose 0\n"


class RelpSession:
    """One connection: `open`, then `syslog` as often as wanted, then `close`. Answers keep the order of requests.

    A line for which there is no room is not answered and ends the session: the sender comes again with it.
    """

    def __init__(self, intake: Intake, limits: Limits, resends: Resends, peer: Peer, link: Link) -> None:
        self._intake = intake
        self._resends = resends
        self._peer = peer
        self._link = link
        self._framer = RelpFramer(max_octets=limits.max_frame_octets)
        self._frames: deque[RelpFrame] = deque()
        self._number = resends.begin_session()
        self._is_open = False
        self._is_ending = False
        self._unanswered: deque[tuple[bytes, bytes, Receipt | None]] = deque()
        self._awaited: Receipt | None = None
        self._own_fault: str | None = None

    @property
    def pending(self) -> bool:
        return self._framer.pending

    @property
    def fault(self) -> str | None:
        return self._own_fault or self._framer.fault

    def feed(self, data: bytes) -> int:
        frames = self._framer.feed(data)
        self._frames.extend(frames)
        return len(frames)

    def work(self, arrival: Arrival, is_paused: Callable[[], bool]) -> bool:
        frames = self._frames
        while frames and not (self._own_fault or is_paused()):
            self._obey(frames.popleft(), arrival)
        self._answer()
        return not frames or self._own_fault is not None

    def finish(self, arrival: Arrival) -> None:
        """What was not answered will come again."""
        self._unanswered.clear()

    def _obey(self, frame: RelpFrame, arrival: Arrival) -> None:
        match frame.command:
            case b"syslog" if self._is_open:
                self._take(frame, arrival)
            case b"open" if not self._is_open:
                self._open(frame, arrival)
            case b"close":
                self._say(frame.txnr, b"")
                self._is_open, self._is_ending = False, True
            case b"syslog":
                self._own_fault = "relp_not_open"
            case _:
                self._say(frame.txnr, b"500 unknown command")

    def _open(self, frame: RelpFrame, arrival: Arrival) -> None:
        offered = offers(frame.data)
        if not self._intake.knows(self._peer):
            self._intake.report_stranger(self._peer, arrival)
            self._refuse(frame, b"500 this source is not known here")
        elif "syslog" not in offered.get("commands", "").split(","):
            self._refuse(frame, b"500 only the command syslog is taken here")
        else:
            version = offered.get("relp_version", "0")
            lines = ("200 OK", f"relp_version={version if version in _VERSIONS else _VERSIONS[-1]}",
                     "relp_software=channelwatch", "commands=syslog")  # fmt: skip
            self._say(frame.txnr, "\n".join(lines).encode())
            self._is_open = True

    def _take(self, frame: RelpFrame, arrival: Arrival) -> None:
        source, tick = self._peer.address, arrival.tick
        known = self._resends.recognise(self._number, source, frame.data, tick)
        if known is not None:
            self._intake.counters.add(Count.DUPLICATE, self._peer.transport)
            self._say(frame.txnr, _OK, known.receipt)
            return
        handed = self._intake.take(frame.data, self._peer, arrival)
        if handed is False:
            self._own_fault = "no_room"
        elif handed is True:
            self._say(frame.txnr, _OK)
        else:
            self._resends.remember(self._number, source, frame.data, tick=tick, receipt=handed)
            self._say(frame.txnr, _OK, handed)

    def _say(self, txnr: bytes, text: bytes, after: Receipt | None = None) -> None:
        self._unanswered.append((txnr, text, after))

    def _refuse(self, frame: RelpFrame, text: bytes) -> None:
        self._say(frame.txnr, text)
        self._is_ending = True

    def _answer(self, _: Receipt | None = None) -> None:
        """Answer what can be answered in order, and come back when the next is safe."""
        said = []
        while self._unanswered:
            txnr, text, after = self._unanswered[0]
            if after is not None and not after.done():
                if after is not self._awaited:
                    self._awaited = after
                    after.add_done_callback(self._answer)
                break
            self._unanswered.popleft()
            said.append(answer(txnr, text))
        if said:
            self._link.write(b"".join(said))
        if self._is_ending and not self._unanswered:
            self._link.write(_SERVER_CLOSE)
            self._link.hang_up()
