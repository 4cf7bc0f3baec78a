"""Log lines as objects."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from channelwatch.app.logs import JsonLines
from channelwatch.base.secrets import Secret


def line(**fields: Any) -> dict[str, Any]:
    record = logging.LogRecord("channelwatch.x", logging.WARNING, __file__, 1, "lease lost", (), None)
    record.created = 1_789_970_400.25
    record.__dict__.update(fields)
    found: dict[str, Any] = json.loads(JsonLines().format(record))
    return found


def test_a_line_is_one_object_with_time_level_event_and_fields() -> None:
    assert line(device="51-D-1", count=3) == {
        "time": "2026-09-21T06:00:00.250Z",
        "level": "warning",
        "logger": "channelwatch.x",
        "event": "lease lost",
        "device": "51-D-1",
        "count": 3,
    }


def test_a_secret_that_strays_into_a_line_does_not_show() -> None:
    assert "hunter2" not in json.dumps(line(password=Secret("hunter2"), more={"a": Secret("hunter2")}))


def test_text_of_a_device_stays_inside_its_line() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "said", (), None)
    record.__dict__["text"] = 'a\nb"}\n{"event": "forged"}'
    assert "\n" not in JsonLines().format(record)


def test_an_error_comes_with_where_it_was_raised() -> None:
    try:
        raise RuntimeError("a fault")
    except RuntimeError:
        found = line(exc_info=sys.exc_info())
    assert "test_logs.py" in found["error"] and "a fault" in found["error"]
