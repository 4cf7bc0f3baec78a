"""Panels and dashboards as values, and their classic JSON (schema version 39). Unknown keys cannot be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from dashboards.builder.text import BLOCS, GRAVITY, NO_VALUE, Scale, T, neutral

COLUMNS = 24
TAG = "channelwatch"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
REFRESH = "30s"
"""Not more often than what is looked at is scraped twice."""


class Kind(StrEnum):
    """Grafana's panel plug-ins that are used; all are core."""

    STAT = "stat"
    TABLE = "table"
    TIMELINE = "state-timeline"
    GRAPH = "timeseries"
    BARS = "bargauge"


@dataclass(frozen=True)
class Query:
    """One PromQL expression. `may_be_empty`: a healthy province has no such series."""

    expr: str
    legend: str = ""
    instant: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table: the field it comes from and how it is shown."""

    source: str
    title: T
    scale: Scale | None = None
    unit: str = ""
    link: str = ""
    width: int = 0


@dataclass(frozen=True)
class Matrix:
    """Turns series into a table: one row for each value of `row`, one column for each of `column`."""

    row: str
    column: str


@dataclass(frozen=True)
class Panel:
    """One panel; `width` of 24 and `height` in grid units. `decimals` None: as Grafana sees fit."""

    kind: Kind
    title: T
    about: T
    width: int
    height: int
    queries: tuple[Query, ...] = ()
    scale: Scale = field(default_factory=neutral)
    unit: str = "none"
    decimals: int | None = None
    columns: tuple[Column, ...] = ()
    matrix: Matrix | None = None
    sort: str = ""
    descending: bool = True
    minimum: float | None = None
    maximum: float | None = None
    link: str = ""

    def refs(self) -> Iterator[tuple[str, Query]]:
        """Queries by their letters."""
        return zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", self.queries, strict=False)


@dataclass(frozen=True)
class Row:
    """Panels side by side, under a heading if there is one; a tuple of panels stands one below the other."""

    columns: tuple[Panel | tuple[Panel, ...], ...]
    title: T | None = None

    @property
    def stacks(self) -> list[tuple[Panel, ...]]:
        """Every column as a stack."""
        return [column if isinstance(column, tuple) else (column,) for column in self.columns]


@dataclass(frozen=True)
class Variable:
    """A choice at the top: values of `label` in `series`."""

    name: str
    title: T
    series: str
    label: str
    multi: bool = True


@dataclass(frozen=True)
class Board:
    """One dashboard. `uid` never changes once released."""

    uid: str
    title: T
    about: T
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    runbooks: tuple[str, ...] = ()
    time_from: str = "now-6h"

    def panels(self) -> Iterator[Panel]:
        """All of them, row by row."""
        return (panel for row in self.rows for stack in row.stacks for panel in stack)


def uid_of(board: Board, language: str) -> str:
    """Vietnamese has the plain one."""
    return board.uid if language == "vi" else f"{board.uid}-{language}"


def dashboard(board: Board, language: str, others: Sequence[Board]) -> dict[str, Any]:
    """The JSON of one dashboard in one language."""
    return {
        "annotations": {"list": []},
        "description": board.about.to(language),
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [*_links(board, language, others)],
        "panels": [*_placed(board.rows, language)],
        "refresh": REFRESH,
        "schemaVersion": 39,
        "tags": [TAG, language],
        "templating": {"list": [*_variables(board, language)]},
        "time": {"from": board.time_from, "to": "now"},
        "timepicker": {"refresh_intervals": ["30s", "1m", "5m"]},
        "timezone": "Asia/Ho_Chi_Minh",
        "title": board.title.to(language),
        "uid": uid_of(board, language),
        "version": 1,
        "weekStart": "monday",
    }


def _links(board: Board, language: str, others: Sequence[Board]) -> Iterator[dict[str, Any]]:
    prefix = "" if language == "vi" else "/en"
    for other in others:
        if other is not board:
            url = f"/d/{uid_of(other, language)}?${{datasource:queryparam}}&${{__url_time_range}}"
            yield _link(other.title.to(language), url, "dashboard")
    board_page = T("Bảng trạng thái", "Status board").to(language)
    yield _link(board_page, f"${{board_url}}{prefix}/", "external link")
    for name in board.runbooks:
        word = T("Hướng dẫn", "Runbook").to(language)
        yield _link(f"{word}: {name}", f"${{runbook_url}}/{name}.md", "doc")


def _link(title: str, url: str, icon: str) -> dict[str, Any]:
    return {
        "asDropdown": False,
        "icon": icon,
        "includeVars": False,
        "keepTime": False,
        "tags": [],
        "targetBlank": icon != "dashboard",
        "title": title,
        "tooltip": "",
        "type": "link",
        "url": url,
    }


def _variables(board: Board, language: str) -> Iterator[dict[str, Any]]:
    yield {
        "current": {"selected": True, "text": "channelwatch", "value": "channelwatch-prometheus"},
        "hide": 0,
        "includeAll": False,
        "label": T("Nguồn số liệu", "Data source").to(language),
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }
    for variable in board.variables:
        yield _query_variable(variable, language)
    yield _constant("board_url", "http://127.0.0.1:8080")
    yield _constant("runbook_url", "http://127.0.0.1:8080/runbooks")


def _query_variable(variable: Variable, language: str) -> dict[str, Any]:
    query = f"label_values({variable.series}, {variable.label})"
    every = T("Tất cả", "All").to(language)
    found = {
        "datasource": SOURCE,
        "hide": 0,
        "includeAll": variable.multi,
        "label": variable.title.to(language),
        "multi": variable.multi,
        "name": variable.name,
        "options": [],
        "query": {"query": query, "refId": f"variable-{variable.name}"},
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }
    if not variable.multi:
        return found
    current = {"selected": True, "text": [every], "value": ["$__all"]}
    return {**found, "allValue": ".*", "current": current}


def _constant(name: str, value: str) -> dict[str, Any]:
    return {
        "current": {"selected": False, "text": value, "value": value},
        "hide": 2,
        "label": name,
        "name": name,
        "options": [{"selected": True, "text": value, "value": value}],
        "query": value,
        "skipUrlSync": True,
        "type": "constant",
    }


def _placed(rows: Iterable[Row], language: str) -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for row in rows:
        if row.title is not None:
            yield {
                "collapsed": False,
                "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
                "id": number,
                "panels": [],
                "title": row.title.to(language),
                "type": "row",
            }
            number, top = number + 1, top + 1
        left = 0
        for stack in row.stacks:
            below = top
            for panel in stack:
                place = {"h": panel.height, "w": panel.width, "x": left, "y": below}
                yield {**_panel(panel, language), "gridPos": place, "id": number}
                number, below = number + 1, below + panel.height
            left += stack[0].width
        if left > COLUMNS:
            raise ValueError(f"a row is {left} columns wide")
        top += max(sum(panel.height for panel in stack) for stack in row.stacks)


def _panel(panel: Panel, language: str) -> dict[str, Any]:
    base = {
        "datasource": SOURCE,
        "description": panel.about.to(language),
        "title": panel.title.to(language),
        "type": panel.kind.value,
    }
    found = {
        **base,
        "fieldConfig": {"defaults": _defaults(panel, language), "overrides": [*_overrides(panel, language)]},
        "options": _options(panel),
        "targets": [_target(ref, query, panel) for ref, query in panel.refs()],
    }
    steps = [*_transformations(panel, language)]
    return {**found, "transformations": steps} if steps else found


def _target(ref: str, query: Query, panel: Panel) -> dict[str, Any]:
    instant = query.instant or panel.kind in (Kind.TABLE, Kind.BARS)
    return {
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "format": "table" if panel.kind is Kind.TABLE else "time_series",
        "instant": instant,
        "legendFormat": query.legend or "__auto",
        "range": not instant,
        "refId": ref,
    }


def _defaults(panel: Panel, language: str) -> dict[str, Any]:
    graph, table = panel.kind is Kind.GRAPH, panel.kind is Kind.TABLE
    found: dict[str, Any] = {
        "color": {"mode": "palette-classic" if graph else "thresholds"},
        "custom": _custom(panel),
        "mappings": [] if graph or (table and panel.matrix is None) else panel.scale.mappings(language),
        "noValue": NO_VALUE.to(language),
        "thresholds": {"mode": "absolute", "steps": [{"color": "text", "value": None}]}
        if graph or (table and panel.matrix is None)
        else panel.scale.thresholds(),
        "unit": panel.unit,
    }
    if panel.decimals is not None:
        found["decimals"] = panel.decimals
    if panel.minimum is not None:
        found["min"] = panel.minimum
    if panel.maximum is not None:
        found["max"] = panel.maximum
    if panel.link:
        title = T("Mở", "Open").to(language)
        found["links"] = [{"targetBlank": True, "title": title, "url": panel.link}]
    return found


def _custom(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case Kind.GRAPH:
            return {
                "drawStyle": "line",
                "fillOpacity": 8,
                "lineInterpolation": "stepAfter" if panel.unit == "none" else "linear",
                "lineWidth": 2,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"group": "A", "mode": "none"},
            }
        case Kind.TIMELINE:
            return {"fillOpacity": 85, "lineWidth": 1, "spanNulls": False}
        case Kind.TABLE:
            shown = "color-background" if panel.matrix is not None else "auto"
            options = {"mode": "basic", "type": shown} if panel.matrix is not None else {"type": shown}
            return {"align": "left", "cellOptions": options, "filterable": False, "inspect": False}
        case _:
            return {}


def _overrides(panel: Panel, language: str) -> Iterator[dict[str, Any]]:
    if any(query.legend == "{{bloc}}" for query in panel.queries):
        for bloc, name in BLOCS.items():
            named = {"id": "displayName", "value": name.to(language)}
            yield {"matcher": {"id": "byName", "options": bloc}, "properties": [named]}
    if any(query.legend == "{{severity}}" for query in panel.queries):
        for word, _, color in GRAVITY.words:
            fixed = {"id": "color", "value": {"fixedColor": color, "mode": "fixed"}}
            yield {"matcher": {"id": "byName", "options": word}, "properties": [fixed]}
    for column in panel.columns:
        properties = [*_shown(column, panel, language)]
        if properties:
            matcher = {"id": "byName", "options": column.title.to(language)}
            yield {"matcher": matcher, "properties": properties}


def _shown(column: Column, panel: Panel, language: str) -> Iterator[dict[str, Any]]:
    """How a column differs from the panel's own way."""
    if column.scale is not None:
        yield {"id": "custom.cellOptions", "value": {"mode": "basic", "type": "color-background"}}
        yield {"id": "mappings", "value": column.scale.mappings(language)}
        yield {"id": "thresholds", "value": column.scale.thresholds()}
    elif panel.matrix is not None:
        yield {"id": "custom.cellOptions", "value": {"type": "auto"}}
        yield {"id": "mappings", "value": []}
    if column.scale is None and not column.unit:
        yield {"id": "noValue", "value": ""}
    if column.unit:
        yield {"id": "unit", "value": column.unit}
    if column.width:
        yield {"id": "custom.width", "value": column.width}
    if column.link:
        link = {"targetBlank": True, "title": column.title.to(language), "url": column.link}
        yield {"id": "links", "value": [link]}


def _transformations(panel: Panel, language: str) -> Iterator[dict[str, Any]]:
    if panel.kind is not Kind.TABLE:
        return
    if panel.matrix is not None:
        yield {
            "id": "groupingToMatrix",
            "options": {
                "columnField": panel.matrix.column,
                "emptyValue": "null",
                "rowField": panel.matrix.row,
                "valueField": "Value",
            },
        }
    elif len(panel.queries) > 1:
        yield {"id": "merge", "options": {}}
    yield {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True, "__name__": True},
            "indexByName": {column.source: index for index, column in enumerate(panel.columns)},
            "renameByName": {column.source: column.title.to(language) for column in panel.columns},
        },
    }
    keep = [column.title.to(language) for column in panel.columns]
    yield {"id": "filterFieldsByName", "options": {"include": {"names": keep}}}
    if panel.sort:
        (title,) = [item.title.to(language) for item in panel.columns if item.source == panel.sort]
        yield {
            "id": "sortBy",
            "options": {"fields": {}, "sort": [{"desc": panel.descending, "field": title}]},
        }


def _options(panel: Panel) -> dict[str, Any]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    legend = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True}
    match panel.kind:
        case Kind.STAT:
            return {
                "colorMode": "background",
                "graphMode": "none",
                "justifyMode": "center",
                "orientation": "auto",
                "reduceOptions": last,
                "textMode": "auto",
            }
        case Kind.BARS:
            return {
                "displayMode": "basic",
                "minVizHeight": 16,
                "minVizWidth": 8,
                "orientation": "horizontal",
                "reduceOptions": last,
                "showUnfilled": True,
                "valueMode": "text",
            }
        case Kind.TIMELINE:
            return {
                "alignValue": "left",
                "legend": {**legend, "showLegend": False},
                "mergeValues": True,
                "rowHeight": 0.85,
                "showValue": "auto",
                "tooltip": {"mode": "single", "sort": "none"},
            }
        case Kind.GRAPH:
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case Kind.TABLE:
            return {"cellHeight": "sm", "showHeader": True}
        case _:
            assert_never(panel.kind)
