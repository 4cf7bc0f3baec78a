"""What changes over time, as SVG."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.preview.ask import Asker
from dashboards.preview.values import fixed_color, ink, legend_of, named, nothing, shown, with_unit

CELL = 34
PALETTE = (
    "#5794f2", "#73bf69", "#f2cc0c", "#ff9830", "#b877d9", "#8ab8ff", "#ffb357", "#96d98d", "#e02f44", "#fade2a",
)  # fmt: skip
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def timeline(panel: dict[str, Any], asker: Asker) -> str:
    field = panel["fieldConfig"]["defaults"]
    width, height = panel["gridPos"]["w"] * 76 - 30, panel["gridPos"]["h"] * CELL - 62
    series = [
        (
            named(panel, legend_of(item, target["legendFormat"])),
            {float(at): float(value) for at, value in item["values"]},
        )
        for target in panel["targets"]
        for item in asker.over_time(target["expr"])
    ]
    if not series:
        return nothing(panel)
    left, each = 150, height / len(series)
    parts = []
    for index, (name, values) in enumerate(sorted(series)):
        top = index * each
        parts.append(
            f'<text x="0" y="{top + each / 2 + 4:.0f}" fill="#b8bcc6" font-size="12">{html.escape(name)}</text>'
        )
        parts += spans(values, field, asker, (left, width - left, top, each))
    axis = clock_axis(asker, left, width - left, height)
    return f'<div class="b"><svg width="{width}" height="{height + 18}">{"".join(parts)}{axis}</svg></div>'


def spans(
    values: dict[float, float], field: dict[str, Any], asker: Asker, room: tuple[float, float, float, float]
) -> Iterator[str]:
    left, width, top, each = room
    scale = width / (asker.end - asker.start)
    runs: list[list[float]] = []
    for at, value in sorted(values.items()):
        if runs and runs[-1][2] == value and at - runs[-1][1] <= 2 * asker.step:
            runs[-1][1] = at
        else:
            runs.append([at, at, value])
    for start, end, value in runs:
        text, color = shown(value, field)
        x, wide = left + (start - asker.start) * scale, max(2.0, (end - start + asker.step) * scale)
        yield f'<rect x="{x:.1f}" y="{top + 3:.1f}" width="{wide:.1f}" height="{each - 6:.1f}" fill="{color}" rx="2"/>'
        letters = int((wide - 8) / 7.5)
        if letters >= 3:
            said = html.escape(text if len(text) <= letters else text[: letters - 1] + "…")
            yield f'<text x="{x + 5:.1f}" y="{top + each / 2 + 4:.1f}" fill="{ink(color)}" font-size="12">{said}</text>'


def clock_axis(asker: Asker, left: float, width: float, height: float) -> str:
    parts = []
    for part in range(6):
        at = asker.start + (asker.end - asker.start) * part / 5
        x = left + width * part / 5
        anchor = "start" if part == 0 else "end" if part == 5 else "middle"
        parts.append(label(datetime.fromtimestamp(at, ZONE).strftime("%H:%M"), x, height + 14, anchor))
    return "".join(parts)


def label(text: str, x: float, y: float, anchor: str) -> str:
    said = html.escape(text)
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="#8e939e" font-size="11" text-anchor="{anchor}">{said}</text>'


def graph(panel: dict[str, Any], asker: Asker) -> str:
    field = panel["fieldConfig"]["defaults"]
    width, height = panel["gridPos"]["w"] * 76 - 30, panel["gridPos"]["h"] * CELL - 88
    series = [
        (
            named(panel, legend_of(item, target["legendFormat"])),
            [(float(at), float(value)) for at, value in item["values"]],
        )
        for target in panel["targets"]
        for item in asker.over_time(target["expr"])
    ]
    series = [(name, [pair for pair in points if math.isfinite(pair[1])]) for name, points in series]
    series = [(name, points) for name, points in series if points]
    if not series:
        return nothing(panel)
    left, top_value = 76, max(0.0, *(value for _, points in series for _, value in points)) * 1.08
    top_value = field.get("max") or top_value or (1.0 if field.get("min") == 0 else 0.01)
    low = min(0.0, *(value for _, points in series for _, value in points))
    scale_x, scale_y = (width - left) / (asker.end - asker.start), height / (top_value - low)
    parts = []
    for part in range(4):
        value = low + (top_value - low) * part / 3
        y = height - (value - low) * scale_y
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y:.0f}" y2="{y:.0f}" stroke="#2a2d34"/>')
        parts.append(label(with_unit(value, field.get("unit", "none")), left - 6, max(9.0, y + 4), "end"))
    colors = [
        fixed_color(panel, name, PALETTE[index % len(PALETTE)]) for index, (name, _) in enumerate(series)
    ]
    for index, (_, points) in enumerate(series):
        places = [
            (left + (at - asker.start) * scale_x, height - (value - low) * scale_y) for at, value in points
        ]
        path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in places)
        color = colors[index]
        parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.8"/>')
    parts.append(clock_axis(asker, left, width - left, height))
    names = "".join(
        f'<span><i style="background:{colors[index]}"></i>{html.escape(name)}</span>'
        for index, (name, _) in enumerate(series)
    )
    svg = f'<svg width="{width}" height="{height + 18}">{"".join(parts)}</svg>'
    return f'<div class="b">{svg}</div><div class="legend">{names}</div>'
