"""The syslog packs that come with the product, read once however many tests ask for them."""

from __future__ import annotations

from functools import cache

from channelwatch_collector.syslog.packfile import load_packs
from channelwatch_collector.syslog.parse.classify import Classifier, Pattern


@cache
def patterns() -> tuple[Pattern, ...]:
    return tuple(load_packs())


@cache
def packs() -> Classifier:
    return Classifier(list(patterns()))
