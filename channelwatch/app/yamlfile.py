"""YAML files into pydantic models, every complaint naming file, line and field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from channelwatch.app.files import read_at_most
from channelwatch.base.errors import InputError
from channelwatch.base.garbage import without_collection

M = TypeVar("M", bound=BaseModel)
Location = tuple[str | int, ...]

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is read: a national inventory is about a tenth of it."""


MAX_DEPTH = 16
"""No format of this product nests deeper."""

MAX_SHOWN = 40
"""Characters of a wrong value that are shown."""

PLAIN = {
    "extra_forbidden": "unknown key",
    "missing": "is required",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "invalid_key": "a key must be text: put it in quotes",
}
"""Kinds of pydantic's complaints that its own words would say in the language of programmers."""


class YamlFile:
    """A parsed YAML file that remembers on which line each key stands."""

    def __init__(self, path: Path) -> None:
        """Read and parse `path`. InputError when it is missing, too large, not UTF-8 or not YAML."""
        self.path = path
        self.data: object = {}
        self._lines: dict[Location, int] = {}
        text = _read(path)
        with without_collection():
            node = _compose(path, text)
            if node is not None:
                problems = [f"{path}:{line}: {problem}" for line, problem in _index(node, (), self._lines)]
                if problems:
                    raise InputError(problems)
                self.data = _construct(path, node)

    def line(self, location: Location) -> int:
        """The line (from 1) of the key or entry at `location`, or of the nearest one above it."""
        return self._lines.get(self._known(location), 1)

    def problem(self, location: Location, message: str) -> str:
        """`file:line: field: message`."""
        known = self._known(location)
        is_there = [str(part) for part in known[-1:]] == [str(part) for part in location[-1:]]
        field = field_text(known if is_there else (*known, *location[-1:]))
        return f"{self.path}:{self.line(location)}: " + (f"{field}: {message}" if field else message)

    def _known(self, location: Location) -> Location:
        """`location` without the parts that do not stand in the file, such as pydantic's names of union members."""
        known: Location = ()
        for part in location:
            # A key such as 2 is a number to YAML and text to the index.
            here = (*known, part) if (*known, part) in self._lines else (*known, str(part))
            if here in self._lines:
                known = here
        return known

    def validate(self, model: type[M], context: Mapping[str, object] | None = None) -> M:
        """The file as `model`, with `context` for its validators. InputError with one line for each problem."""
        if not isinstance(self.data, dict):
            raise InputError([self.problem((), "must be a mapping")])
        try:
            return model.model_validate(self.data, context=context)
        except ValidationError as error:
            raise InputError(
                [self.problem(item["loc"], plain_words(item["type"], item["msg"])) for item in error.errors()]
            ) from None


def load_model(path: Path, model: type[M]) -> M:
    """Read `path` as `model`. InputError names file, line and field of each problem."""
    return YamlFile(path).validate(model)


def field_text(location: Location) -> str:
    """`devices[3].address` from `("devices", 3, "address")`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def plain_words(kind: str, message: str) -> str:
    """What pydantic says by a complaint of `kind`, as a sentence for whoever wrote the data."""
    if kind in PLAIN:
        return PLAIN[kind]
    message = re.sub(r"\b(?:Input|String|Tuple|List|Dictionary) should ", "must ", message)
    message = re.sub(r" after validation, not .*", "", message)
    return message.removeprefix("Value error, ")


def _read(path: Path) -> str:
    try:
        raw = read_at_most(path, MAX_BYTES)
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except (OSError, ValueError) as error:
        raise InputError([f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError([f"{path}:{line}: not UTF-8 text"]) from None


def _compose(path: Path, text: str) -> yaml.Node | None:
    try:
        _refuse_aliases_and_depth(path, text)
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        line, problem = _yaml_problem(text, error)
        raise InputError([f"{path}:{line}: not valid YAML: {problem}"]) from None


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
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or node.start_mark
        raise InputError([f"{path}:{mark.line + 1}: not valid YAML: {error.problem}"]) from None
    except ValueError:
        raise InputError(
            [
                f"{path}:{item.start_mark.line + 1}: there is no such date or number: {item.value[:MAX_SHOWN]}"
                for item in _no_values(yaml.SafeLoader(""), node)
            ]
        ) from None


def _no_values(loader: yaml.SafeLoader, node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """The scalars that have the form of a date or a number and are none, such as 2026-02-30."""
    if isinstance(node, yaml.ScalarNode):
        try:
            loader.construct_object(node)
        except ValueError:
            yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _no_values(loader, item)
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for item in pair:
                yield from _no_values(loader, item)


def _yaml_problem(text: str, error: yaml.YAMLError) -> tuple[int, str]:
    """The line (from 1) of what YAML refuses, and what it is."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.encode().count(b"\n", 0, error.position) + 1
        return line, f"the control character U+{int(error.character):04X}"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return 1, str(error)
    lines = text.splitlines()
    if mark.line < len(lines) and lines[mark.line][mark.column :].startswith("\t"):
        return mark.line + 1, "a tab; indent by blanks"
    return mark.line + 1, str(getattr(error, "problem", None) or error)


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
