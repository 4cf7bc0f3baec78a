"""Lines that other projects keep as tests, scored against those projects' own answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from channelwatch_collector.syslog.parse.classify import Classified
from channelwatch_collector.syslog.parse.header import parse_header
from channelwatch_collector.syslog.parse.message import Format, Message

from channelwatch.base.clock import EpochMs
from channelwatch.status.events import EventKind
from tests.support import recording
from tests.support.packs import packs

AT = EpochMs(1_795_318_923_000)
Record = dict[str, Any]


def records(name: str) -> list[tuple[bytes, Record]]:
    text = recording("samples", "syslog", f"{name}.jsonl").read_text(encoding="utf-8")
    found = [json.loads(line) for line in text.splitlines()]
    return [
        (record["raw"].encode() if "raw" in record else base64.b64decode(record["raw_b64"]), record)
        for record in found
    ]


def parse(raw: bytes) -> Message:
    return parse_header(raw, received_at=AT, zone=UTC)


def agreement(name: str, check: Callable[[bytes, Record], bool], least: float) -> None:
    scored = [(check(raw, record), record["id"]) for raw, record in records(name)]
    agreed = sum(ok for ok, _ in scored)
    share = agreed / len(scored)
    differ = [record_id for ok, record_id in scored if not ok]
    print(f"{name}: {agreed} of {len(scored)} agree ({share:.1%}); differ: {differ}")
    assert share >= least, differ


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def agrees_with_go_syslog(raw: bytes, record: Record) -> bool:
    """Its oracle tells whether a line is valid, and sometimes the fields; it keeps SD escapes as they are."""
    expect, message = record["expect"], parse(raw)
    wanted = Format.RFC3164 if record["path"].startswith("rfc3164") else Format.RFC5424
    if (message.fmt is wanted) != expect["valid_strict"]:
        return False
    fields = expect.get("fields", expect.get("partial_best_effort", {}))
    if "priority" in fields and fields["priority"] != message.facility * 8 + message.severity:
        return False
    if any(
        fields[key] != getattr(message, key) for key in ("hostname", "app_name", "procid") if key in fields
    ):
        return False
    if expect["valid_strict"] and "structured_data" in fields:
        ours = {e.id: {k: escaped(v) for k, v in e.params} for e in message.structured_data}
        return bool(ours == fields["structured_data"])
    return True


def agrees_with_napalm(raw: bytes, record: Record) -> bool:
    """Its oracle names host, facility, severity, program, and the mnemonic as `tag`."""
    wanted, message = record["expect"]["normalised"]["message_details"], parse(raw)
    mnemonic = message.msgid or message.app_name
    return (
        message.fmt is Format.RFC3164
        and message.hostname == wanted["host"]
        and message.facility == wanted["facility"]
        and message.severity == wanted["severity"]
        and (message.app_name or "") == wanted.get("processName", message.app_name or "")
        and mnemonic == wanted["tag"]
        and message.device_time is not None
    )


def agrees_with_telegraf(raw: bytes, record: Record) -> bool:
    """One line of its output format: tags, then fields."""
    expected = record["expect"]["expected.out"]
    message = parse(raw)
    facts = [
        f"facility_code={message.facility}i",
        f"severity_code={message.severity}i",
        f'message="{message.text}"',
        *([f"hostname={message.hostname}"] if message.hostname else []),
        *([f"appname={message.app_name}"] if message.app_name else []),
    ]
    return all(fact in expected for fact in facts)


def agrees_with_splunk(raw: bytes, record: Record) -> bool:
    """Its records were made with host dev-01 at one moment; the header must give both where the line has them."""
    message = parse(raw)
    wants_time = b"Nov 22 01:02:03" in raw
    return message.fmt is not Format.RAW and (message.device_time is not None or not wants_time)


def agrees_with_logstash(raw: bytes, record: Record) -> bool:
    message = parse(raw)
    return message.fmt is Format.RFC3164 and message.device_time is not None and message.hostname is not None


@pytest.mark.parametrize(
    ("name", "check", "least"),
    [
        ("influxdata_go-syslog", agrees_with_go_syslog, 1.0),
        ("influxdata_telegraf", agrees_with_telegraf, 1.0),
        ("napalm-automation_napalm-logs", agrees_with_napalm, 0.99),
        ("splunk_splunk-connect-for-syslog", agrees_with_splunk, 0.98),
        ("logstash-plugins_logstash-patterns-core", agrees_with_logstash, 1.0),
    ],
)
def test_headers_agree_with_the_source_projects(
    name: str, check: Callable[[bytes, Record], bool], least: float
) -> None:
    agreement(name, check, least)


KINDS = {
    "INTERFACE_DOWN": {EventKind.LINK_DOWN},
    "INTERFACE_UP": {EventKind.LINK_UP},
    "USER_ENTER_CONFIG_MODE": {EventKind.CONFIG_CHANGE},
    "USER_EXIT_CONFIG_MODE": {EventKind.CONFIG_CHANGE},
    "USER_WRITE_CONFIG": {EventKind.CONFIG_CHANGE},
    "CONFIGURATION_COMMIT_COMPLETED": {EventKind.CONFIG_CHANGE},
    "NTP_SERVER_UNREACHABLE": {EventKind.CLOCK_SKEW},
    "USER_LOGIN": {EventKind.LOGIN_OK},
}
"""Events of that project that have a kind here. Console servers (opengear) have no pack."""


def test_network_events_get_the_kind_that_the_source_project_names() -> None:
    classifier, checked, wrong = packs(), 0, []
    for raw, record in records("napalm-automation_napalm-logs"):
        wanted = KINDS.get(record["expect"]["event"])
        if wanted is None or record["vendor"] == "opengear":
            continue
        checked += 1
        result = classifier.classify(parse(raw))
        if not isinstance(result, Classified) or result.kind not in wanted:
            wrong.append((record["id"], result))
    print(f"kinds: {checked - len(wrong)} of {checked} agree")
    assert checked >= 15
    assert not wrong
