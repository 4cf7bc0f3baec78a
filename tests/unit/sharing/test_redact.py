"""What is left of a record when it leaves."""

from __future__ import annotations

import pytest

from channelwatch.sharing.policy import Decision, Destination, Reason, Result
from channelwatch.sharing.redact import redact

RECORD: dict[str, object] = {
    "device_code": "51-D-21548-1",
    "site_code": "51-D-21548",
    "bloc": "party",
    "health": "down",
    "cause": "tunnel_down",
    "since": 1_790_000_000_000,
    "until": None,
    "severity": "P3",
    "incident_number": 42,
    "ha_state": "redundant",
}
TECHNICAL: dict[str, object] = {"model_family": "Reference 100", "firmware": "4.2.1-7", "ha_role": "standby"}
NEVER_OUT: dict[str, object] = {
    "address": "192.0.2.7",
    "serial_number": "A1",
    "configuration": "x",
    "syslog": "text",
    "account": "truc",
    "note": "free text",
    "invented_yesterday": 1,
}


def towards(destination: Destination, result: Result = Result.SHARE) -> Decision:
    return Decision(destination, result, 5, Reason.RULE)


def test_outside_only_listed_fields_pass() -> None:
    everything = {**RECORD, **TECHNICAL, **NEVER_OUT}
    assert redact(everything, towards(Destination.NAT_CSC)) == RECORD
    for reader in (Destination.BCY, Destination.ASSESSOR):
        assert redact(everything, towards(reader)) == {**RECORD, **TECHNICAL}


@pytest.mark.parametrize("result", [Result.AGGREGATE, Result.NEVER])
def test_without_a_share_no_field_passes(result: Result) -> None:
    assert redact(RECORD, towards(Destination.BCY, result)) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cause", "gọi anh trực"),
        ("cause", "call the shift"),
        ("device_code", "192.0.2.7"),
        ("device_code", "2001:db8::1"),
        ("site_code", "x" * 49),
        ("health", {"address": "192.0.2.7"}),
        ("health", ["down"]),
        ("health", True),
        ("health", ""),
        ("since", "2026-07-01"),
        ("since", 1.5),
        ("firmware", 7),
        ("firmware", "line\nbreak"),
    ],
)
def test_a_listed_name_does_not_carry_free_text_or_addresses(name: str, value: object) -> None:
    assert redact({name: value}, towards(Destination.BCY)) == {}


def test_inside_plain_values_stay() -> None:
    assert redact({**NEVER_OUT, "nested": {"a": 1}}, towards(Destination.LOCAL)) == NEVER_OUT
