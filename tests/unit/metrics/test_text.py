"""The Prometheus text format, read back by prometheus_client's own parser."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from channelwatch.metrics.text import (
    LABEL_VALUE_CHARS,
    Family,
    Kind,
    Prepared,
    StateSet,
    around,
    label_value,
    labels,
    number,
    sample,
)


def parsed(text: str) -> list[tuple[str, dict[str, str], float]]:
    return [
        (item.name, item.labels, item.value)
        for family in text_string_to_metric_families(text)
        for item in family.samples
    ]


@given(
    st.text(
        alphabet=st.characters(categories=["L", "N", "P", "S"], include_characters=" "),
        max_size=LABEL_VALUE_CHARS,
    )
)
def test_a_printable_label_value_is_read_back_unchanged(value: str) -> None:
    text = sample("channelwatch_test", labels({"component": value, "device": "d"}), 1)
    assert parsed(text) == [
        ("channelwatch_test", ({"component": value} if value else {}) | {"device": "d"}, 1.0)
    ]


@given(st.text(max_size=200))
def test_no_label_value_breaks_a_line_or_grows_beyond_its_limit(value: str) -> None:
    text = sample("channelwatch_test", labels({"device": "d", "component": value}), 1)
    assert text.count("\n") == 1
    ((_, found, _),) = parsed(text)
    assert len(found.get("component", "")) <= LABEL_VALUE_CHARS


def test_quotes_backslashes_and_line_breaks_are_escaped() -> None:
    assert label_value('a"b\\c\nd') == 'a\\"b\\\\c\\nd'


def test_unprintable_characters_are_replaced() -> None:
    assert label_value("a\x00\u202eb") == "a\ufffd\ufffdb"


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (True, "1"), (0.5, "0.5"), (math.nan, "NaN"), (math.inf, "+Inf"), (-math.inf, "-Inf")],
)
def test_numbers_are_written_as_the_format_wants(value: float, text: str) -> None:
    assert number(value) == text


def test_a_state_set_marks_the_present_state_alone() -> None:
    states = StateSet(Family("channelwatch_test", "h"), ["up", "down"])
    text = around([labels({"device": "d"}).encode()], [states.parts("down")]).decode()
    assert [(found["state"], value) for _, found, value in parsed(text)] == [("up", 0.0), ("down", 1.0)]


def test_a_prepared_family_tells_any_value_of_any_subject() -> None:
    misses = Prepared(Family("channelwatch_test", "h"), lambda value: f"}} {value}")
    text = around([b'device="a"', b'device="b"'], [misses.parts(3), misses.parts(700)]).decode()
    assert [(found["device"], value) for _, found, value in parsed(text)] == [("a", 3.0), ("b", 700.0)]


def test_help_text_stays_on_its_line() -> None:
    assert Family("m", "a\nb\\c").head() == b"# HELP m a\\nb\\\\c\n# TYPE m gauge\n"


def test_openmetrics_names_a_counter_and_an_info_by_their_stems() -> None:
    info, counter = Family("m_info", 'of "it"', Kind.INFO), Family("m_total", "h", Kind.COUNTER)
    assert info.head(openmetrics=True) == b'# HELP m of \\"it\\"\n# TYPE m info\n'
    assert info.head() == b'# HELP m_info of "it"\n# TYPE m_info gauge\n'
    assert counter.head(openmetrics=True) == b"# HELP m h\n# TYPE m counter\n"
    assert counter.head() == b"# HELP m_total h\n# TYPE m_total counter\n"
