"""One line from octets to what may be kept of it. Pure: the receivers and the command line share it."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final, NamedTuple

from channelwatch.base.clock import EpochMs, iso_utc
from channelwatch_collector.syslog.parse.classify import Classified, Classifier, NoKind
from channelwatch_collector.syslog.parse.header import DEFAULT_ZONE, MAX_MESSAGE_OCTETS, parse_header
from channelwatch_collector.syslog.parse.message import Message, SdElement
from channelwatch_collector.syslog.parse.redact import (
    MASK,
    SHORTEST_SECRET,
    Refusal,
    redact,
    redact_value,
    refuse_octets,
)

_NAMES: Final = ("hostname", "app_name", "procid", "msgid")


class Line(NamedTuple):
    """A line that is fit to be queued and stored.

    `message` is redacted throughout; of a refused line only its priority and time are left.
    Exactly one of `classified` and `why_not` is set. `masked` counts the values that were masked.
    """

    message: Message
    classified: Classified | None
    why_not: NoKind | Refusal | None
    masked: int

    @property
    def refused(self) -> Refusal | None:
        """Why nothing of the line was kept."""
        return self.why_not if isinstance(self.why_not, Refusal) else None


def read_line(
    raw: bytes,
    *,
    received_at: EpochMs,
    classifier: Classifier,
    zone: tzinfo = DEFAULT_ZONE,
    max_octets: int = MAX_MESSAGE_OCTETS,
) -> Line:
    """`raw`, one message without its framing. Patterns see the whole text; what leaves here is redacted."""
    message, result = judge_line(
        raw, received_at=received_at, classifier=classifier, zone=zone, max_octets=max_octets
    )
    clean, masked = fit_to_keep(message, result)
    if isinstance(result, Classified):
        return Line(clean, result, None, masked)
    return Line(clean, None, result, masked)


def judge_line(
    raw: bytes,
    *,
    received_at: EpochMs,
    classifier: Classifier,
    zone: tzinfo,
    max_octets: int,
    with_readings: bool = True,
) -> tuple[Message, Classified | NoKind | Refusal]:
    """What `raw` tells, or why nothing. The message is as it came: `fit_to_keep` comes before any keeping of it."""
    message = parse_header(raw, received_at=received_at, zone=zone, max_octets=max_octets)
    refusal = refuse_octets(raw[:max_octets])
    return message, refusal or classifier.classify(message, with_readings=with_readings)


def parse_line(
    raw: bytes, *, received_at: EpochMs, classifier: Classifier, zone: tzinfo = DEFAULT_ZONE
) -> dict[str, object]:
    """What `channelwatch syslog parse` shows of a line: header, kind, fields, readings, or the reason for none.

    `reason` says why there is no kind, `signal_reason` why a line of some kind gives no reading.
    """
    line = read_line(raw, received_at=received_at, classifier=classifier, zone=zone)
    message = line.message
    shown: dict[str, object] = {
        "format": message.fmt.value,
        "format_reason": message.reason.value if message.reason else None,
        "facility": message.facility,
        "severity": message.severity,
        "device_time": iso_utc(message.device_time) if message.device_time is not None else None,
        "hostname": message.hostname,
        "app_name": message.app_name,
        "procid": message.procid,
        "msgid": message.msgid,
        "structured_data": {
            element.id: [list(param) for param in element.params] for element in message.structured_data
        },
        "text": message.text,
        "truncated": message.truncated,
        "invalid_utf8": message.invalid_utf8,
        "masked": line.masked,
        "kind": None,
        "reason": line.why_not.value if line.why_not else None,
    }
    if line.classified is not None:
        shown |= _shown_event(line.classified)
        shown["signal_reason"] = _why_no_signal(line.classified, classifier)
    return shown


def _why_no_signal(event: Classified, classifier: Classifier) -> str | None:
    if event.readings:
        return None
    return "field_missing" if event.name in classifier.stating else "pattern_states_none"


def _shown_event(event: Classified) -> dict[str, object]:
    return {
        "kind": event.kind.value,
        "severity": event.severity,
        "component": event.component,
        "fields": dict(event.fields),
        "pattern": f"{event.pack}/{event.pattern}",
        "readings": [
            {
                "signal": reading.signal.value,
                "component": reading.component,
                "state": reading.state.value,
                "value": reading.value,
                "unit": reading.unit,
            }
            for reading in event.readings
        ],
    }


def fit_to_keep(message: Message, result: Classified | NoKind | Refusal) -> tuple[Message, int]:
    """`message` without what may not be kept, and how many values were masked.

    Of a refused one nothing but its priority and time is left.
    """
    if isinstance(result, Refusal):
        empty = message._replace(
            text="", hostname=None, app_name=None, procid=None, msgid=None, structured_data=()
        )
        return empty, 0
    text = redact(message.text)
    elements = tuple(_redacted_element(element) for element in message.structured_data)
    masked = text.masked + sum(value == MASK for element in elements for _, value in element.params)
    names = [_redacted_name(getattr(message, name)) for name in _NAMES]
    unchanged = text.text == message.text and elements == message.structured_data
    if unchanged and names == [getattr(message, name) for name in _NAMES]:
        return message, masked
    hostname, app_name, procid, msgid = names
    clean = message._replace(
        text=text.text,
        structured_data=elements,
        hostname=hostname,
        app_name=app_name,
        procid=procid,
        msgid=msgid,
    )
    return clean, masked


def _redacted_element(element: SdElement) -> SdElement:
    return SdElement(element.id, tuple((name, redact_value(name, value)) for name, value in element.params))


def _redacted_name(name: str | None) -> str | None:
    return redact(name).text if name is not None and len(name) >= SHORTEST_SECRET else name
