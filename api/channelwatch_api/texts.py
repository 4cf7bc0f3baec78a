"""The words of the interface in both languages: the product's glossary together with this package's own keys."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from channelwatch.app.texts import catalogue as glossary

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_SAID = "said."
_GAP_WORDS = {
    "act": "act.", "bloc": "bloc.", "move": "step.", "scenario": "drill.scenario.", "signal": "signal.",
    "state": "inc.",
}  # fmt: skip
"""Which words fill a gap of what the engine says, by the gap's name."""
_GAP = re.compile(r"\{(\w+)\}")


class Language(StrEnum):
    """Languages of the interface, the first one first."""

    VI = "vi"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, called by key: `words("health.up")`.

    A key that is not listed shows as itself: a missing word must not take the board off the wall.
    """

    language: Language
    by_key: Mapping[str, str]
    sayings: tuple[tuple[re.Pattern[str], str], ...] = ()
    """What the engine says in English, and the keys of its translations."""

    def __call__(self, key: str, **values: object) -> str:
        text = self.by_key.get(key, key)
        return text.format(**values) if values else text

    def known(self, key: str, fallback: str) -> str:
        """The word of a key that an inventory or a device may have made up, else `fallback`."""
        return self.by_key.get(key, fallback)

    def said(self, sentence: str) -> str:
        """A sentence of the engine in this language; what is not in the catalogue stays in English.

        Of `what is the case: why`, the reason is translated apart: it may be a library's own.
        """
        for pattern, key in self.sayings:
            found = pattern.fullmatch(sentence)
            if found is not None:
                return self(key, **{gap: self._filled(gap, text) for gap, text in found.groupdict().items()})
        head, colon, why = sentence.partition(": ")
        return f"{self.said(head)}: {self.said(why)}" if colon else sentence

    def _filled(self, gap: str, text: str) -> str:
        return self.by_key.get(f"{_GAP_WORDS.get(gap, _SAID)}{text}") or self.said(text)

    def number(self, value: float) -> str:
        """`value` as people write it: 3.321 and 99,95 in Vietnamese, 3,321 and 99.95 in English."""
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
        return text.translate(str.maketrans(",.", ".,")) if self.language is Language.VI else text

    def duration(self, ms: int) -> str:
        """A length of time in its two largest units, such as `3 giờ 05 phút`."""
        seconds = max(0, ms // 1000)
        if seconds < _MINUTE_S:
            return f"{seconds} {self('time.s')}"
        if seconds < _HOUR_S:
            return f"{seconds // _MINUTE_S} {self('time.min')}"
        if seconds < _DAY_S:
            hours, rest = divmod(seconds // _MINUTE_S, 60)
            return f"{hours} {self('time.h')} {rest:02} {self('time.min')}"
        days, hours = divmod(seconds // _HOUR_S, 24)
        return f"{days} {self('time.d')} {hours} {self('time.h')}"

    def fine_duration(self, ms: int) -> str:
        """The same, with tenths of a second below one minute."""
        if ms >= _MINUTE_S * 1000:
            return self.duration(ms)
        return f"{self.number(round(max(0, ms) / 1000, 1))} {self('time.s')}"


class Catalogue:
    """All words in all languages. `rows`: the words of each key by language code."""

    def __init__(self, rows: Mapping[str, Mapping[str, str]]) -> None:
        sayings = tuple(
            (_pattern(row[Language.EN]), key) for key, row in rows.items() if key.startswith(_SAID)
        )
        self._words = {
            language: Words(language, {key: row[language] for key, row in rows.items()}, sayings)
            for language in Language
        }

    def words(self, language: Language) -> Words:
        """One language's words."""
        return self._words[language]


def _pattern(sentence: str) -> re.Pattern[str]:
    """What recognises `sentence` with its gaps filled."""
    parts = _GAP.split(sentence)
    texts = [f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(texts), re.DOTALL)


def plain(text: str) -> str:
    """`text` for comparing: small letters, no accents, đ as d, so that tone-mark spellings are equal."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def own_rows() -> list[Mapping[str, str]]:
    """This package's own keys as they stand in its file."""
    text = (files("channelwatch_api") / "texts.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def load_catalogue() -> Catalogue:
    """The glossary's keys and this package's own; no key stands in both."""
    rows = dict(glossary())
    for row in own_rows():
        assert row["key"] not in rows, f"{row['key']} is listed twice"
        rows[row["key"]] = row
    return Catalogue(rows)
