"""The arithmetic of profiles: what it understands, what it refuses, and what becomes of missing objects."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest
from channelwatch_collector.profiles.expression import MAX_CHARS, Absent, Unusable, parse
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.status.signals import Scalar

NOW, ASKED = 1_000_000_000, 999_999_000


class Objects:
    """A row in memory: None is an object that cannot be used, a name that is not there is absent."""

    def __init__(self, **objects: Scalar) -> None:
        self._objects: Mapping[str, Scalar] = objects

    def value(self, name: str) -> Scalar:
        if name not in self._objects:
            raise Absent
        if self._objects[name] is None:
            raise Unusable
        return self._objects[name]

    def per_second(self, name: str) -> float:
        found = self.value(name)
        assert isinstance(found, int)
        return found / 10

    def rise(self, name: str) -> float:
        return self.per_second(name) * 1000

    def each(self, name: str) -> list[float]:
        self.value(name)
        return [1.0, 2.0, 6.0]

    def count(self, name: str) -> int:
        return len(self.each(name))

    def now(self) -> int:
        return NOW

    def asked_at(self) -> int:
        return ASKED


def evaluate(written: str, **objects: Scalar) -> Scalar:
    return parse(written).evaluate(Objects(**objects))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a", 7),
        ("100 * (a - b) / a", 100 * 5 / 7),
        ("-a + 10 // 3 - 10 % 3", -7 + 3 - 1),
        ("a > b and not b == 3", True),
        ("a < b or b != 2", False),
        ("b in (1, 2)", True),
        ("b not in (1, 2)", False),
        ("1 if a == 7 else missing", 1),
        ("first(missing, b)", 2),
        ("present(missing)", False),
        ("present(spoilt)", True),
        ("matches(text, '^tun[0-9]+$')", True),
        (r"matches(text, '\D\d+')", True),
        ("extract(text, '([0-9]+)$')", "12"),
        ("first(extract(text, 'x(.)'), a)", 7),
        ("number('3.101 V') + number('-4 C')", -0.899),
        ("concat(text, ' ', a)", "tun12 7"),
        ("lower('ABC')", "abc"),
        ("part(index, 1, 2)", "20.30"),
        ("label(named)", "hsm1"),
        ("min(a, b) + max(a, b, 9) + abs(-1)", 12),
        ("per_second(a)", 0.7),
        ("per_minute(a)", 42.0),
        ("per_day(a)", 700.0),
        ("mean(a)", 3.0),
        ("total(a) + largest(a)", 15.0),
        ("count(a)", 3),
        ("power10(-a + 4)", 0.001),
        ("skew(date)", -900.0),
        ("age(date)", 901.0),
        ("days_until(later)", 2.0),
    ],
)
def test_it_computes(text: str, result: Scalar) -> None:
    found = evaluate(
        text,
        a=7,
        b=2,
        spoilt=None,
        text="tun12",
        index="10.20.30",
        named="4.104.115.109.49",
        date=ASKED - 900_000,
        later=NOW + 2 * 86_400_000,
    )
    assert found == pytest.approx(result) if isinstance(result, float) else found == result


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.b",
        "a[0]",
        "lambda: 1",
        "[1, 2]",
        "a ** 9999",
        "a if b",
        "f'{a}'",
        "open(a)",
        "first()",
        "per_second(a + b)",
        "matches(a, '(')",
        "matches('x', a)",
        "extract(a, b)",
        "extract(a, 'x')",
        "extract(a, '(x)(y)')",
        "1 < a < 3",
        "min(a, key=b)",
        "",
        "a b",
        "a + " * 200 + "a",
        "(" * 60 + "a" + ")" * 60 + " +" + "-" * 60 + "a",
    ],
)
def test_it_refuses_whatever_else_python_would_do(text: str) -> None:
    with pytest.raises(ValueError, match=r"expression|function|takes|pattern"):
        parse(text)


def test_an_absent_object_makes_the_whole_absent() -> None:
    with pytest.raises(Absent):
        evaluate("100 * missing / a", a=1)


@pytest.mark.parametrize(
    "text",
    ["a / 0", "a % 0", "text + 1", "spoilt + 1", "text < 1", "number(text)", "label(text)", "power10(99)"],
)
def test_what_cannot_be_computed_is_unusable_and_never_a_crash(text: str) -> None:
    with pytest.raises(Unusable):
        evaluate(text, a=1, text="x", spoilt=None)


def test_a_condition_about_something_missing_does_not_hold() -> None:
    assert not parse("missing == 1").is_true(Objects())
    assert not parse("spoilt == 1").is_true(Objects(spoilt=None))
    assert parse("a == 1").is_true(Objects(a=1))


def test_it_knows_its_names_and_counters() -> None:
    parsed = parse("per_second(rx) if up == 1 else first(per_minute(tx), rx)")
    assert parsed.names == ("up", "rx", "tx") or set(parsed.names) == {"up", "rx", "tx"}
    assert set(parsed.counters) == {"rx", "tx"}


@given(st.text(max_size=MAX_CHARS))
def test_no_text_brings_the_parser_down(text: str) -> None:
    try:
        parsed = parse(text)
    except ValueError:
        return
    with contextlib.suppress(Absent, Unusable):
        parsed.evaluate(Objects())
