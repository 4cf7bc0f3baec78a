"""The catalogue of words that people read: Vietnamese first, English second, one row a key."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from channelwatch.base.errors import Bug

LANGUAGES = ("vi", "en")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every key with its word in each language. Bug when a row is not complete or a key stands twice."""
    text = files("channelwatch.app").joinpath("texts.csv").read_text(encoding="utf-8")
    words: dict[str, Mapping[str, str]] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["key"] in words or not all(row.get(language) for language in LANGUAGES):
            raise Bug(f"texts.csv: {row['key']!r} is repeated or not complete")
        words[row["key"]] = {language: row[language] for language in LANGUAGES}
    return words


def word(key: str, language: str) -> str:
    """The word of `key` in `language`. Bug when there is none: the tests look every key up."""
    try:
        return catalogue()[key][language]
    except KeyError:
        raise Bug(f"no word for {key!r} in {language!r}") from None
