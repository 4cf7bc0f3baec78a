"""A first profile from a vendor's MIB: what each object seems to be, guessed by its name. Pure.

The guesses save typing, not judging: every word of an enumeration stands with `state: unknown`, numbers have no limits,
and what could not be guessed is listed as a comment. Objects that seem to hold a secret are put under `never_read`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal
from channelwatch_collector.profiles.smi import Mib, MibNotification, MibObject
from channelwatch_collector.profiles.values import dotted
from channelwatch_collector.profiles.vocabulary import MEANING

_COUNTERS = frozenset({"Counter32", "Counter64", "Counter"})
_NUMBERS = frozenset({"INTEGER", "Integer32", "Unsigned32", "Gauge32", "Gauge"})
_TEXTS = frozenset({"DisplayString", "SnmpAdminString", "OCTET STRING"})

_BY_ENUM: Sequence[tuple[str, Signal]] = (
    (r"\btamper", Signal.CRYPTO_TAMPER),
    (r"\bself ?test", Signal.CRYPTO_SELFTEST),
    (r"\b(crypto|encrypt\w*|cipher) (mode|state|status)", Signal.CRYPTO_MODE),
    (r"\b(ha|redundan\w*|failover|cluster|vrrp)\b.*\b(sync)", Signal.HA_SYNC),
    (r"\b(ha|redundan\w*|failover|cluster|vrrp)\b.*\b(link)", Signal.HA_LINK),
    (r"\b(ha|redundan\w*|failover|cluster|vrrp)\b.*\b(peer)", Signal.HA_PEER_SEEN),
    (r"\b(ha|redundan\w*|failover|cluster|vrrp)\b.*\b(role|state|status)", Signal.HA_ROLE),
    (r"\b(tunnel|vpn|ipsec|ike|sa|channel|peer)\b.*\b(state|status)", Signal.CHANNEL_STATE),
    (r"\bfan\b.*\b(state|status)", Signal.ENV_FAN),
    (r"\b(psu|power supply|supply)\b.*\b(state|status)", Signal.ENV_PSU),
    (r"\bpower source", Signal.POWER_SOURCE),
    (r"\bbattery (state|status)", Signal.POWER_BATTERY),
    (r"\b(hsm|module) (state|status)", Signal.HSM_STATE),
    (r"\btime source", Signal.TIME_SOURCE),
)
"""Names of enumerations, as words."""

_BY_COUNTER: Sequence[tuple[str, Signal, str]] = (
    (r"\b(key exchange|ike|handshake)\b.*\bfail", Signal.CRYPTO_KEY_EXCHANGE_FAIL, "per_minute"),
    (r"\bauth\w* (fail|err)", Signal.CRYPTO_AUTH_FAIL, "per_minute"),
    (r"\bdecrypt\w* (fail|err)", Signal.CRYPTO_DECRYPT_FAIL, "per_minute"),
    (r"\bencrypt\w* (fail|err)", Signal.CRYPTO_ENCRYPT_FAIL, "per_minute"),
    (r"\breplay", Signal.CRYPTO_REPLAY_DROP, "per_minute"),
    (r"\bno sa\b", Signal.CRYPTO_NO_SA, "per_minute"),
    (r"\blogin fail", Signal.SEC_LOGIN_FAIL, "per_minute"),
    (r"\b(rx|in|received?|decrypt\w*) (octets|bytes)", Signal.CHANNEL_RX_BYTES, "per_second"),
    (r"\b(tx|out|sent|encrypt\w*) (octets|bytes)", Signal.CHANNEL_TX_BYTES, "per_second"),
    (r"\bswitch ?overs?\b", Signal.HA_SWITCHOVERS, "per_day"),
)

_BY_NUMBER: Sequence[tuple[str, Signal]] = (
    (r"\b(cpu|processor)\b", Signal.PLATFORM_CPU),
    (r"\bmem(ory)?\b.*\b(used|usage|util\w*|percent)", Signal.PLATFORM_MEM),
    (r"\bdisk\b.*\b(used|usage|util\w*|percent)", Signal.PLATFORM_DISK),
    (r"\bsessions?\b", Signal.PLATFORM_SESSIONS),
    (r"\btemperature( value)?$|\btemp( value)?$", Signal.ENV_TEMP),
    (r"\bhumidity", Signal.ENV_HUMIDITY),
    (r"\bsa age\b", Signal.CRYPTO_SA_AGE),
    (r"\bsa life ?time\b", Signal.CRYPTO_SA_LIFETIME),
)

_BY_TEXT: Sequence[tuple[str, Signal]] = (
    (r"\bserial( number)?$", Signal.INV_SERIAL),
    (r"\bmodel( name)?$", Signal.INV_MODEL),
    (r"\b(firmware|software)( version)?$|\bsw version$", Signal.INV_FIRMWARE),
    (r"\balgorithm$", Signal.CRYPTO_ALGORITHM),
)

_SYNONYMS: Mapping[str, str] = {
    "up": r"up|active|establish\w*|connected|mature|open",
    "down": r"down|inactive|failed|dead|disconnected|closed",
    "connecting": r"connecting|init\w*|negotiat\w*|larval|starting|idle",
    "rekeying": r"rekey\w*|dying|expiring",
    "disabled": r"disabled|admin\w*",
    "encrypting": r"encrypt\w*|secure\w*|active|normal",
    "bypass_plaintext": r"bypass\w*|plain\w*|clear\w*",
    "off": r"off|disabled|stopped",
    "zeroized": r"zeroi[sz]ed|erased",
    "selftest": r"self ?test\w*",
    "active": r"active|master|primary",
    "standby": r"standby|backup|passive|secondary|slave",
    "init": r"init\w*|starting|unknown state",
    "fault": r"fault\w*|fail\w*|error|inoperable",
    "standalone": r"stand ?alone|single|none|disabled",
    "pass": r"pass\w*|ok|success\w*",
    "fail": r"fail\w*|error",
    "running": r"running|in progress",
    "clear": r"clear|none|no|normal|ok|false",
    "detected": r"detected|alarm|yes|tampered|true",
    "ok": r"ok|normal|good|up|on|fine|present|true",
    "failed": r"fail\w*|bad|down|off|fault\w*|error|absent|false",
    "yes": r"yes|true|up|present|alive|seen",
    "no": r"no|false|down|absent|dead|lost",
    "in_sync": r"in sync|sync\w*",
    "out_of_sync": r"out of sync|not sync\w*|unsync\w*",
    "mains": r"mains|normal|line|utility|on ?line|ac",
    "battery": r"battery|on battery",
    "bypass": r"bypass",
    "none": r"none|off",
    "low": r"low|depleted|critical",
    "replace": r"replace\w*|worn",
    "ntp": r"ntp|ptp|gps|external",
    "manual": r"manual|local|internal",
    "unknown": r"unknown",
    "testing": r"testing",
    "dormant": r"dormant",
}
"""What vendors call the words of the vocabulary."""

_SECRET = re.compile(
    r"\b(pre ?shared|psk|secret|passw\w*|pass ?phrase|passcode|community|private key|key value|pin)\b"
)
_NO_SECRET = re.compile(
    r"\b(expires?|expiry|age|days|life ?time|state|status|health|count|fail\w*|exchange|length|type|finger ?print)\b"
)

_KINDS: Sequence[tuple[str, EventKind]] = (
    (r"\btamper", EventKind.TAMPER),
    (r"\bself ?test", EventKind.SELFTEST),
    (r"\bbypass\b.*\b(off|cleared|end)", EventKind.BYPASS_OFF),
    (r"\bbypass\b", EventKind.BYPASS_ON),
    (r"\b(tunnel|vpn|ipsec|channel)\b.*\b(up|start|established)", EventKind.TUNNEL_UP),
    (r"\b(tunnel|vpn|ipsec|channel)\b.*\b(down|stop|lost)", EventKind.TUNNEL_DOWN),
    (r"\b(key exchange|ike)\b.*\bfail", EventKind.IKE_FAIL),
    (r"\brekey", EventKind.REKEY),
    (r"\bcert\w*|\bcredential\b.*\bexpir", EventKind.CERT_EXPIRY),
    (r"\bkey\b.*\bchang", EventKind.KEY_CHANGE),
    (r"\b(ha|failover|switch ?over|cluster|vrrp|redundan\w*)\b", EventKind.HA_SWITCH),
    (r"\blogin\b.*\bfail|\bauth\w*\b.*\bfail", EventKind.LOGIN_FAIL),
    (r"\blogin\b", EventKind.LOGIN_OK),
    (r"\bconfig\w*\b", EventKind.CONFIG_CHANGE),
    (r"\btemp\w*\b", EventKind.TEMP),
    (r"\b(power|psu|supply|battery)\b", EventKind.POWER),
    (r"\blink\b.*\bdown", EventKind.LINK_DOWN),
    (r"\blink\b.*\bup", EventKind.LINK_UP),
)

MAX_NAME = 40
_ENTERPRISE = 7
"""Numbers up to and with the vendor's own, in 1.3.6.1.4.1.N."""


def draft(mib: Mib) -> str:
    """A profile file, ready to load, for an operator to judge."""
    names = _names(mib.objects)
    secret = [item for item in mib.objects if item.readable and _is_secret(item)]
    offered = [item for item in mib.objects if item.readable and not _is_secret(item)]
    scalars = [item for item in offered if not item.table]
    tables: dict[str, list[MibObject]] = {}
    for item in offered:
        if item.table:
            tables.setdefault(item.table, []).append(item)
    lines = [*_head(mib), *_never_read(secret), *_scalars(scalars, names)]
    written = [_table(name, columns, names) for name, columns in tables.items()]
    told = [lines_of for lines_of in written if not lines_of[0].startswith("#")]
    if told:
        lines += ["tables:", *(line for lines_of in told for line in lines_of)]
    left = [line for lines_of in written if lines_of[0].startswith("#") for line in lines_of]
    if left:
        lines += ["", "# Tables in which nothing was recognised:", *left]
    lines += _traps(mib.notifications)
    return "\n".join(lines) + "\n"


def guess(item: MibObject) -> tuple[Signal, str] | None:
    """(signal, function of the value or an empty text) that an object seems to be."""
    words = _words(item.name)
    if item.enum:
        return _first(words, _BY_ENUM)
    if item.syntax in _COUNTERS:
        for pattern, signal, function in _BY_COUNTER:
            if re.search(pattern, words):
                return signal, function
        return None
    if item.syntax in _NUMBERS:
        return _first(words, _BY_NUMBER)
    return _first(words, _BY_TEXT) if item.syntax in _TEXTS else None


def _first(words: str, known: Iterable[tuple[str, Signal]]) -> tuple[Signal, str] | None:
    for pattern, signal in known:
        if re.search(pattern, words):
            return signal, ""
    return None


def _words(name: str) -> str:
    """`cweTunnelRxOctets` as `cwe tunnel rx octets`."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", apart).replace("-", " ").replace("_", " ").lower()


def _names(objects: Iterable[MibObject]) -> dict[str, str]:
    """A name of the profile's form for each object; no two are equal."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for item in objects:
        plain = re.sub(r"[^a-z0-9_]", "_", _words(item.name).replace(" ", "_"))
        plain = re.sub(r"^[^a-z]+", "", plain)[:MAX_NAME] or "object"
        name, number = plain, 2
        while name in taken:
            name, number = f"{plain[: MAX_NAME - 3]}_{number}", number + 1
        taken.add(name)
        found[item.name] = name
    return found


def _is_secret(item: MibObject) -> bool:
    words = _words(item.name)
    return not item.enum and _SECRET.search(words) is not None and _NO_SECRET.search(words) is None


def _head(mib: Mib) -> Iterator[str]:
    module = mib.modules[0]
    name = re.sub(r"[^a-z0-9-]", "-", module.lower().removesuffix("-mib"))[:MAX_NAME].strip("-")
    roots = sorted({item.oid[:_ENTERPRISE] for item in mib.objects if item.oid[:6] == (1, 3, 6, 1, 4, 1)})
    yield f"# A draft from {', '.join(mib.modules)}. Signals were guessed by names: check each against the device."
    yield "# An enum's words are unknown until `state: unknown` is removed; numbers have no limits until you set some."
    yield f"name: {name if re.match('[a-z]', name) else 'vendor-' + name}"
    yield f"description: Drafted from {module}; not yet judged."
    if roots:
        yield "# The whole enterprise: narrow it to the sysObjectID of your product."
        yield f"match: {{sysobjectid: [{', '.join(_quoted(root) for root in roots)}]}}"
    yield "includes: [system, host, interfaces]"


def _never_read(secret: Sequence[MibObject]) -> Iterator[str]:
    if secret:
        yield "never_read:"
        yield from (f"  - {_quoted(item.oid)}    # {item.name}" for item in secret)


def _scalars(scalars: Sequence[MibObject], names: Mapping[str, str]) -> Iterator[str]:
    known = [(item, found) for item in scalars if (found := guess(item)) is not None]
    if known:
        yield "scalars:"
        yield from (
            f"  {names[item.name]}: {_quoted((*item.oid, 0))}    # {_told(item)}" for item, _ in known
        )
        yield "signals:"
        for item, (signal, function) in _each_once(known):
            yield from _signal(item, names[item.name], signal, function, "  ")
    left = [item for item in scalars if guess(item) is None]
    if left:
        yield "# Scalars in which nothing was recognised:"
        yield from (f"#   {names[item.name]}: {_quoted((*item.oid, 0))}    # {_told(item)}" for item in left)


_Guessed = tuple[MibObject, tuple[Signal, str]]


def _each_once(known: Iterable[_Guessed]) -> Iterator[_Guessed]:
    """The first object of each signal: a device has one of each."""
    told: set[Signal] = set()
    for item, found in known:
        if found[0] not in told:
            told.add(found[0])
            yield item, found


def _signal(item: MibObject, name: str, signal: Signal, function: str, indent: str) -> Iterator[str]:
    value = f"{function}({name})" if function else name
    if not item.enum:
        quiet = (
            ", above: {}, at_most: {}" if MEANING[signal].words is None and not MEANING[signal].text else ""
        )
        yield f"{indent}- {{signal: {signal.value}, value: {value}{quiet}}}"
        return
    yield f"{indent}- signal: {signal.value}"
    yield f"{indent}  value: {value}"
    yield f"{indent}  # {item.name}: {', '.join(f'{label}({number})' for number, label in item.enum.items())}"
    yield f"{indent}  enum:"
    words = MEANING[signal].words or {}
    for number, label in item.enum.items():
        word = _word(label, words)
        if word is None:
            yield f"{indent}    # {number}: {label} has no word here; the words are {', '.join(sorted(words))}"
        else:
            yield f"{indent}    {number}: {{word: '{word}', state: unknown}}    # {label}"
    if not any(_word(label, words) for label in item.enum.values()):
        yield f"{indent}    none: {{word: '{min(words)}', state: unknown}}    # a place holder"


def _word(label: str, words: Iterable[str]) -> str | None:
    plain = _words(label)
    for word in words:
        if plain == word.replace("_", " ") or re.fullmatch(_SYNONYMS.get(word, word), plain):
            return word
    return None


def _table(table: str, columns: Sequence[MibObject], names: Mapping[str, str]) -> list[str]:
    known = list(_each_once((item, found) for item in columns if (found := guess(item)) is not None))
    if not known:
        return [
            f"# {table}",
            *(f"#   {names[item.name]}: {_quoted(item.oid)}    # {_told(item)}" for item in columns),
        ]
    naming = next((item for item in columns if item.syntax in _TEXTS and _names_a_row(item)), None)
    read = [item for item, _ in known]
    if naming is not None and naming not in read:
        read.insert(0, naming)
    lines = [f"  - name: {_table_name(table)}", "    columns:"]
    for item in columns:
        mark = "" if item in read else "# "
        lines.append(f"      {mark}{names[item.name]}: {_quoted(item.oid)}    # {_told(item)}")
    if naming is not None:
        lines.append(f"    component: {names[naming.name]}")
    if any(signal is Signal.CHANNEL_STATE for _, (signal, _) in known):
        lines.append(f"    peers: [{names[naming.name] if naming is not None else 'index'}]")
    lines.append("    signals:")
    for item, (signal, function) in known:
        lines += _signal(item, names[item.name], signal, function, "      ")
    return lines


def _names_a_row(item: MibObject) -> bool:
    return re.search(r"\b(name|descr\w*|label|peer|remote|id)\b", _words(item.name)) is not None


def _table_name(table: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", re.sub(r"[ _]table$", "", _words(table)).replace(" ", "_"))[:MAX_NAME]


def _traps(notifications: Sequence[MibNotification]) -> Iterator[str]:
    if notifications:
        yield "traps:"
    for item in notifications:
        kind = next(
            (kind for pattern, kind in _KINDS if re.search(pattern, _words(item.name))), EventKind.OTHER
        )
        carries = f"; carries {', '.join(item.objects)}" if item.objects else ""
        yield f"  # {item.description or item.name}{carries}"
        name = re.sub(r"[^A-Za-z0-9-]", "-", item.name)[:64]
        yield f"  - {{oid: {_quoted(item.oid)}, name: {name}, kind: {kind.value}, severity: 5}}"


def _told(item: MibObject) -> str:
    """Name, type and meaning for a comment."""
    enum = (
        f" {{{', '.join(f'{label}({number})' for number, label in item.enum.items())}}}" if item.enum else ""
    )
    units = f" ({item.units})" if item.units else ""
    meaning = f": {item.description}" if item.description else ""
    return f"{item.name}, {item.syntax}{enum}{units}{meaning}"


def _quoted(oid: Sequence[int]) -> str:
    return f"'{dotted(tuple(oid))}'"
