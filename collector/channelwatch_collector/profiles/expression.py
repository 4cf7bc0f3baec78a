"""The small arithmetic that a profile may write: names of objects, numbers, texts, + - * / // %, comparisons,
and/or/not, `a if test else b`, and the functions listed at the end. Nothing else of Python is understood.

Parsed once when the profile is loaded, into closures; evaluated for each row of each answer.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from statistics import fmean
from typing import Protocol

from channelwatch.status.signals import Scalar

MAX_CHARS = 400
"""Longest expression, in characters."""

MAX_DEPTH = 24
"""Deepest nesting."""

DAY_MS = 86_400_000


class Absent(Exception):
    """The device does not offer an object that the expression needs: the signal is unsupported there."""


class Unusable(Exception):
    """The device offers the object, but its value cannot be used: the signal is unknown."""


class Row(Protocol):
    """What names are looked up in: one row of a table together with the scalars."""

    def value(self, name: str) -> Scalar:
        """The value of an object. Raises Absent or Unusable."""
        ...

    def per_second(self, name: str) -> float:
        """The rate of a counter since the last answer. Raises Absent or Unusable (no earlier answer, a reset)."""
        ...

    def rise(self, name: str) -> float:
        """By how much a counter rose in the last 24 hours, as far as it was watched. Raises as `per_second` does."""
        ...

    def each(self, name: str) -> list[float]:
        """The numbers of a whole column. Raises Absent when it is empty."""
        ...

    def count(self, name: str) -> int:
        """How many rows a column has. Raises Absent when it has none."""
        ...

    def now(self) -> int:
        """The wall clock when the answer was in, epoch ms."""
        ...

    def asked_at(self) -> int:
        """The wall clock at the middle of the request, epoch ms."""
        ...


Evaluate = Callable[[Row], Scalar]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression; `names` are the objects that it mentions, in the order of the text, `counters` those of
    them whose rise it asks for, `functions` those that it calls."""

    text: str
    names: tuple[str, ...]
    counters: tuple[str, ...]
    functions: frozenset[str]
    evaluate: Evaluate = field(compare=False)

    @property
    def is_rate(self) -> bool:
        """Whether it is nothing but a counter's rise: evaluating it looks at the counter, whatever comes of it."""
        return any(self.text == f"{name}({counter})" for name in _OVER_TIME for counter in self.counters)

    def is_true(self, row: Row) -> bool:
        """Whether it holds. An expression about an absent or unusable object does not."""
        try:
            return bool(self.evaluate(row))
        except (Absent, Unusable):
            return False


def parse(text: object) -> Expression:
    """Parse `text`. ValueError says what is not understood."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError("must be an expression: a name, a number or arithmetic over names")
    written = str(text).strip()
    if len(written) > MAX_CHARS:
        raise ValueError(f"an expression has at most {MAX_CHARS} characters")
    try:
        # Texts have no escapes: a backslash is itself, as patterns need it.
        tree = ast.parse(written.replace("\\", "\\\\"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"not an expression: {written!r}") from None
    names: dict[str, None] = {}
    evaluate = _compile(tree, names, 0)
    calls = [
        (call.func.id, call.args[0])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    ]
    counters = tuple(arg.id for name, arg in calls if name in _OVER_TIME and isinstance(arg, ast.Name))
    return Expression(written, tuple(names), counters, frozenset(name for name, _ in calls), evaluate)


def _compile(node: ast.expr, names: dict[str, None], depth: int) -> Evaluate:
    if depth > MAX_DEPTH:
        raise ValueError("the expression is nested too deeply")
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as constant):
            return lambda row: constant
        case ast.Name(id=name):
            names[name] = None
            return lambda row: row.value(name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _arithmetic(
                _ARITHMETIC[type(op)], _compile(left, names, depth + 1), _compile(right, names, depth + 1)
            )
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _compile(operand, names, depth + 1)
            return lambda row: -_number(inner(row))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _compile(operand, names, depth + 1)
            return lambda row: not inner(row)
        case _:
            return _compile_other(node, names, depth + 1)


def _compile_other(node: ast.expr, names: dict[str, None], depth: int) -> Evaluate:
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_compile(value, names, depth) for value in values]
            return _until(parts, isinstance(op, ast.Or))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISON:
            return _comparison(
                _COMPARISON[type(op)], _compile(left, names, depth), _compile(right, names, depth)
            )
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[ast.Tuple(elts=items)]):
            one, wanted = _compile(left, names, depth), isinstance(op, ast.In)
            if all(isinstance(item, ast.Constant) for item in items):
                constants = tuple(item.value for item in items if isinstance(item, ast.Constant))
                return lambda row: (one(row) in constants) is wanted
            several = [_compile(item, names, depth) for item in items]
            return lambda row: (one(row) in [item(row) for item in several]) is wanted
        case ast.IfExp(test=test_node, body=body, orelse=orelse):
            test_of, yes, no = (_compile(item, names, depth) for item in (test_node, body, orelse))
            return lambda row: yes(row) if test_of(row) else no(row)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _call(name, args, names, depth)
        case _:
            raise ValueError(f"not understood in an expression: {ast.unparse(node)!r}")


def _call(name: str, args: list[ast.expr], names: dict[str, None], depth: int) -> Evaluate:
    if name in _BY_NAME:
        if len(args) != 1 or not isinstance(args[0], ast.Name):
            raise ValueError(f"{name}() takes one name")
        mentioned = args[0].id
        names[mentioned] = None
        return _BY_NAME[name](mentioned)
    if name not in FUNCTIONS:
        raise ValueError(f"there is no function {name!r}")
    if name in ("matches", "extract") and len(args) == 2:
        if not isinstance(args[1], ast.Constant):
            raise ValueError(f"{name}() takes a pattern in quotes, not one that a device could choose")
        found = _pattern(str(args[1].value))
        if name == "extract" and found.groups != 1:
            raise ValueError("extract() takes a pattern with one group: what to take out")
    arity, function = FUNCTIONS[name]
    if len(args) not in arity:
        raise ValueError(f"{name}() takes {arity.start} to {arity.stop - 1} arguments, not {len(args)}")
    compiled = [_compile(arg, names, depth) for arg in args]
    return lambda row: function(row, compiled)


def _arithmetic(operate: Callable[[float, float], float], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(row: Row) -> Scalar:
        try:
            return operate(_number(left(row)), _number(right(row)))
        except (ZeroDivisionError, OverflowError):
            raise Unusable from None

    return evaluate


def _comparison(compare: Callable[[Scalar, Scalar], bool], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(row: Row) -> Scalar:
        try:
            return compare(left(row), right(row))
        except TypeError:
            raise Unusable from None

    return evaluate


def _until(parts: list[Evaluate], wanted: bool) -> Evaluate:
    """Whether any part is as `wanted`: `or` looks for a true one, `and` for a false one; the rest is not looked at."""

    def evaluate(row: Row) -> Scalar:
        for part in parts:
            if bool(part(row)) is wanted:
                return wanted
        return not wanted

    return evaluate


def _number(value: Scalar) -> int | float:
    if isinstance(value, int | float):
        return value
    raise Unusable


def leading_number(text: str) -> int | float:
    """The number that a text begins with: 3.101 of `3.101 V`. Raises Unusable."""
    found = re.match(r"\s*([-+]?\d{1,15}(?:\.\d{1,9})?)", text)
    if found is None:
        raise Unusable
    return float(found[1]) if "." in found[1] else int(found[1])


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"not a pattern: {text!r}: {error}") from None


def _first(row: Row, args: list[Evaluate]) -> Scalar:
    for arg in args:
        try:
            return arg(row)
        except Absent:
            continue
    raise Absent


def _present(row: Row, args: list[Evaluate]) -> Scalar:
    try:
        args[0](row)
    except Absent:
        return False
    except Unusable:
        return True
    return True


def _matches(row: Row, args: list[Evaluate]) -> Scalar:
    return re.search(str(args[1](row)), str(args[0](row))) is not None


def _extract(row: Row, args: list[Evaluate]) -> Scalar:
    found = re.search(str(args[1](row)), str(args[0](row)))
    if found is None or not found[1]:
        raise Absent
    return found[1].strip()


def _part(row: Row, args: list[Evaluate]) -> Scalar:
    pieces = str(args[0](row)).split(".")
    start, count = int(_number(args[1](row))), int(_number(args[2](row)))
    if start < 0 or count < 1 or start + count > len(pieces):
        raise Unusable
    return ".".join(pieces[start : start + count])


def _label(row: Row, args: list[Evaluate]) -> Scalar:
    """A text written as an index: its length, then its characters (RFC 2578 section 7.7)."""
    try:
        numbers = [int(piece) for piece in str(args[0](row)).split(".")]
        body = bytes(numbers[1 : 1 + numbers[0]])
        return body.decode("utf-8")
    except (ValueError, IndexError):
        raise Unusable from None


def _address(row: Row, args: list[Evaluate]) -> Scalar:
    """An InetAddress written as an index: its length, then its octets (RFC 4001 section 4)."""
    try:
        numbers = [int(piece) for piece in str(args[0](row)).split(".")]
        start = int(_number(args[1](row)))
        length = numbers[start]
        octets = bytes(numbers[start + 1 : start + 1 + length])
        if start < 0 or length not in (4, 16) or len(octets) != length:
            raise Unusable
        return str(ip_address(octets))
    except (ValueError, IndexError):
        raise Unusable from None


def _plain(function: Callable[..., Scalar]) -> Callable[[Row, list[Evaluate]], Scalar]:
    return lambda row, args: function(*(_number(arg(row)) for arg in args))


def _skew(row: Row, args: list[Evaluate]) -> Scalar:
    return (_number(args[0](row)) - row.asked_at()) / 1000


def _age(row: Row, args: list[Evaluate]) -> Scalar:
    return max(0.0, (row.now() - _number(args[0](row))) / 1000)


def _power10(row: Row, args: list[Evaluate]) -> Scalar:
    exponent = _number(args[0](row))
    if not -30 <= exponent <= 30:
        raise Unusable
    return 10.0**exponent


def _days_until(row: Row, args: list[Evaluate]) -> Scalar:
    return (_number(args[0](row)) - row.now()) / DAY_MS


_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}

_COMPARISON: Mapping[type[ast.cmpop], Callable[[Scalar, Scalar], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,  # type: ignore[dict-item]  # a TypeError there becomes Unusable
    ast.LtE: operator.le,  # type: ignore[dict-item]
    ast.Gt: operator.gt,  # type: ignore[dict-item]
    ast.GtE: operator.ge,  # type: ignore[dict-item]
}

_BY_NAME: Mapping[str, Callable[[str], Evaluate]] = {
    "per_second": lambda name: lambda row: row.per_second(name),
    "per_minute": lambda name: lambda row: row.per_second(name) * 60,
    "per_day": lambda name: lambda row: row.rise(name),
    "mean": lambda name: lambda row: fmean(row.each(name)),
    "total": lambda name: lambda row: sum(row.each(name)),
    "count": lambda name: lambda row: row.count(name),
    "largest": lambda name: lambda row: max(row.each(name)),
}
"""Functions over a name: a counter's rate, its rate times 60, its rise within the last day; and over the values of a
whole column."""

_OVER_TIME = frozenset({"per_second", "per_minute", "per_day"})

FUNCTIONS: Mapping[str, tuple[range, Callable[[Row, list[Evaluate]], Scalar]]] = {
    "first": (range(1, 9), _first),
    "present": (range(1, 2), _present),
    "matches": (range(2, 3), _matches),
    "extract": (range(2, 3), _extract),
    "number": (range(1, 2), lambda row, args: leading_number(str(args[0](row)))),
    "concat": (range(1, 9), lambda row, args: "".join(str(arg(row)) for arg in args)),
    "lower": (range(1, 2), lambda row, args: str(args[0](row)).lower()),
    "part": (range(3, 4), _part),
    "label": (range(1, 2), _label),
    "address": (range(2, 3), _address),
    "min": (range(2, 9), _plain(min)),
    "max": (range(2, 9), _plain(max)),
    "abs": (range(1, 2), _plain(abs)),
    "skew": (range(1, 2), _skew),
    "age": (range(1, 2), _age),
    "days_until": (range(1, 2), _days_until),
    "power10": (range(1, 2), _power10),
}
"""Functions over values.

`first(a, b)`: the first that the device offers. `present(a)`. `matches(text, 'pattern')`. `extract(text, 'pattern')`:
what the pattern's group takes out, absent without a match. `number(text)`: the number that it begins with.
`concat(...)`, `lower(text)`. A row's index is read by `part(index, start, count)`, `label(index)` and
`address(index, start)`. `skew(date)`: device clock minus ours, s. `age(date)`, s. `days_until(date)`. `power10(n)`: ten
to the power of n.
"""

FUNCTION_NAMES = frozenset({*_BY_NAME, *FUNCTIONS})
"""Every function that an expression may call."""
