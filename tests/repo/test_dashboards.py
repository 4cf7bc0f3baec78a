"""The dashboards: what the builder makes, how it is laid out, what it asks, and that every metric is looked at."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from channelwatch.app.alertrules.prometheus import rule_file
from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.metrics import catalogue
from dashboards.builder.__main__ import files
from dashboards.builder.ask import filled
from dashboards.builder.catalogue import BOARDS
from dashboards.builder.model import COLUMNS
from dashboards.builder.text import GREEN, LANGUAGES
from tests.repo.tree import text_of
from tests.support.peers import ROOT

MADE = {name: json.loads(text) for name, text in files()}
PANELS = [
    pytest.param(board, panel, id=f"{name}:{panel['id']}")
    for name, board in MADE.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
UIDS = {
    *("cw-audit", "cw-device", "cw-ha", "cw-incidents", "cw-layers", "cw-province", "cw-self"),
    *(
        "cw-audit-en",
        "cw-device-en",
        "cw-ha-en",
        "cw-incidents-en",
        "cw-layers-en",
        "cw-province-en",
        "cw-self-en",
    ),
}
"""For ever: what people have linked to must go on working."""


def test_the_files_are_what_the_builder_makes() -> None:
    committed = {
        str(path.relative_to(ROOT / "dashboards")) for path in (ROOT / "dashboards").glob("*/*.json")
    }
    assert committed == set(MADE)
    for name, text in files():
        assert text_of(Path("dashboards") / name) == text, "run python -m dashboards.builder"


def test_the_uids_are_those_that_were_released() -> None:
    assert [board["uid"] for board in MADE.values()].count("cw-province") == 1
    assert {board["uid"] for board in MADE.values()} == UIDS


@pytest.mark.parametrize("name", MADE)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    panels = MADE[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS
        cells = set(
            itertools.product(
                range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
            )
        )
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("uid", [board.uid for board in BOARDS])
def test_both_languages_say_the_same_in_their_own_words(uid: str) -> None:
    one, other = (MADE[f"{language}/{uid}.json"] for language in LANGUAGES)
    assert one["title"] != other["title"]
    for mine, yours in zip(one["panels"], other["panels"], strict=True):
        assert mine["gridPos"] == yours["gridPos"]
        assert mine.get("targets") == yours.get("targets")
        assert mine["title"] != yours["title"], mine["title"]
        if mine["type"] != "row":
            assert mine["description"] != yours["description"]
            assert {mine["description"][-1], yours["description"][-1]} <= set(".?")


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_says_what_it_shows_and_what_it_lacks(board: dict[str, Any], panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"] and len(panel["description"]) >= 8
    assert panel["datasource"]["uid"] == "${datasource}"
    assert defaults["noValue"] and defaults["unit"]
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGHIJ"[: len(panel["targets"])])
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


def ways_to_show(panel: dict[str, Any]) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Thresholds and mappings: the panel's own, and those of each column."""
    defaults = panel["fieldConfig"]["defaults"]
    yield defaults["thresholds"]["steps"], defaults["mappings"]
    for override in panel["fieldConfig"]["overrides"]:
        found = {item["id"]: item["value"] for item in override["properties"]}
        if "thresholds" in found:
            yield found["thresholds"]["steps"], found["mappings"]


def results(mappings: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for mapping in mappings:
        options = mapping["options"]
        yield from options.values() if mapping["type"] == "value" else [options["result"]]


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_colour_never_stands_alone_and_unknown_is_never_green(
    board: dict[str, Any], panel: dict[str, Any]
) -> None:
    for steps, mappings in ways_to_show(panel):
        specials = [mapping for mapping in mappings if mapping["type"] == "special"]
        if len({step["color"] for step in steps}) > 1:
            assert len(mappings) >= 2, "thresholds without words"
        if mappings:
            (special,) = specials
            assert special["options"]["match"] == "null+nan"
            assert special["options"]["result"]["color"] != GREEN
        for result in results(mappings):
            assert result["text"]
            if re.search(r"Không có số liệu|Không rõ|No data|Unknown|–", result["text"]):
                assert result["color"] != GREEN, result


@pytest.mark.parametrize("name", MADE)
def test_how_old_the_data_are_is_always_seen(name: str) -> None:
    first = [panel for panel in MADE[name]["panels"] if panel["gridPos"]["y"] == 0]
    assert any(panel["title"] in ("Tuổi số liệu", "Age of the data") for panel in first)
    assert MADE[name]["refresh"] == "30s"
    assert MADE[name]["timezone"] == "Asia/Ho_Chi_Minh"


QUERIES = sorted(
    {
        target["expr"]
        for board in MADE.values()
        for panel in board["panels"]
        for target in panel.get("targets", ())
    }
)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_valid_promql_over_a_window_that_fits(query: str) -> None:
    promql_parser.parse(filled(query, {}))
    assert "job=" not in query and "instance=" not in query
    for function, window in re.findall(
        r"\b(rate|increase|irate|changes|avg_over_time)\([^\[]*\[([^\]]+)\]", query
    ):
        allowed = (
            {"$__rate_interval"}
            if function in ("rate", "irate")
            else {"$__rate_interval", "1h", "24h", "$__range"}
        )
        assert window in allowed, query


def test_every_link_leads_somewhere() -> None:
    pages = {"/", "/en/", "/incidents/${__value.raw}", "/devices/${__value.raw}"}
    text = "".join(found for _, found in files())
    uids = set(re.findall(r"\"/d/([\w-]+)", text))
    linked = set(re.findall(r"\$\{board_url\}([^\"]*)", text))
    runbooks = set(re.findall(r"\$\{runbook_url\}/([\w-]+)\.md", text))
    assert uids and linked and runbooks
    assert (uids - UIDS, linked - pages) == (set(), set())
    assert [name for name in runbooks if not (ROOT / "docs/runbooks" / f"{name}.md").is_file()] == []


OWN = re.compile(r"\bchannelwatch_[a-z0-9_]+")
ADDED = re.compile(r"_(?:bucket|sum|count)$")


def asked_for() -> set[str]:
    """Every metric that a panel, an alert rule or a recording rule of ours looks at."""
    text = "\n".join(QUERIES) + json.dumps(rule_file(load_rules(shipped_rules())))
    for path in (ROOT / "deploy/prometheus").glob("**/*.yml"):
        text += json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")))
    return {name for found in OWN.findall(text) for name in (found, ADDED.sub("", found))}


def test_every_exported_metric_has_a_panel_or_a_rule() -> None:
    assert {family.name for family in catalogue.EVERY} - asked_for() == set()


def test_no_panel_asks_for_a_metric_that_nobody_exports() -> None:
    known = {family.name for family in catalogue.EVERY}
    histograms = {family.name for family in catalogue.EVERY if family.buckets}
    asked = set(OWN.findall("\n".join(QUERIES)))
    assert {name for name in asked if name not in known and ADDED.sub("", name) not in histograms} == set()
