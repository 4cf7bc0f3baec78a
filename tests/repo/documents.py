"""Reading the documents: tables, fenced blocks, keys of a format, and names of the code."""

from __future__ import annotations

import dataclasses
import importlib
import re
import types
from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tests.repo.tree import PACKAGES, repository_files, text_of

DOCS = [path for path in repository_files() if path.parts[0] == "docs" and path.suffix == ".md"]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
NAME_IN_CODE = re.compile(r"`((?:channelwatch|collector|api|simulator)/[\w/]+\.py)::([\w.]+)`")


def rows_under(text: str, *heading: str) -> list[list[str]]:
    """The rows below the table headings that begin with `heading`, each table up to its end."""
    found: list[list[str]] = []
    inside = False
    for line in FENCE.sub("", text).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif tuple(cells[: len(heading)]) == heading:
            inside = True
        elif inside and not re.fullmatch(r"[|\-: ]+", line):
            found.append(cells)
    return found


def plain(cell: str) -> str:
    """A cell without the marks of code and links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).replace("`", "").strip()


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order, without their indentation."""
    return [
        "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        for indent, kind, body in FENCE.findall(text)
        if kind == language
    ]


def example(name: str, first_line: str) -> str:
    """The YAML block of a document that begins with `first_line`."""
    (found,) = [
        block for block in blocks(text_of(Path("docs") / name), "yaml") if block.startswith(first_line)
    ]
    return found


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of a format: its default as documents write it, and the words that it takes."""

    default: str
    words: frozenset[str]


def keys_of(model: type[BaseModel], prefix: str = "") -> dict[str, Key]:
    """Every key that a file of this model may hold, by dotted path; `NAME` is a free name, `[]` a list's entry."""
    keys: dict[str, Key] = {}
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        path = prefix + (field.alias or name)
        inner = list(models_in(field.annotation))
        for step, found in inner:
            keys.update(keys_of(found, f"{path}{step}."))
        if not inner:
            keys[path] = Key(default_text(field), frozenset(words_in(field.annotation)))
    return keys


def options(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, None left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from options(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from options(part)
    elif annotation is not type(None):
        yield annotation


def models_in(annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models that an annotation leads to, each with the step to it."""
    for option in options(annotation):
        origin = get_origin(option)
        if origin is tuple:
            yield from (("[]", model) for _, model in models_in(get_args(option)[0]))
        elif origin is Mapping:
            yield from ((".NAME", model) for _, model in models_in(get_args(option)[1]))
        elif isinstance(option, type) and issubclass(option, BaseModel):
            yield "", option


def words_in(annotation: Any) -> Iterator[str]:
    """The closed vocabulary of a key, if it has one."""
    for option in options(annotation):
        if get_origin(option) is Literal:
            yield from map(str, get_args(option))
        elif isinstance(option, type) and issubclass(option, StrEnum):
            yield from (member.value for member in option)
        else:
            for part in get_args(option):
                yield from words_in(part)


def default_text(field: FieldInfo) -> str:
    """A default as a document writes it."""
    default = field.default
    if field.is_required():
        return "required"
    if default is None or default == "":
        return "none"
    if isinstance(default, frozenset):
        return "any"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return str(list(default))
    return str(default.value if isinstance(default, Enum) else default)


def named(place: str, name: str) -> Any:
    """What `path/to/module.py::name.attribute` names. AttributeError when there is none."""
    package = next(item for item in PACKAGES if place.startswith(f"{item}/"))
    root = Path(package).parent
    module = ".".join(Path(place).relative_to(root).with_suffix("").parts)
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        fields = (
            {item.name: item.default for item in dataclasses.fields(found)} if _is_dataclass(found) else {}
        )
        found = fields[part] if part in fields else getattr(found, part)
    return found


def _is_dataclass(value: Any) -> bool:
    return isinstance(value, type) and dataclasses.is_dataclass(value)
