"""YAML files into pydantic models, every complaint naming file, line and field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from channelwatch.base.errors import InputError

M = TypeVar("M", bound=BaseModel)
Location = tuple[str | int, ...]

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is read: a national inventory is about a tenth of it."""


MAX_DEPTH = 16
"""No format of this product nests deeper."""


class YamlFile:
    """A parsed YAML file that remembers on which line each key stands."""

    def __init__(self, path: Path) -> None:
        """Read and parse `path`. InputError when it is missing, too large, not UTF-8 or not YAML."""
        self.path = path
        node = _compose(path)
        self._lines: dict[Location, int] = {}
        problems: list[str] = []
        if node is not None:
            problems = [f"{path}:{line}: {text}" for line, text in _index(node, (), self._lines)]
        if problems:
            raise InputError(problems)
        self.data: object = _construct(path, node) if node is not None else {}

    def line(self, location: Location) -> int:
        """The line (from 1) of the key or entry at `location`, or of the nearest one above it."""
        return self._lines.get(self._known(location), 1)

    def problem(self, location: Location, message: str) -> str:
        """`file:line: field: message`."""
        known = self._known(location)
        absent = location[-1:] if location and location[-1:] != known[-1:] else ()
        field = field_text((*known, *absent))
        return f"{self.path}:{self.line(location)}: " + (f"{field}: {message}" if field else message)

    def _known(self, location: Location) -> Location:
        """`location` without the parts that do not stand in the file, such as pydantic's names of union members."""
        known: Location = ()
        for part in location:
            if (*known, part) in self._lines:
                known = (*known, part)
        return known

    def validate(self, model: type[M], context: Mapping[str, object] | None = None) -> M:
        """The file as `model`, with `context` for its validators. InputError with one line for each problem."""
        try:
            return model.model_validate(self.data, context=context)
        except ValidationError as error:
            raise InputError([self.problem(item["loc"], _message(item)) for item in error.errors()]) from None


def load_model(path: Path, model: type[M]) -> M:
    """Read `path` as `model`. InputError names file, line and field of each problem."""
    return YamlFile(path).validate(model)


def field_text(location: Location) -> str:
    """`devices[3].address` from `("devices", 3, "address")`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _message(item: object) -> str:
    assert isinstance(item, dict)
    kind, message = item["type"], str(item["msg"])
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "is required"
    return message.removeprefix("Value error, ")


def _compose(path: Path) -> yaml.Node | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError([f"{path}: larger than {MAX_BYTES // 1024 // 1024} MiB"])
        text = path.read_text(encoding="utf-8")
        _refuse_aliases_and_depth(path, text)
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([f"{path}: cannot be read: {error}"]) from None
    except yaml.YAMLError as error:
        raise InputError([_yaml_problem(path, error)]) from None


def _refuse_aliases_and_depth(path: Path, text: str) -> None:
    """Look at the file's events first: libyaml's composer recurses without a limit, and an alias may be a loop."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark is not None else 1
            raise InputError([f"{path}:{line}: aliases and deep nesting are not used here"])


def _construct(path: Path, node: yaml.Node) -> object:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError([_yaml_problem(path, error)]) from None


def _yaml_problem(path: Path, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    text = getattr(error, "problem", None) or str(error)
    return (
        f"{path}:{mark.line + 1}: not valid YAML: {text}"
        if mark is not None
        else f"{path}: not valid YAML: {text}"
    )


def _index(node: yaml.Node, location: Location, lines: dict[Location, int]) -> Iterator[tuple[int, str]]:
    """Fill `lines`; yield what YAML itself lets pass and we do not: a repeated key, a key that is no text."""
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            key_line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                yield key_line, "a key must be plain text"
                continue
            here = (*location, str(key.value))
            if here in lines:
                yield key_line, f"{field_text(here)}: key stands twice (first on line {lines[here]})"
            lines[here] = key_line
            yield from _index(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _index(value, (*location, index), lines)
