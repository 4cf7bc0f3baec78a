"""The availability report as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Final

from channelwatch.reports.availability import ROW_FIELDS, Report, Value, heading, outage_values, values

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_json(report: Report) -> bytes:
    """One UTF-8 JSON object: the heading's fields, `rows` and `outages`. A ratio without a denominator is null."""
    whole = {
        **heading(report),
        "rows": [values(row) for row in report.rows],
        "outages": [outage_values(row, outage) for row in report.rows for outage in row.outages],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1).encode() + b"\n"


def to_csv(report: Report) -> bytes:
    """The rows as RFC 4180 with a byte-order mark, as spreadsheets expect. Every line repeats the heading's fields;
    a ratio without a denominator is empty. No cell can be taken for a formula.
    """
    about = heading(report)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow((*ROW_FIELDS, *about))
    for row in report.rows:
        writer.writerow([_cell(value) for value in (*values(row).values(), *about.values())])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Value) -> str:
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA_STARTS) else text
