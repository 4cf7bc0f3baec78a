"""Lines of log files: no PRI, but facility and level in words, as busybox and OpenWrt write them."""

from __future__ import annotations

import re
from typing import Final

_FACILITIES: Final = {
    name: number
    for number, name in enumerate(
        b"kern user mail daemon auth syslog lpr news uucp cron authpriv ftp".split()
    )
} | {b"local%d" % number: 16 + number for number in range(8)}
_LEVELS: Final = {
    name: number for number, name in enumerate(b"emerg alert crit err warn notice info debug".split())
}
_WORDED: Final = re.compile(
    rb"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?"
    rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?: \d{4})? (?:[!-~]{1,255} )?)"
    rb"(" + b"|".join(_FACILITIES) + rb")\.(" + b"|".join(_LEVELS) + rb")(?:ing|or)? +"
)


def as_sent(line: bytes) -> tuple[int, bytes] | None:
    """Priority (0..191) and the rest of `line` without those words; None if it has none after stamp and host."""
    found = _WORDED.match(line)
    if found is None:
        return None
    head, facility, level = found.groups()
    return _FACILITIES[facility] * 8 + _LEVELS[level], head + line[found.end() :]
