"""The inside of each kind of panel, as HTML."""

from __future__ import annotations

import html
from typing import Any

from dashboards.preview.ask import Asker
from dashboards.preview.charts import CELL, graph, timeline
from dashboards.preview.values import ink, legend_of, named, nothing, shown


def drawn(panel: dict[str, Any], asker: Asker) -> str:
    """The inside of one panel."""
    match panel["type"]:
        case "stat":
            return stat(panel, asker)
        case "bargauge":
            return bars(panel, asker)
        case "table":
            return table(panel, asker)
        case "state-timeline":
            return timeline(panel, asker)
        case "timeseries":
            return graph(panel, asker)
        case _:
            return html.escape(panel.get("options", {}).get("content", ""))


def last_values(panel: dict[str, Any], asker: Asker) -> list[tuple[str, float | None]]:
    return [
        (named(panel, legend_of(item, target["legendFormat"])), float(item["value"][1]))
        for target in panel["targets"]
        for item in asker.instant(target["expr"])
    ]


def stat(panel: dict[str, Any], asker: Asker) -> str:
    field = panel["fieldConfig"]["defaults"]
    values: list[tuple[str, float | None]] = last_values(panel, asker) or [("", None)]
    tiles = []
    for name, value in values:
        text, color = shown(value, field)
        size = max(13, min(30, int(panel["gridPos"]["w"] * 66 / max(5, len(text)))))
        text = name if "{{" in panel["targets"][0]["legendFormat"] else text
        style = f"background:{color};color:{ink(color)};font-size:{size}px"
        tiles.append(f'<div class="stat" style="{style}">{html.escape(text)}</div>')
    return f'<div class="b">{"".join(tiles)}</div>'


def bars(panel: dict[str, Any], asker: Asker) -> str:
    field = panel["fieldConfig"]["defaults"]
    values = last_values(panel, asker)
    if not values:
        return nothing(panel)
    top = field.get("max") or max(value or 0 for _, value in values) or 1
    lines = []
    for name, value in values:
        text, color = shown(value, field)
        width = max(1.0, 100 * (value or 0) / top)
        lines.append(
            f'<div class="bar"><span>{html.escape(name)}</span>'
            f'<div><i style="width:{width:.1f}%;background:{color}"></i></div><b>{html.escape(text)}</b></div>'
        )
    return f'<div class="b"><div class="bars">{"".join(lines)}</div></div>'


def table(panel: dict[str, Any], asker: Asker) -> str:
    rows = rows_of(panel, asker)
    if not rows:
        return nothing(panel)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    steps = {step["id"]: step["options"] for step in panel["transformations"]}
    organize = steps["organize"]
    order = organize["indexByName"]
    columns = sorted((name for name in columns if name in order), key=lambda name: order[name])
    titles = {name: organize["renameByName"].get(name, name) for name in columns}
    if "sortBy" in steps:
        (by,) = steps["sortBy"]["sort"]
        key = next((name for name in columns if titles[name] == by["field"]), None)
        rows.sort(key=lambda row: order_of(row.get(key or "")), reverse=by["desc"])
    fields = {title: field_of(panel, title) for title in titles.values()}
    head = "".join(f"<th>{html.escape(titles[name])}</th>" for name in columns)
    room = int((panel["gridPos"]["h"] * CELL - 70) / 24.5)
    body = "".join(
        "<tr>" + "".join(cell(row.get(name), fields[titles[name]]) for name in columns) + "</tr>"
        for row in rows[:room]
    )
    return f'<div class="b"><table><tr>{head}</tr>{body}</table></div>'


def order_of(value: Any) -> tuple[float, str]:
    return (-1.0, "") if value is None else (0.0, value) if isinstance(value, str) else (value, "")


def field_of(panel: dict[str, Any], title: str) -> dict[str, Any]:
    field = dict(panel["fieldConfig"]["defaults"])
    field["cell"] = field["custom"]["cellOptions"]
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == title:
            for item in override["properties"]:
                key = item["id"].removeprefix("custom.").replace("cellOptions", "cell")
                field[key] = item["value"]
    return field


def cell(value: Any, field: dict[str, Any]) -> str:
    text, color = shown(value, field)
    if field["cell"]["type"] == "color-background" and color != "transparent":
        return f'<td class="c" style="background:{color};color:{ink(color)}">{html.escape(text)}</td>'
    said = html.escape(text)
    return f"<td><a>{said}</a></td>" if field.get("links") else f"<td>{said}</td>"


def rows_of(panel: dict[str, Any], asker: Asker) -> list[dict[str, Any]]:
    steps = {step["id"]: step["options"] for step in panel["transformations"]}
    answers = [asker.instant(target["expr"]) for target in panel["targets"]]
    if "groupingToMatrix" in steps:
        return matrix(answers[0], steps["groupingToMatrix"])
    found: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    several = len(answers) > 1
    common: set[str] | None = None
    for answer in answers:
        for item in answer:
            names = set(item["metric"]) - {"__name__"}
            common = names if common is None else common & names
    for target, answer in zip(panel["targets"], answers, strict=True):
        for item in answer:
            labels = {name: value for name, value in item["metric"].items() if name != "__name__"}
            key = tuple(sorted((n, v) for n, v in labels.items() if not several or n in (common or ())))
            row = found.setdefault(key, {})
            row |= labels
            row[f"Value #{target['refId']}" if several else "Value"] = float(item["value"][1])
    return list(found.values())


def matrix(answer: list[dict[str, Any]], options: dict[str, str]) -> list[dict[str, Any]]:
    down, across = options["rowField"], options["columnField"]
    rows: dict[str, dict[str, Any]] = {}
    columns = {item["metric"][across] for item in answer}
    for item in answer:
        name = item["metric"][down]
        empty = {f"{down}\\{across}": name, **dict.fromkeys(columns)}
        rows.setdefault(name, empty)[item["metric"][across]] = float(item["value"][1])
    return list(rows.values())
