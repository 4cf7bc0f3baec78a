"""Lines made to cost time. A pattern that backtracks without end would stop the whole collector."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cache, partial

import pytest
from channelwatch_collector.syslog.line import read_line
from channelwatch_collector.syslog.packfile import load_packs
from channelwatch_collector.syslog.parse.classify import MAX_MATCHED_CHARS, Classifier

from channelwatch.base.clock import EpochMs

AT = EpochMs(1_795_318_923_000)
LIMIT_S = 0.25
"""Some twenty times what the slowest of these takes; backtracking without end takes far longer."""

HEADS = [
    "<13>Nov 22 10:42:03 gw ",
    "<13>1 - gw encryptor - tunnel-up ",
    "<13>1 - gw CheckPoint - - ",
    "<13>Nov 22 10:42:03 gw kernel: ",
    "<13>Nov 22 10:42:03 gw sshd[1]: Failed ",
    "<13>Nov 22 10:42:03 gw charon: ",
    "<13>Nov 22 10:42:03 gw dpinger: ",
    "<13>Nov 22 10:42:03 gw : %ASA-5-750006: ",
    "<13>1: Nov 22 10:42:03: %CRYPTO-6-IKMP_MODE_FAILURE: ",
    "<13>date=2026-11-22 time=10:42:03 logid= action=\"tunnel-up\" ",
    "<13>Nov 22 10:42:03 pa 1,x,x,SYSTEM,vpn,,,tunnel-status-down,",
    "",
]  # fmt: skip
FILLINGS = [
    "a", " ", "0", ":", "[", '"', "\\", "=", ",", "-", "'", "/", "(", "<", "\xe9", "\u1eac", "ab ", "0:", "a=", "a:b ",
    "key ", "key=", "key id ", "password ", "password is ", "spi ", "SPI_", "SPI a ", "://a:", "bearer ", "$1$", "0x1 ",
    "[a ", '[a b="', '[a b="c"]', "\\]", "MẬT ", "BẢO MẬT ", "độ mật", "(mật", "-----BEGIN A", "Nov 22 ", "1: ",
    "Remote:1 ", "Interface ", "from ", "peer at 1.", "for user a ", "link is down ", "vpntunnel=", "as USER= ; ",
    "aaaa ", "00:", "00000000 ", "authentication failure; rhost= ", "auth sha ", "user='",
]  # fmt: skip


_WORD = re.compile(r"[A-Za-z][A-Za-z_ =\"/%-]{2,}")
"""A wording in a regular expression."""


@cache
def classifier() -> Classifier:
    return Classifier(load_packs())


def takes_long(work: Callable[[], object]) -> bool:
    """Whether it does each time: once the search for garbage, which all tests before have left, may fall into it."""

    def spent() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return all(spent() >= LIMIT_S for _ in range(3))


@pytest.mark.parametrize("filling", FILLINGS)
def test_no_line_takes_long(filling: str) -> None:
    ready = classifier()
    for head in HEADS:
        raw = (head + filling * 9000).encode()[:8192]
        assert not takes_long(partial(read_line, raw, received_at=AT, classifier=ready)), head


@pytest.mark.parametrize("pack", sorted({pattern.pack for pattern in load_packs()}))
def test_no_pattern_takes_long_over_its_own_words_again_and_again(pack: str) -> None:
    for pattern in (item for item in load_packs() if item.pack == pack and item.regex is not None):
        assert pattern.regex is not None
        words = {*_WORD.findall(pattern.regex.pattern), *pattern.contains, *pattern.fallback, "0", "(", "["}
        for head in ("", *pattern.contains[:2]):
            for word in words:
                text = f"{head} {word * 9000}"[:MAX_MATCHED_CHARS]
                assert not takes_long(partial(pattern.regex.search, text)), (pattern.name, head, word)
