"""Text and colour of a value, by the mappings, thresholds and units of the JSON."""

from __future__ import annotations

import html
import math
import re
from typing import Any


def shown(value: float | str | None, field: dict[str, Any]) -> tuple[str, str]:
    """Text and colour of a value by mappings, thresholds and unit."""
    for mapping in field.get("mappings", []):
        result = mapped(value, mapping)
        if result is not None:
            return result["text"], result["color"]
    if value is None:
        return field.get("noValue", "-"), "transparent"
    if isinstance(value, str):
        return value, "transparent"
    color = "#22252b"
    for step in field["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    return with_unit(value, field.get("unit", "none"), field.get("decimals")), color


def mapped(value: float | str | None, mapping: dict[str, Any]) -> dict[str, Any] | None:
    options = mapping["options"]
    if mapping["type"] == "value" and value is not None:
        found: dict[str, Any] | None = options.get(value if isinstance(value, str) else f"{value:g}")
        return found
    if mapping["type"] == "special":
        missing = value is None or (isinstance(value, float) and math.isnan(value))
        return options["result"] if missing else None
    if mapping["type"] == "range" and isinstance(value, float):
        low, high = options["from"], options["to"]
        inside = (low is None or value >= low) and (high is None or value <= high)
        return options["result"] if inside else None
    return None


def with_unit(value: float, unit: str, decimals: int | None = None) -> str:
    if unit == "s":
        return seconds(value)
    if unit == "percentunit":
        return f"{math.floor(value * 100_000) / 1000:.{3 if value < 1 else 0}f} %".replace(".000", "")
    if unit in ("Bps", "bytes"):
        for letter in ("", "k", "M", "G"):
            if abs(value) < 1000:
                return f"{value:.3g} {letter}B{'/s' if unit == 'Bps' else ''}"
            value /= 1000
    endings = {"celsius": " °C", "volt": " V", "ops": "/s", "pps": " p/s"}
    text = f"{value:.{decimals}f}" if decimals is not None else plain(value)
    return text + endings.get(unit, "")


def plain(value: float) -> str:
    """Four figures, never in powers of ten above one."""
    return (
        f"{value:.0f}" if abs(value) >= 1000 else f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:.4g}"
    )


def seconds(value: float) -> str:
    for size, word in ((86400, "ngày"), (3600, "giờ"), (60, "phút")):
        if abs(value) >= size:
            return f"{plain(round(value / size, 1))} {word}"
    return f"{value:.3g} s" if abs(value) >= 1 or value == 0 else f"{value * 1000:.3g} ms"


def legend_of(series: dict[str, Any], form: str) -> str:
    labels = series["metric"]
    if form == "__auto":
        return ", ".join(f"{key}={value}" for key, value in labels.items() if key != "__name__") or "value"
    form = form or "__auto"
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form).strip() or "-"


def ink(color: str) -> str:
    """Black or white, whichever can be read on `color`."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#111217" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "#ffffff"


def named(panel: dict[str, Any], name: str) -> str:
    """The display name that an override gives to a series."""
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            for item in override["properties"]:
                if item["id"] == "displayName":
                    return str(item["value"])
    return name


def fixed_color(panel: dict[str, Any], name: str, usual: str) -> str:
    """The colour that an override gives to a series."""
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            for item in override["properties"]:
                if item["id"] == "color":
                    return str(item["value"]["fixedColor"])
    return usual


def nothing(panel: dict[str, Any]) -> str:
    return f'<div class="none">{html.escape(panel["fieldConfig"]["defaults"]["noValue"])}</div>'
