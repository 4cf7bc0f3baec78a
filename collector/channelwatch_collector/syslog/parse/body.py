"""Texts that are lists of names and values: CEF, LEEF, and the key=value forms of several makers."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

MAX_PAIRS: Final = 256
"""Pairs that are read of one text; no product writes nearly as many."""

_PIPES: Final = re.compile(r"(?<!\\)(?:\\\\)*\|")
_CEF: Final = re.compile(r"CEF: ?(\d{1,2})(?:\.\d{1,2})?\|")
_CEF_NAMES: Final = ("deviceVendor", "deviceProduct", "deviceVersion", "signatureId", "name", "severity")
_CEF_KEY: Final = re.compile(r"(?:^|(?<=\s))([\w.\-\[\]]{1,128})=")
_CEF_ESCAPE: Final = re.compile(r"\\([\\=|nr])")
_CEF_MEANING: Final = {"n": "\n", "r": "\r"}
_CEF_LABEL: Final = "Label"
_LEEF: Final = re.compile(r"LEEF: ?([12])(?:\.\d{1,2})?\|")
_LEEF_NAMES: Final = ("vendor", "product", "version", "eventId")
_LEEF_DELIMITER: Final = re.compile(r"(?:0?x([0-9A-Fa-f]{1,4})|(\S))")
_LEEF_KEY: Final = re.compile(r"[\w.\-\[\] ]{1,128}")
_COLON_PAIR: Final = re.compile(r'(?:^|[\[;])\s*([\w .\-]{1,128}?)\s*:\s*"((?:[^"\\]|\\.){0,4096})"')
_PAIR: Final = re.compile(
    r"(?:^|(?<=[\s,;(\[|]))([A-Za-z_][\w.\-]{0,127})="
    r"(?:\"((?:[^\"\\]|\\.){0,4096})\"|'([^']{0,4096})'|([^\s\"',;()]?[^\s\",;()]{0,4095}(?:\([^\s()]{0,256}\))?))"
)
_PIPED: Final = re.compile(r"[A-Za-z_][\w.\-]{0,127}=[^|\"]{0,4096}\|[A-Za-z_][\w.\-]{0,127}=")
_QUOTED_ESCAPE: Final = re.compile(r'\\(["\\])')


class Form(StrEnum):
    """How the pairs are written."""

    CEF = "cef"
    LEEF = "leef"
    COLON = "colon"
    """`[name:"value"; name:"value"]`, as Check Point has it."""
    PAIRS = "pairs"
    """`name=value name="a value"`, between blanks, commas or semicolons; or `name=a value|name=value`."""


class Body(NamedTuple):
    """What a text lists. The first of a repeated name counts; of CEF and LEEF the header's parts are there too."""

    form: Form
    pairs: dict[str, str]


def read_body(text: str, app_name: str | None = None) -> Body | None:
    """The pairs of `text`, None where it lists none.

    `app_name` is the tag of the line: some senders write `CEF: 0|`, which makes one of the format's name.
    """
    if app_name in ("CEF", "LEEF"):
        text = f"{app_name}:{text}"
    text = text.lstrip(" \ufeff")
    found = _CEF.match(text)
    if found:
        return _read_cef(text[found.end() :])
    found = _LEEF.match(text)
    if found:
        return _read_leef(text[found.end() :], version=int(found[1]))
    return _read_colons(text) or _read_pairs(text)


def _read_cef(rest: str) -> Body | None:
    """ArcSight Common Event Format 25, "Header Information" and "Extension"."""
    parts = _split(rest, len(_CEF_NAMES))
    if len(parts) < len(_CEF_NAMES):
        return None
    pairs = {name: _unescaped(part) for name, part in zip(_CEF_NAMES, parts, strict=False)}
    extension = parts[len(_CEF_NAMES)] if len(parts) > len(_CEF_NAMES) else ""
    keys = list(_CEF_KEY.finditer(extension))[:MAX_PAIRS]
    ends = [*(key.start() for key in keys[1:]), len(extension)][: len(keys)]
    for key, end in zip(keys, ends, strict=True):
        pairs.setdefault(key[1], _unescaped(extension[key.end() : end].strip()))
    for name in [name for name in pairs if name.endswith(_CEF_LABEL)]:
        value = pairs.get(name.removesuffix(_CEF_LABEL))
        if value is not None and pairs[name]:
            pairs.setdefault(pairs[name], value)
    return Body(Form.CEF, pairs)


def _read_leef(rest: str, *, version: int) -> Body | None:
    """QRadar Log Event Extended Format 1.0 and 2.0, which names its own delimiter."""
    parts = _split(rest, len(_LEEF_NAMES) + (version - 1))
    if len(parts) < len(_LEEF_NAMES):
        return None
    pairs = {name: _unescaped(part) for name, part in zip(_LEEF_NAMES, parts, strict=False)}
    attributes, delimiter = parts[-1] if len(parts) > len(_LEEF_NAMES) else "", "\t"
    if version > 1 and len(parts) > len(_LEEF_NAMES) + 1:
        delimiter = _delimiter(parts[len(_LEEF_NAMES)])
    elif delimiter not in attributes:
        delimiter = "|"  # as PAN-OS writes it
    for part in attributes.split(delimiter, MAX_PAIRS):
        name, equals, value = part.partition("=")
        if equals and _LEEF_KEY.fullmatch(name.strip()):
            pairs.setdefault(name.strip(), value.strip())
    return Body(Form.LEEF, pairs)


def _delimiter(part: str) -> str:
    found = _LEEF_DELIMITER.fullmatch(part.strip(" "))
    if found is None:
        return "\t"
    return chr(int(found[1], 16)) if found[1] else found[2]


def _read_colons(text: str) -> Body | None:
    if not text.startswith("["):
        return None
    pairs: dict[str, str] = {}
    for found in _COLON_PAIR.finditer(text):
        pairs.setdefault(found[1], _QUOTED_ESCAPE.sub(r"\1", found[2]))
        if len(pairs) >= MAX_PAIRS:
            break
    return Body(Form.COLON, pairs) if pairs else None


def _read_pairs(text: str) -> Body | None:
    pairs: dict[str, str] = {}
    if _PIPED.match(text):
        for part in text.split("|", MAX_PAIRS)[:MAX_PAIRS]:
            name, equals, value = part.partition("=")
            if equals:
                pairs.setdefault(name, value.strip())
        return Body(Form.PAIRS, pairs)
    for name, quoted, single, bare in reversed(_PAIR.findall(text)[:MAX_PAIRS]):
        pairs[name] = _QUOTED_ESCAPE.sub(r"\1", quoted) if "\\" in quoted else quoted or single or bare
    return Body(Form.PAIRS, pairs) if pairs else None


def _split(text: str, most: int) -> list[str]:
    """`text` at its first `most` pipes that no backslash escapes."""
    parts: list[str] = []
    start = 0
    for found in _PIPES.finditer(text):
        if len(parts) == most:
            break
        parts.append(text[start : found.end() - 1])
        start = found.end()
    return [*parts, text[start:]]


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return _CEF_ESCAPE.sub(lambda found: _CEF_MEANING.get(found[1], found[1]), value)
