"""Templates: one environment, and the helpers that every template may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from channelwatch.base.clock import iso_utc, local_text
from channelwatch.status.signals import Reading
from channelwatch_api.board.screens import Piece, ScreenKey
from channelwatch_api.board.telling import cause_word
from channelwatch_api.texts import Catalogue, Language, Words

_LONG_S = 120
"""Seconds beyond this are written as minutes, hours, days."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What a template needs to speak: words, links and times of one language. `prefix` begins every link."""

    words: Words
    prefix: str

    @property
    def language(self) -> Language:
        """The language of the page."""
        return self.words.language

    def url(self, *parts: object) -> str:
        """A link inside the board, each part quoted."""
        return f"{self.prefix}/" + "/".join(quote(str(part), safe="") for part in parts)

    def when(self, at: int) -> str:
        """`at` (epoch ms) in Viet Nam's time; the word for never where it is 0."""
        return local_text(at) if at else self.words("app.never")

    def iso(self, at: int) -> str:
        """`at` (epoch ms) for a machine."""
        return iso_utc(at)

    def cause(self, cause: str) -> str:
        """The word of an incident's cause."""
        return cause_word(cause, self.words)

    def value(self, reading: Reading) -> str:
        """A reading's value with its unit, in words where it is one of the vocabulary's."""
        match reading.value:
            case None:
                return "-"
            case bool() as yes:
                return self.words("value.yes" if yes else "value.no")
            case int() | float() as seconds if reading.unit == "s" and seconds >= _LONG_S:
                return self.words.duration(int(seconds * 1000))
            case int() | float() as rate if reading.unit in ("bytes/s", "bytes"):
                return _bytes(self.words, rate) + reading.unit[5:]
            case int() | float() as number:
                unit = self.words.known(f"measure.{reading.unit}", reading.unit)
                shown = round(number, 1) if unit == "%" else number
                return f"{self.words.number(shown)} {unit}".rstrip()
            case text:
                return self.words.known(f"value.{text}", text)


def _bytes(words: Words, count: float) -> str:
    """A number of bytes in the largest decimal unit that leaves one or more."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{words.number(round(count, 1))} {unit}"


class Renderer:
    """Renders pages and fragments. Values are escaped; an unknown name in a template is an error."""

    def __init__(self, catalogue: Catalogue, facts: Mapping[str, object]) -> None:
        """`facts` are the same on every page: the instance, the product's version."""
        self._catalogue = catalogue
        self._environment = Environment(
            loader=PackageLoader("channelwatch_api", "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(facts)

    def fragment(self, key: ScreenKey, name: str, piece: Piece) -> str:
        """One live fragment; `name` is the element id that it must carry."""
        return self._render(
            f"frag/{piece.template}", key.language, key.prefix, name=name, m=piece.model, key=key
        )

    def page(self, template: str, language: Language, prefix: str, **context: Any) -> str:
        """A whole page."""
        return self._render(template, language, prefix, **context)

    def _render(self, template: str, language: Language, prefix: str, **context: Any) -> str:
        words = self._catalogue.words(language)
        say = Speech(words, prefix)
        return self._environment.get_template(template).render(t=words, say=say, **context).strip()
