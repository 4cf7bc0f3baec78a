"""What may never be kept: key material, passwords, key identifiers, and lines that bear a secrecy stamp.

Redaction runs before any queue, spool or store. It masks rather more than it must: an event is told by its kind
and its allow-listed fields, and the text is only a help to the reader.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MASK: Final = "[masked]"
MAX_TEXT_CHARS: Final = 4096
"""Redacted text beyond this is cut: nobody reads it, and a screen has to show it."""

SHORTEST_SECRET: Final = 16
"""Less than this holds no key, unless a word before it says that it is a secret."""

MAX_BASE64_CHARS: Final = 256
"""A base64 run of this length is a document or a key file, not a field: the line is refused."""


class Refusal(StrEnum):
    """Why nothing of a line may be kept."""

    SECRECY_STAMP = "secrecy_stamp"
    PEM_BLOCK = "pem_block"
    BASE64_BLOCK = "base64_block"


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text fit to be stored: printable, at most `MAX_TEXT_CHARS`, with `masked` values replaced by `MASK`."""

    text: str
    masked: int


_RANK: Final = r"(?:(?:tuyệt|tối|tuyet|toi)\s+)"
_STAMP_FORMS: Final = (
    # In capitals the two words have no other use, with or without the accents that a poor terminal drops.
    re.compile(r"(?<!\w)(?:(?:TUYỆT|TỐI)\s+MẬT|(?:TUYET|TOI)\s+MAT)(?!\w)"),
    re.compile(
        rf"(?<!\w)(?:độ|do)[ _-]*(?:mật|mat)\s*[:=]+\s*[\"'\[(]*\s*{_RANK}?(?:mật|mat)(?!\w)", re.IGNORECASE
    ),
    re.compile(rf"[\[(<{{\"'|*]\s*{_RANK}?mật\s*[\])>}}\"'|*]", re.IGNORECASE),
)
_BARE_WORD: Final = re.compile(r"mat(?!\w)")
_SINGLE_STAMP: Final = re.compile(r"(?<!\w)MẬT(?!\w)")
_WORD_BEFORE: Final = re.compile(r"(\w+)\s+$")
_WORD_AFTER: Final = re.compile(r"\s+(\w+)")
_COMPOUND_BEFORE: Final = frozenset({"BẢO", "BÍ", "CƠ", "THÂN", "ĐỘ", "KHÓA", "KHOÁ", "MÃ", "GIỮ", "NỘI"})
_COMPOUND_AFTER: Final = frozenset({"KHẨU", "MÃ", "THƯ", "VỤ", "LỆNH", "HIỆU", "ĐỘ", "THIẾT", "BÁO", "DANH"})
_UNICODE_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")
_PEM: Final = re.compile(r"-{4,5} ?(?:BEGIN|END) [A-Z0-9 ]{1,40}-{4,5}")
_BASE64_BLOCK: Final = re.compile(rf"[A-Za-z0-9+/]{{{MAX_BASE64_CHARS}}}")

_STRONG_NAMES: Final = (
    "password|passwd|passphrase|passcode|secret|token|credential|community|mật khẩu|mat khau"
    "|khóa bí mật|khoá bí mật"
)
_WEAK_NAMES: Final = (
    "pass|pwd|psk|psksecret|pin|otp|salt|nonce|cookie|sid|session[-_ ]?id|key|keyid|keyring|khóa|khoá"
)
_GLUED: Final = (
    "private shared secret session master public crypto auth priv enc encryption decryption api ssh host"
)
_NAME_START: Final = (
    r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z]))|" + "|".join(f"(?<={word})" for word in _GLUED.split()) + ")"
)
_NAME_PART: Final = "(?:[-_ ]?(?:id|ids|identifier|index|data|material|hex|string|value|tag))"
_WHOSE: Final = r"(?:\s(?:for|of|cho)\s(?:user\s)?[^\s:=]{1,64})?"
_VALUE: Final = r"((?!\[masked\])(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&\"'<>()\[\]{}|]+))"
_ASSIGNED: Final = re.compile(
    rf"(?:(?:{_STRONG_NAMES})[\w.-]{{0,24}}"
    rf"|{_NAME_START}(?:{_WEAK_NAMES})s?{_NAME_PART}?(?:[-_.\d]\w{{0,24}})?)"
    rf"{_WHOSE}[\"']?\s{{0,3}}(?:=>|:=|[=:>])\s{{0,3}}{_VALUE}",
    re.IGNORECASE,
)
_GROUP_BEFORE: Final = "|".join(
    rf"(?<={name} {number})"
    for name in ("standby", "vrrp", "glbp")
    for number in ("", *(r"\d" * n + " " for n in range(1, 5)))
)
"""A redundancy group of Cisco IOS, whose password follows without another word."""
_CONFIGURED: Final = re.compile(
    r"(?<![A-Za-z])(?:password|passwd|passphrase|secret|pre-shared-key|psk|psksecret|key-string|community|key"
    r"|mật khẩu|(?:auth|priv|authentication|privacy)\s+(?:md5|sha\S{0,6}|aes\S{0,6}|3?des|text)"
    rf"|(?<=nhrp )authentication|(?:{_GROUP_BEFORE})authentication(?!\s+(?:md5|text)\b))\s+"
    r"(?:(?:is|was|as|to|là|set|changed|value|string|encrypted|hex|ascii|ascii-text|\d{1,3}"
    r"|cipher|irreversible-cipher|simple|hash|plaintext|enc|md5|sha\S{0,6}|key|read|write)\s+){0,4}"
    rf"{_VALUE}",
    re.IGNORECASE,
)
_BRACKETED: Final = re.compile(
    # As FortiOS names the parts that were changed: psksecret[old->new].
    rf"(?:{_STRONG_NAMES}|psksecret|psk)\[((?!\[masked\])[^\]\"]{{1,256}})",
    re.IGNORECASE,
)
_KEY_ID: Final = re.compile(
    r"(?<!\w)(?:key[-_ ]?(?:id|identifier|index)\s{1,3}|CKN(?::\s{0,3}|\s{1,3}))((?:0x)?[0-9A-F]+\b)",
    re.IGNORECASE,
)
_PLAIN_WORDS: Final = frozenset(
    # What follows those names in a sentence rather than in a configuration line.
    """
    a accepted accessed activated added address age algorithm all also an and are at attempt attempts auth
    authentication authenticator available based because been being but by can cannot chain change changed changes
    channel check checks complete completed configured could created database deleted derivation derived did does
    enabled entered entry error exceeded exchange exchanges expire expired expires expiring expiry fail failed
    failing failure failures file files for from generated generation group has hash have id if in incorrect index
    initiated input install installed invalid is it lifetime length list load loaded lookup login management method
    mismatch missing mode must near needed negotiation not of ok old on only option or out pair pairs payload
    policy present prompt protocol provided received recovery reject rejected removed renewed replaced request
    required reset role rollover rotated rotation schedule server set should size slot soon space state status
    store strength string strings successful successfully table than that the this to too transform type until
    update updated usage used user using valid verification verified version was were when will with within without
    wrong zeroized
    """.split()  # noqa: SIM905 - a list literal would be one word a line
)
_BEARER: Final = re.compile(
    r"(?<!\w)(?:authorization:\s*(?:\w+\s+)?|bearer\s+)((?!\[masked\])[A-Za-z0-9+/=._~-]{6,})", re.IGNORECASE
)
_URL_PASSWORD: Final = re.compile(r"://[^\s/:@]{0,128}:((?!\[masked\])[^\s/@]{1,256})@")
_SPI: Final = re.compile(
    r"(?<![A-Za-z0-9])SPIs?(?:\W|_|[a-z]\w{0,16}\W){1,4}?"
    r"(0x[0-9A-F]{1,16}|[0-9A-F]{8}|(?=[A-F]*\d)[0-9A-F]{5,16})(?![A-Za-z0-9:.])",
    re.IGNORECASE,
)
_FINGERPRINT: Final = re.compile(r"(\b(?:SHA(?:1|256|384|512)|MD5):[A-Za-z0-9+/:]{16,}={0,2})", re.IGNORECASE)
_CRYPT: Final = re.compile(r"(\$(?:\d[a-z]?|2[aby]|y|scrypt|argon2\w*)\$[^\s\"']{4,})")
_HEX_ARRAY: Final = re.compile(r"(0x[0-9A-F]{1,2}(?:[,\s]{1,3}0x[0-9A-F]{1,2}){7,})", re.IGNORECASE)

_PATTERNS_OF: Final[tuple[tuple[tuple[str, ...], tuple[re.Pattern[str], ...]], ...]] = (
    # The patterns that are tried where one of the words stands in the lowered text; group 1 is what to mask.
    (("pass", "psk", "secret", "community", "mật khẩu"), (_ASSIGNED, _CONFIGURED, _BRACKETED)),
    (("key",), (_ASSIGNED, _CONFIGURED, _KEY_ID)),
    (
        (
            *("pwd", "token", "credential", "pin", "otp", "salt", "nonce", "cookie", "sid", "session"),
            *("mat khau", "khóa", "khoá"),
        ),
        (_ASSIGNED,),
    ),
    (("auth",), (_CONFIGURED, _BEARER)),
    (("pre-shared-key", "priv"), (_CONFIGURED,)),
    (("bearer",), (_BEARER,)),
    (("ckn",), (_KEY_ID,)),
    (("://",), (_URL_PASSWORD,)),
    (("spi",), (_SPI,)),
    (("sha", "md5"), (_FINGERPRINT,)),
    (("$",), (_CRYPT,)),
    (("0x",), (_HEX_ARRAY,)),
)
_HINT: Final = re.compile("|".join(re.escape(word) for words, _ in _PATTERNS_OF for word in words))
_WORDS: Final = tuple((word, patterns) for words, patterns in _PATTERNS_OF for word in words)

_SPI_SIDE: Final = re.compile(r"(?<![A-Za-z0-9])[0-9A-Fa-f]{8,16}_[ior]\*?(?![A-Za-z0-9])")
_HEX_BYTES: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{2}(?:[ :.-][0-9A-Fa-f]{2}){15,}")
_HEX_GROUPS: Final = re.compile(
    # Eight groups with colons are an IPv6 address.
    r"(?<![0-9A-Za-z:])(?:(?:[0-9A-Fa-f]{4,8}[ -]){7,}|(?:[0-9A-Fa-f]{4}:){8,})[0-9A-Fa-f]{4,8}"
)
_HEX_RUN: Final = re.compile(r"(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{16,}(?![0-9A-Za-z])|[0-9A-Fa-f]{32,}")
_BASE64_RUN: Final = re.compile(r"[A-Za-z0-9+/]{20,}={0,2}|[A-Za-z0-9_-]{22,}")
_INTERFACE: Final = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*[ -]?\d+(?:/\d+)*")
_PLAIN_PATH: Final = re.compile(r"(?=.*/)[a-z/]+")
_DASHES: Final = re.compile("[_-]")
_CLASS_CHANGE: Final = re.compile(
    r"(?<=[a-z])(?![a-z])|(?<=[A-Z])(?![A-Z])|(?<=[0-9])(?![0-9])|(?<=[_-])(?![_-])"
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{16}")
_HEX_SPACED: Final = re.compile(r"(?:[ :.-][0-9A-Fa-f]{2,8}){6}[ :.-]")
"""In every match of the two patterns above it; beginning with the rarer characters makes it quick."""
_BASE64_OCTETS: Final = re.compile(rb"[A-Za-z0-9+/]{%d}" % MAX_BASE64_CHARS)


def refuse_octets(line: bytes) -> Refusal | None:
    """`refuse` for a message as received: what shows no sign of a reason is not looked at as text."""
    if (
        line.isascii()
        and b"mat" not in line.lower()
        and b"\\u" not in line
        and b"----" not in line
        and not (len(line) >= MAX_BASE64_CHARS and _BASE64_OCTETS.search(line))
    ):
        return None
    return refuse(line.decode("utf-8", "backslashreplace"))


def refuse(line: str) -> Refusal | None:
    """Why nothing of `line` (a whole message, header included) may be kept, or None."""
    if "\\u" in line:
        line = _UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), line)
    line = _composed(line)
    lowered = line.lower()
    if ("mật" in lowered or ("mat" in lowered and _BARE_WORD.search(lowered))) and _bears_stamp(line):
        return Refusal.SECRECY_STAMP
    if "----" in line and _PEM.search(line):
        return Refusal.PEM_BLOCK
    if len(line) >= MAX_BASE64_CHARS and _BASE64_BLOCK.search(line):
        return Refusal.BASE64_BLOCK
    return None


def redact(text: str) -> Redacted:
    """`text` without what may not be kept. Redacting twice changes nothing more."""
    return Redacted(text[:MAX_TEXT_CHARS], 0) if shows_no_sign(text) else search_thoroughly(text)


def search_thoroughly(text: str) -> Redacted:
    """The same as `redact` for any text, without its shortcut."""
    text = _composed(text)
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    masked = 0
    if "_" in text:
        text, masked = _SPI_SIDE.subn(MASK, text)
    text, count = _mask_named(text)
    masked += count
    for pattern in (_HEX_BYTES, _HEX_GROUPS, _HEX_RUN):
        text, count = pattern.subn(MASK, text)
        masked += count
    before = text
    text = _BASE64_RUN.sub(_mask_base64, text)
    masked += text.count(MASK) - before.count(MASK)
    return Redacted(text[:MAX_TEXT_CHARS], masked)


def redact_value(name: str, value: str) -> str:
    """The value of a parameter or field `name`: `MASK` if the two together give a secret away."""
    if shows_no_sign(value) and shows_no_sign(name):
        return value
    quoted = value.replace('"', "'")
    return MASK if redact(f'{name}="{quoted}"').masked else redact(value).text


def shows_no_sign(text: str) -> bool:
    """Whether nothing in `text` could make `redact` change it: each of its patterns has its sign here."""
    return (
        text.isascii()
        and text.isprintable()
        and _HINT.search(text.lower()) is None
        and not (len(text) >= SHORTEST_SECRET and (_LONG_RUN.search(text) or _HEX_SPACED.search(text)))
        and not ("_" in text and _SPI_SIDE.search(text))
    )


def _mask_named(text: str) -> tuple[str, int]:
    """Mask what a word before it gives away, and how many such values there were."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(char if len(char.lower()) > 1 else char.lower() for char in text)
    present = [entry for entry in _WORDS if entry[0] in lowered]
    spans = sorted(
        found.span(1)
        for word, patterns in present
        for pattern in patterns
        for found in _found_at(pattern, word, text, lowered)
    )
    if not spans:
        return text, 0
    parts, end, masked = [], 0, 0
    for start, stop in spans:
        if start >= end:
            parts += [text[end:start], MASK]
            masked += 1
        end = max(end, stop)
    return "".join([*parts, text[end:]]), masked


def _found_at(pattern: re.Pattern[str], word: str, text: str, lowered: str) -> Iterator[re.Match[str]]:
    at = lowered.find(word)
    while at >= 0:
        found = pattern.match(text, at)
        if found and (pattern is not _CONFIGURED or not _is_sentence(found)):
            yield found
        at = lowered.find(word, found.end() if found else at + 1)


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _bears_stamp(line: str) -> bool:
    if any(form.search(line) for form in _STAMP_FORMS):
        return True
    return any(_stands_alone(line, found) for found in _SINGLE_STAMP.finditer(line))


def _stands_alone(line: str, found: re.Match[str]) -> bool:
    """Whether MẬT is the stamp and not half of a compound such as MẬT KHẨU or BẢO MẬT."""
    before = _WORD_BEFORE.search(line[max(0, found.start() - 16) : found.start()])
    after = _WORD_AFTER.match(line, found.end())
    return not (
        (before and before[1].upper() in _COMPOUND_BEFORE) or (after and after[1].upper() in _COMPOUND_AFTER)
    )


def _is_sentence(found: re.Match[str]) -> bool:
    """Whether what follows the word is plain speech and not a value."""
    return found[1].rstrip(".:!?").lower() in _PLAIN_WORDS


def _mask_base64(found: re.Match[str]) -> str:
    return MASK if _is_key_like(found[0]) else found[0]


def _is_key_like(run: str) -> bool:
    if _INTERFACE.fullmatch(run) or _PLAIN_PATH.fullmatch(run) or run.isdecimal():
        return False
    if not (re.search("[a-z]", run) and re.search("[A-Z]", run)):
        return run.endswith("=") or (len(run) >= 32 and not _DASHES.search(run))
    if _DASHES.search(run):
        # Names have dashes too; a key changes its kind of character far more often.
        return len(_CLASS_CHANGE.findall(run)) > len(run) * 0.42
    return run.endswith("=") or len(run) >= 32 or bool(re.search("[0-9]", run))
