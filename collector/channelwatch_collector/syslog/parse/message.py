"""One syslog message, whatever format it came in."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from channelwatch.base.clock import EpochMs

DEFAULT_PRIORITY: Final = 13
"""user.notice: what RFC 3164 section 4.3.3 gives to a packet without a PRI."""


class Format(StrEnum):
    """Which grammar a message followed. `RAW`: none of them; the message says why."""

    RFC5424 = "rfc5424"
    RFC3164 = "rfc3164"
    RAW = "raw"


class RawReason(StrEnum):
    """Why a message is `RAW`."""

    EMPTY = "empty"
    NO_PRIORITY = "no_priority"
    BAD_PRIORITY = "bad_priority"
    BAD_TIMESTAMP = "bad_timestamp"
    BAD_HOSTNAME = "bad_hostname"
    BAD_APP_NAME = "bad_app_name"
    BAD_PROCID = "bad_procid"
    BAD_MSGID = "bad_msgid"
    BAD_STRUCTURED_DATA = "bad_structured_data"
    REPEATED_SD_ID = "repeated_sd_id"


class SdElement(NamedTuple):
    """One SD-ELEMENT (RFC 5424 section 6.3), values unescaped; a name may repeat."""

    id: str
    params: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of `name`."""
        return next((value for key, value in self.params if key == name), None)


class Message(NamedTuple):
    """A parsed syslog message. A named tuple, since a frozen dataclass takes five times as long to make.

    A `RAW` message keeps the header fields that stood before the fault, and the rest in `text`.
    `facility` 0..23 and `severity` 0..7 are those of RFC 5424 section 6.2.1; without a valid PRI, user.notice.
    `device_time` is the sender's clock, None where it gave none that can be read.
    `clock_synced` is what the sender says of that clock (`*` or `.` of Cisco, `timeQuality` of RFC 5424).
    `msgid` is MSGID, or the mnemonic of a Cisco, Huawei or Junos line (`SYS-5-CONFIG_I`, `IFNET/4/LINK_STATE`).
    `truncated`: octets beyond the limit were cut. `invalid_utf8`: some octets are kept as backslash escapes.
    """

    fmt: Format
    facility: int
    severity: int
    text: str
    device_time: EpochMs | None = None
    hostname: str | None = None
    app_name: str | None = None
    procid: str | None = None
    msgid: str | None = None
    structured_data: tuple[SdElement, ...] = ()
    clock_synced: bool | None = None
    reason: RawReason | None = None
    truncated: bool = False
    invalid_utf8: bool = False

    def sd(self, sd_id: str) -> SdElement | None:
        """The structured data element `sd_id`; with a `*` at its end, the first that begins so."""
        if sd_id.endswith("*"):
            return next(
                (element for element in self.structured_data if element.id.startswith(sd_id[:-1])), None
            )
        return next((element for element in self.structured_data if element.id == sd_id), None)


def decode(octets: bytes) -> tuple[str, bool]:
    """`octets` as text, and whether they were not valid UTF-8 (then kept as `\\xNN` escapes)."""
    try:
        return octets.decode("utf-8"), False
    except UnicodeDecodeError:
        return octets.decode("utf-8", "backslashreplace"), True
