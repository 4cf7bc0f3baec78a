"""Dashboards load, their queries parse and ask for metrics that the code exports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import promql_parser

from channelwatch.metrics import catalogue
from tests.repo.tree import PACKAGES, repository_files, text_of

DASHBOARDS = [path for path in repository_files() if path.parts[0] == "dashboards" and path.suffix == ".json"]
OWN_METRIC = re.compile(r"\bchannelwatch_[a-z0-9_]+")
DERIVED = re.compile(r"_(?:bucket|sum|count|total)$")
"""What the exposition format adds to the name of a counter or histogram."""
DURATIONS = re.compile(r"\$\{?__(?:rate_interval|interval|range)\}?")
VARIABLE = re.compile(r"\$\{?\w+(?::\w+)?\}?")


def plain(query: str) -> str:
    """A dashboard's query with Grafana's variables filled in."""
    return VARIABLE.sub("x", DURATIONS.sub("5m", query))


def queries_of(value: Any) -> Iterator[str]:
    """Yield every `expr` of a dashboard's tree."""
    if isinstance(value, dict):
        if isinstance(value.get("expr"), str):
            yield value["expr"]
        for inner in value.values():
            yield from queries_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from queries_of(inner)


def faults(queries: Iterable[str], source: str) -> Iterator[str]:
    """Yield what is wrong with the queries: one that does not parse, a metric that `source` never names."""
    for query in queries:
        try:
            promql_parser.parse(plain(query))
        except ValueError as error:
            yield f"{query}: {error}"
        for name in OWN_METRIC.findall(query):
            if name not in source and DERIVED.sub("", name) not in source:
                yield f"{name} is exported nowhere"


def program_text() -> str:
    """The program's whole source, in which the name of every exported metric stands."""
    code = [path for path in repository_files() if path.suffix == ".py" and str(path).startswith(PACKAGES)]
    return "\n".join([*map(text_of, code), *(family.name for family in catalogue.EVERY)])


def test_dashboards_ask_for_what_exists() -> None:
    source = program_text()
    assert DASHBOARDS
    for path in DASHBOARDS:
        queries = list(queries_of(json.loads(text_of(path))))
        assert queries, path
        assert list(faults(queries, source)) == [], path


def test_dashboards_have_a_title_and_an_id_of_their_own() -> None:
    boards = [json.loads(text_of(path)) for path in DASHBOARDS]
    assert all(board["title"] for board in boards)
    assert len({board["uid"] for board in boards}) == len(boards)


def test_faulty_queries_are_found() -> None:
    board = {
        "panels": [{"targets": [{"expr": 'rate(channelwatch_polls_total{site="$site"}[$__rate_interval])'}]}]
    }
    (query,) = queries_of(board)
    assert list(faults(iter([query]), "channelwatch_polls")) == []
    assert list(faults(iter([query]), "")) == ["channelwatch_polls_total is exported nowhere"]
    assert list(faults(iter(["sum(("]), "")) != []
