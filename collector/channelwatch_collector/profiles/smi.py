"""What a vendor's MIB modules define: objects with their identifiers, types and named numbers, and notifications.

The grammar is pysmi's, an option of the installation; what the definitions mean is worked out here, from the given
files alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from channelwatch.app.files import read_at_most
from channelwatch.base.errors import InputError
from channelwatch_collector.snmp.port import Oid

MAX_OCTETS = 8 * 1024 * 1024
"""The largest module that is read."""

NEEDS_PYSMI = (
    "reading MIB modules needs pysmi, which is not installed: install channelwatch with its extra `profiles`,"
    " or `pip install pysmi`"
)

_ROOTS: Mapping[str, Oid] = {
    "iso": (1,),
    "org": (1, 3),
    "dod": (1, 3, 6),
    "internet": (1, 3, 6, 1),
    "mgmt": (1, 3, 6, 1, 2),
    "mib-2": (1, 3, 6, 1, 2, 1),
    "transmission": (1, 3, 6, 1, 2, 1, 10),
    "experimental": (1, 3, 6, 1, 3),
    "private": (1, 3, 6, 1, 4),
    "enterprises": (1, 3, 6, 1, 4, 1),
    "snmpV2": (1, 3, 6, 1, 6),
    "snmpModules": (1, 3, 6, 1, 6, 3),
}

_WELL_KNOWN: Mapping[str, Mapping[int, str]] = {
    "TruthValue": {1: "true", 2: "false"},
    "DisplayString": {},
    "SnmpAdminString": {},
    "DateAndTime": {},
    "InetAddress": {},
}
"""Textual conventions whose own name says more than the type below it."""

MAX_CONVENTIONS = 8
"""How many textual conventions may stand on one another."""

_UNREADABLE = frozenset({"not-accessible", "accessible-for-notify", "write-only"})


@dataclass(frozen=True)
class MibObject:
    """A scalar or a column. `enum` names its numbers; `table` is the name of the column's table, empty for a scalar."""

    name: str
    oid: Oid
    syntax: str
    enum: Mapping[int, str]
    units: str = ""
    table: str = ""
    readable: bool = True
    description: str = ""


@dataclass(frozen=True)
class MibNotification:
    """A notification with the names of its objects."""

    name: str
    oid: Oid
    objects: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True)
class Mib:
    """What the modules define, in the order of their text."""

    modules: tuple[str, ...]
    objects: tuple[MibObject, ...]
    notifications: tuple[MibNotification, ...]


@dataclass
class _Tree:
    """Names as they are found: identifiers relative to others, and types."""

    parts: dict[str, list[Any]] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)

    def place(self, name: str, path: Path | None = None) -> str:
        """`FILE:LINE` of the first place where `name` stands, in `path` or anywhere; empty if it does not."""
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        for given, text in self.texts.items():
            found = word.search(text) if path in (None, given) else None
            if found is not None:
                return f"{given}:{text.count(chr(10), 0, found.start()) + 1}"
        return ""

    def oid(self, name: str, seen: frozenset[str] = frozenset()) -> Oid:
        """The identifier of `name`. KeyError with the name that leads nowhere."""
        if name in _ROOTS and name not in self.parts:
            return _ROOTS[name]
        if name in seen or name not in self.parts:
            raise KeyError(name)
        return self.resolve(self.parts[name], seen | {name})

    def resolve(self, parts: Sequence[Any], seen: frozenset[str] = frozenset()) -> Oid:
        """The identifier of `{ parent 1 2 }`."""
        first, *rest = parts
        head = self.oid(first, seen) if isinstance(first, str) else (_number(first),)
        return (*head, *(_number(part) for part in rest))

    def base(self, syntax: Any, depth: int = 0) -> tuple[str, Mapping[int, str]]:
        """(type, named numbers) of a SYNTAX clause, textual conventions followed to their end."""
        kind, *rest = syntax
        if kind == "row":
            return self._named(rest[0], depth)
        if kind == "BITS":
            return "BITS", {}
        name = str(rest[0]) if rest else str(kind)
        for sub in rest[1:]:
            if isinstance(sub, tuple) and sub[0] == "enumSpec":
                return name, {number: label for label, number in sub[1]}
        return (name, {}) if name not in self.types else self._named(name, depth)

    def _named(self, name: str, depth: int) -> tuple[str, Mapping[int, str]]:
        if name in _WELL_KNOWN:
            return name, _WELL_KNOWN[name]
        if name in self.types and depth < MAX_CONVENTIONS:
            return self.base(self.types[name], depth + 1)
        return name, {}


def read_modules(paths: Iterable[Path]) -> Mib:
    """The modules in `paths`. InputError names file and line of what is no MIB, and modules that are missing."""
    try:
        from pysmi.error import PySmiError
        from pysmi.parser import dialect
        from pysmi.parser.smi import parserFactory
    except ImportError:
        raise InputError([NEEDS_PYSMI]) from None
    parser = parserFactory(**dialect.smi_v1_relaxed)()
    modules: dict[str, list[Any]] = {}
    tree = _Tree()
    for path in paths:
        text = tree.texts[path] = _text(path)
        try:
            parsed = parser.parse(text)
        except PySmiError as error:
            raise InputError([_no_module(path, text, str(error))]) from None
        if not parsed:
            raise InputError([f"{path}:1: there is no MIB module in it"])
        for name, _, imports, declarations in parsed:
            if str(name) in modules:
                raise InputError([f"{tree.place(str(name), path)}: the module {name} was given already"])
            modules[str(name)] = [item for item in declarations if item]
            tree.imported.update(
                {symbol: home for home, symbols in (imports or {}).items() for symbol in symbols}
            )
            parser.reset()
    for declarations in modules.values():
        _collect(declarations, tree)
    return _build(list(modules.items()), tree)


def _text(path: Path) -> str:
    """The text as the grammar takes it: vendors' files have marks of their editors, and underscores in names."""
    try:
        text = read_at_most(path, MAX_OCTETS).decode("utf-8-sig", "replace").rstrip("\x00\x1a \r\n\t") + "\n"
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    pieces = text.split('"')
    return '"'.join(piece if quoted % 2 else piece.replace("_", "-") for quoted, piece in enumerate(pieces))


def _no_module(path: Path, text: str, problem: str) -> str:
    """Where the grammar stopped, and what stands there."""
    found = re.search(r"line (\d+)", problem)
    line = int(found[1]) if found else 1
    reason = re.sub(r"^Bad grammar.*", "cannot be understood", problem).partition(", line ")[0]
    lines = text.splitlines()
    there = lines[line - 1].strip()[:80] if 0 < line <= len(lines) else ""
    return f"{path}:{line}: not a MIB module: {reason} near {there!r}"


def _number(part: Any) -> int:
    return int(part[1]) if isinstance(part, tuple) else int(part)


def _collect(declarations: Iterable[Any], tree: _Tree) -> None:
    for declaration in declarations:
        kind, name, last = declaration[0], declaration[1], declaration[-1]
        if isinstance(last, tuple) and last[0] == "objectIdentifier":
            tree.parts[name] = last[1]
        if kind == "typeDeclaration":
            right = declaration[2]
            syntax = right[-1] if right else None
            if isinstance(syntax, tuple) and syntax[0] != "SEQUENCE":
                tree.types[name] = syntax


def _build(modules: Sequence[tuple[str, list[Any]]], tree: _Tree) -> Mib:
    missing: dict[str, None] = {}
    objects: list[MibObject] = []
    notifications: list[MibNotification] = []
    for _, declarations in modules:
        entries = dict(_entries(declarations))
        for declaration in declarations:
            try:
                if declaration[0] == "objectTypeClause":
                    objects.extend(_object(declaration, tree, entries))
                elif declaration[0] in ("notificationTypeClause", "trapTypeClause"):
                    notifications.append(_notification(declaration, tree))
            except KeyError as error:
                missing[str(error.args[0])] = None
    if missing:
        raise InputError([_lost(name, tree) for name in missing])
    return Mib(tuple(name for name, _ in modules), tuple(objects), tuple(notifications))


def _lost(name: str, tree: _Tree) -> str:
    home = tree.imported.get(name)
    if home:
        where = f"is imported from {home}: give that module with a further --mib"
    else:
        where = "is defined by itself" if name in tree.parts else "is defined nowhere"
    return f"{tree.place(name)}: {name} {where}"


def _entries(declarations: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """(entry, its table): the conceptual rows."""
    tables = {
        item[1] for item in declarations if item[0] == "objectTypeClause" and item[2][0] == "conceptualTable"
    }
    for item in declarations:
        if item[0] == "objectTypeClause" and item[-1][1][0] in tables:
            yield item[1], item[-1][1][0]


def _object(declaration: Any, tree: _Tree, entries: Mapping[str, str]) -> Iterator[MibObject]:
    _, name, syntax, units, access, _, description, *_, place = declaration
    if syntax[0] == "conceptualTable" or name in entries:
        return
    base, enum = tree.base(syntax)
    yield MibObject(
        name=name,
        oid=tree.resolve(place[1]),
        syntax=base,
        enum=enum,
        units=units[1] if units else "",
        table=entries.get(str(place[1][0]), ""),
        readable=access is None or access[1] not in _UNREADABLE,
        description=_sentence(description),
    )


def _notification(declaration: Any, tree: _Tree) -> MibNotification:
    if declaration[0] == "trapTypeClause":
        _, name, enterprise, variables, description, _, number = declaration
        # RFC 3584 section 3: enterprise, zero, the specific number.
        oid = (*tree.resolve(enterprise[1]), 0, int(number))
        return MibNotification(name, oid, tuple(variables[1]) if variables else (), _sentence(description))
    _, name, variables, _, description, *_, place = declaration
    return MibNotification(
        name, tree.resolve(place[1]), tuple(variables[1]) if variables else (), _sentence(description)
    )


def _sentence(description: Any) -> str:
    """The first sentence of a DESCRIPTION, in one line."""
    if not description:
        return ""
    plain = " ".join(str(description[1]).split())
    return plain.partition(". ")[0][:160].rstrip(".")
