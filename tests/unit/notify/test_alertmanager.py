"""What an Alertmanager is posted."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from channelwatch.app.texts import word
from channelwatch.base.clock import EpochMs, iso_utc
from channelwatch.incidents.model import PageKind, Severity
from channelwatch.notify.alertmanager.template import body
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert
from tests.support.alerts import ALERT
from tests.support.province import START

VOICE = Voice(partial(word, language="vi"), "vi")
NOW = EpochMs(START + 60_000)


def posted(alert: Alert) -> dict[str, Any]:
    """What is posted, by the label that may change: all others are the same."""
    found = json.loads(body(alert, VOICE, "cw"))
    assert len({json.dumps({**item["labels"], "severity": ""}) for item in found}) == 1
    return {item["labels"]["severity"]: item for item in found}


def test_one_message_is_one_alert() -> None:
    assert list(posted(ALERT)) == ["p1"]


def test_what_it_was_of_another_severity_is_ended_with_it() -> None:
    """By its labels that is another alert there: it would burn on for a week."""
    restored = replace(ALERT, kind=PageKind.RESTORED, restored_at=NOW, created_at=NOW)
    assert {severity: item["endsAt"] for severity, item in posted(restored).items()} == dict.fromkeys(
        Severity, iso_utc(NOW)
    )
    raised = posted(replace(ALERT, kind=PageKind.RAISED, created_at=NOW))
    assert raised.pop("p1")["endsAt"] > iso_utc(NOW)
    assert {item["endsAt"] for item in raised.values()} == {iso_utc(NOW)}
