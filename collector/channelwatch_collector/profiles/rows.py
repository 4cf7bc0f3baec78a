"""An answer seen as rows in which names can be looked up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import islice, repeat

from channelwatch.base.clock import LOCAL_ZONE
from channelwatch.status.signals import Scalar
from channelwatch_collector.profiles import values
from channelwatch_collector.profiles.counters import (
    Sample,
    Uptimes,
    Window,
    make_sample,
    per_second,
    rise,
)
from channelwatch_collector.profiles.damping import Held
from channelwatch_collector.profiles.expression import Absent, Unusable
from channelwatch_collector.profiles.known import Known
from channelwatch_collector.profiles.model import JsonSource, ObjectSpec, TableSpec
from channelwatch_collector.profiles.plan import Cells, Column
from channelwatch_collector.profiles.values import TypeRule
from channelwatch_collector.snmp.port import Oid, PollFailure, Value

MAX_ROWS = 4096
"""The most rows of one table that are decoded; what is beyond is left out."""

MAX_JSON = 256 * 1024
"""The longest JSON text that is read, in octets."""

Key = tuple[object, str]

_AUTO = TypeRule.AUTO


@dataclass(frozen=True, slots=True)
class Moment:
    """When an answer was got. Instants are epoch ms, `tick` is the monotonic clock (ms), `zone` is for device dates
    that name none."""

    sent_at: int
    received_at: int
    tick: int
    zone: tzinfo = LOCAL_ZONE

    @property
    def asked_at(self) -> int:
        """The middle of the request."""
        return (self.sent_at + self.received_at) // 2

    @property
    def doubt_s(self) -> float:
        """How far `asked_at` may be from the instant at which the device looked at its clock, s."""
        return max(0, self.received_at - self.sent_at) / 2000


@dataclass(frozen=True, slots=True)
class Memory:
    """What decoding remembers of a device between two answers. Keys are `table.name|component`."""

    counters: Mapping[str, Sample] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    held: Mapping[Key, Held] = field(default_factory=dict)
    uptimes: Uptimes | None = None
    known: Known | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Watch:
    """Counters while one answer is decoded: `before` is read, `after` is what the next answer will compare with."""

    before: Memory
    tick: int
    samples: dict[str, Sample] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)

    def per_second(self, key: str, sample: Sample) -> float:
        """The rate since the last answer. Raises Unusable without one, and after a reset."""
        earlier = self.before.counters.get(key)
        rate = per_second(earlier, sample) if earlier is not None else None
        if rate is None:
            raise Unusable
        return rate

    def keep(self, keys: Sequence[str]) -> None:
        """These counters show now what they showed last time."""
        for key in keys:
            if key not in self.samples:
                value, _, width = self.before.counters[key]
                self.samples[key] = make_sample((value, self.tick, width))

    def rise(self, key: str, sample: Sample) -> float:
        """The rise within the last day, as far as the counter was watched."""
        earlier = self.before.counters.get(key)
        # After a reset the counter began at zero again: what it shows now has risen since.
        risen = 0 if earlier is None else rise(earlier, sample)
        window = self.before.windows.get(key, Window())
        self.windows[key] = window.add(sample.value if risen is None else risen, self.tick)
        return self.windows[key].total


@dataclass(frozen=True, slots=True)
class Answer:
    """The readable side of a poll's answer, or of the varbinds of a trap."""

    scalars: Mapping[Oid, Value]
    columns: Mapping[Oid, Mapping[Oid, Value]]
    failed: Mapping[Oid, PollFailure] = field(default_factory=dict)


class DeviceRow:
    """The scalars of a device as one row. `component` names a row of a table, `counted_as` tells its counters from
    those of other rows."""

    def __init__(
        self, answer: Answer, scalars: Mapping[str, ObjectSpec], moment: Moment, watch: Watch
    ) -> None:
        self.answer = answer
        self.moment = moment
        self.watch = watch
        self.component = ""
        self.counted_as = ""
        self.counted: list[str] = []
        """What the counters that were looked at are remembered as."""
        self._scalars = scalars
        # What was read is kept: a name is mentioned by several expressions of one row.
        self._values: dict[str, Scalar] = {}
        self._samples: dict[str, tuple[str, Sample, float]] = {}
        self._rates: dict[str, float] = {}

    def value(self, name: str) -> Scalar:
        found = self._values.get(name)
        if found is None:
            found = self._values[name] = self._read(name)
        return found

    def judging(self, value: Scalar) -> None:
        """From here on the name `value` is this: what the signal that is being judged shows."""
        self._values["value"] = value

    def expected(self, wanted: bool) -> None:
        """From here on the name `expected` is this: whether the inventory expects the row as a tunnel."""
        self._values["expected"] = wanted

    def per_second(self, name: str) -> float:
        rate = self._rates.get(name)
        if rate is None:
            key, sample, scale = self._sample(name)
            rate = self._rates[name] = self.watch.per_second(key, sample) * scale
        return rate

    def rise(self, name: str) -> float:
        key, sample, scale = self._sample(name)
        return self.watch.rise(key, sample) * scale

    def remember(self, name: str) -> None:
        """Keep a counter's value for the next answer, if there is one."""
        known = self._samples.get(name)
        if known is not None:
            self.counted.append(known[0])
            return
        with suppress(Absent, Unusable):
            self._sample(name)

    def each(self, name: str) -> list[float]:
        spec = self._spec(name)
        for oid in spec.oid:
            cells = self.answer.columns.get(oid)
            if cells:
                found = [number for cell in cells.values() for number in self._numbers(cell, spec)]
                if not found:
                    raise Unusable
                return found
        raise Unusable if any(oid in self.answer.failed for oid in spec.oid) else Absent

    def count(self, name: str) -> int:
        spec = self._spec(name)
        for oid in spec.oid:
            cells = self.answer.columns.get(oid)
            if cells:
                return len(cells)
        raise Unusable if any(oid in self.answer.failed for oid in spec.oid) else Absent

    def now(self) -> int:
        return self.moment.received_at

    def asked_at(self) -> int:
        return self.moment.asked_at

    def source(self, name: str) -> str:
        """The instance that a name was read from, or the column; empty if it was not read."""
        try:
            spec = self._spec(name)
            return values.dotted(spec.oid[0] if spec.column else self._found(spec)[1])
        except (Absent, Unusable):
            return ""

    def _numbers(self, cell: Value, spec: ObjectSpec) -> list[float]:
        try:
            number = values.read(cell, spec.type, self.moment.zone)
        except (Absent, Unusable):
            return []
        return [number * spec.scale] if isinstance(number, int | float) else []

    def _read(self, name: str) -> Scalar:
        spec = self._spec(name)
        return _scaled(self._found(spec)[0], spec, self.moment)

    def _spec(self, name: str) -> ObjectSpec:
        spec = self._scalars.get(name)
        if spec is None:
            raise Absent
        return spec

    def _found(self, spec: ObjectSpec) -> tuple[Value, Oid]:
        """The first of a spec's objects that the device offers. Raises Absent, or Unusable if one was spoilt."""
        spoilt = False
        for oid in spec.oid:
            found = self.answer.scalars.get(oid)
            if found is not None and found.exists:
                return found, oid
            spoilt = spoilt or oid in self.answer.failed
        raise Unusable if spoilt else Absent

    def _sample(self, name: str) -> tuple[str, Sample, float]:
        """(what the counter is remembered as, what it shows now, its scale), kept for the next answer."""
        known = self._samples.get(name)
        if known is None:
            known = self._samples[name] = self._sampled(name)
            self.watch.samples[known[0]] = known[1]
        self.counted.append(known[0])
        return known

    def _sampled(self, name: str) -> tuple[str, Sample, float]:
        spec = self._spec(name)
        found, _ = self._found(spec)
        return f"{name}|", _counter(found, spec, self), spec.scale


class TableRow(DeviceRow):
    """One row of the table `name`; names that it lacks are looked up among the scalars."""

    def __init__(
        self, device: DeviceRow, name: str, columns: Mapping[str, Column], index: str, cells: Cells
    ) -> None:
        super().__init__(device.answer, device._scalars, device.moment, device.watch)
        self._device = device
        self._name = name
        self._columns = columns
        self._cells = cells
        self._index = self._values["index"] = index
        self._sources: dict[str, str] = {}

    def source(self, name: str) -> str:
        prefix = self._sources.get(name)
        if prefix is not None:
            return values.joined(prefix, self._index)
        column = self._columns.get(name)
        if column is None:
            return self._device.source(name)
        try:
            return values.joined(self._at(column)[1], self._index)
        except (Absent, Unusable):
            return ""

    def _at(self, column: Column) -> tuple[Value, str]:
        """The first value that the device offers in this row. Raises Absent, or Unusable if one was spoilt."""
        for place, prefix in column.sources:
            found = self._cells[place]
            # None is what an absent value holds: faster than to ask for its type.
            if found is not None and found.value is not None:
                return found, prefix
        failed = self.answer.failed
        raise Unusable if failed and any(oid in failed for oid in column.spec.oid) else Absent

    def _read(self, name: str) -> Scalar:
        column = self._columns.get(name)
        if column is None:
            return self._device.value(name)
        found, self._sources[name] = self._at(column)
        return _scaled(found, column.spec, self.moment)

    def _sampled(self, name: str) -> tuple[str, Sample, float]:
        column = self._columns.get(name)
        if column is None:
            return self._device._sample(name)
        found, self._sources[name] = self._at(column)
        key = f"{self._name}.{name}|{self.counted_as}"
        return key, _counter(found, column.spec, self), column.spec.scale


class JsonRow(DeviceRow):
    """One row of a table that came as JSON."""

    def __init__(self, device: DeviceRow, table: TableSpec, index: str, cells: Mapping[str, Scalar]) -> None:
        super().__init__(device.answer, device._scalars, device.moment, device.watch)
        assert table.json_ is not None
        self._table = table
        self._oid = table.json_.oid
        self._cells = cells
        self._values["index"] = index

    def source(self, name: str) -> str:
        return values.dotted(self._oid) if name in self._table.keys else super().source(name)

    def _read(self, name: str) -> Scalar:
        if name not in self._table.keys:
            return super()._read(name)
        found = self._cells.get(name)
        if found is None:
            raise Absent
        return found

    def _sampled(self, name: str) -> tuple[str, Sample, float]:
        if name not in self._table.keys:
            return super()._sampled(name)
        number = self.value(name)
        if not isinstance(number, int) or number < 0:
            raise Unusable
        return f"{self._table.name}.{name}|{self.counted_as}", Sample(number, self.watch.tick), 1


def _scaled(found: Value, spec: ObjectSpec, moment: Moment) -> Scalar:
    result = found.value
    if spec.type is not _AUTO or not isinstance(result, int):
        result = values.read(found, spec.type, moment.zone)
    return result * spec.scale if spec.scale != 1 and isinstance(result, int | float) else result


def _counter(found: Value, spec: ObjectSpec, row: DeviceRow) -> Sample:
    number = found.value
    if spec.type is not _AUTO or not isinstance(number, int):
        read = values.read(found, spec.type, row.moment.zone)
        number = int(read) if isinstance(read, str) and read.isdecimal() else read
    if not isinstance(number, int) or number < 0:
        raise Unusable
    return make_sample((number, row.watch.tick, values.width(found)))


def json_rows(device: DeviceRow, table: TableSpec) -> Iterator[DeviceRow]:
    """The rows of a table that came as JSON, at most MAX_ROWS.

    Raises Unusable if the table as a whole is, Absent if the object that would hold it is not there.
    """
    assert table.json_ is not None
    for index, cells in _json_rows(device.answer, table.json_)[:MAX_ROWS]:
        yield JsonRow(device, table, index, cells)


def table_cells(answer: Answer, oids: Sequence[Oid]) -> list[tuple[Oid, Cells]]:
    """The rows of the columns `oids`, each index with its cells, in the agent's order, at most MAX_ROWS."""
    columns = list(map(answer.columns.get, oids))
    if not any(columns):
        return []
    lists = [list(column) if column else None for column in columns]
    suffixes = next(found for found in lists if found)
    if all(found is None or found == suffixes for found in lists):
        cells = zip(*[column.values() if column else repeat(None) for column in columns], strict=False)
    else:
        suffixes = list(dict.fromkeys(suffix for found in lists for suffix in found or ()))
        cells = zip(*[map((column or {}).get, suffixes) for column in columns], strict=True)
    return list(islice(zip(suffixes, cells, strict=True), MAX_ROWS))


def is_spoilt(answer: Answer, table: TableSpec) -> bool:
    """Whether a part of the table could not be read, so that a missing row proves nothing."""
    if table.json_ is not None:
        return table.json_.oid in answer.failed
    return any(oid in answer.failed for spec in table.columns.values() for oid in spec.oid)


def _json_rows(answer: Answer, source: JsonSource) -> list[tuple[str, Mapping[str, Scalar]]]:
    found = answer.scalars.get(source.oid)
    if source.oid in answer.failed:
        raise Unusable
    if found is None or not found.exists:
        raise Absent
    if not isinstance(found.value, bytes) or len(found.value) > MAX_JSON:
        raise Unusable
    try:
        document = json.loads(found.value)
    except (ValueError, RecursionError):
        raise Unusable from None
    level: list[tuple[str, object]] = [("", document)]
    for step in source.rows:
        level = [deeper for index, node in level for deeper in _step(index, node, step)][: MAX_ROWS * 2]
    return [(index, _cells(node)) for index, node in level if isinstance(node, dict)]


def _step(index: str, node: object, step: str) -> Iterator[tuple[str, object]]:
    children: Iterator[tuple[str, object]] = iter(())
    if isinstance(node, dict):
        children = ((str(key), child) for key, child in node.items())
    elif isinstance(node, list):
        children = ((str(number), child) for number, child in enumerate(node))
    for key, child in children:
        if step == "*":
            yield (f"{index}/{key}" if index else key), child
        elif key == step:
            yield index, child


def _cells(node: Mapping[str, object]) -> Mapping[str, Scalar]:
    cells: dict[str, Scalar] = {}
    for key, cell in node.items():
        if isinstance(cell, str):
            cells[str(key)] = values.text(cell.encode("utf-8", "replace"))
        elif isinstance(cell, int | float):
            cells[str(key)] = cell
    return cells
