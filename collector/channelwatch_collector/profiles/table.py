"""Reading one table of an answer, row by row, by the help of what the last answer came to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from channelwatch.status.signals import Reading, Scalar
from channelwatch_collector.profiles.again import keep_counters, moved_places, read_row, stands_still
from channelwatch_collector.profiles.expression import Absent, Unusable
from channelwatch_collector.profiles.judge import Read
from channelwatch_collector.profiles.known import KnownRow, KnownTable
from channelwatch_collector.profiles.model import TableSpec
from channelwatch_collector.profiles.plan import EVERY_PLACE, Cells, Plan
from channelwatch_collector.profiles.rows import DeviceRow, TableRow, json_rows, table_cells
from channelwatch_collector.profiles.values import MAX_TEXT, dotted
from channelwatch_collector.snmp.port import Oid

MAX_KNOWN = 1024
"""The most rows of one table that are remembered; of a larger one, every row is read in full each time."""

_NOBODY: frozenset[str] = frozenset()


class TableReader:
    """The `readings` of a table in one answer, and the names of tunnels that were `met` in it."""

    def __init__(
        self,
        table: TableSpec,
        plan: Plan,
        readers: Sequence[Read],
        device: DeviceRow,
        expected: Sequence[str],
    ) -> None:
        self.table = table
        self.device = device
        self.readings: list[Reading] = []
        self.met: set[str] = set()
        self._plan = plan
        self._readers = readers
        self._expected = expected
        self._taken: set[str] = set()
        self._clashed = False

    def read(self, before: KnownTable | None, *, spoilt: bool) -> KnownTable | None:
        """Read every row; what to know of them at the next answer.

        Raises Unusable if the table as a whole is, Absent if the object that would hold it as JSON is not there.
        """
        if self.table.json_ is not None:
            for row in json_rows(self.device, self.table):
                self._read_whole(row)
            return None
        plan, answer = self._plan, self.device.answer
        rows = table_cells(answer, plan.oids)
        if not rows:
            if spoilt:
                raise Unusable
            return None
        circumstances = (
            self.device.moment.zone,
            tuple(self._expected),
            *map(answer.scalars.get, plan.scalars),
        )
        if before is not None and before.circumstances != circumstances:
            before = None
        known = {
            suffix: self._row(suffix, cells, None if before is None else before.rows.get(suffix))
            for suffix, cells in rows
        }
        is_known = plan.remembers and not self._clashed and len(rows) <= MAX_KNOWN
        return KnownTable(circumstances, known) if is_known else None

    def _row(self, suffix: Oid, cells: Cells, before: KnownRow | None) -> KnownRow:
        plan, row = self._plan, None
        moved = EVERY_PLACE if before is None else moved_places(cells, before.cells)
        if before is None or moved & plan.naming:
            row = self._fresh(suffix, cells)
            name, others = self._named(row)
        elif before.name is None and not moved:
            return before
        else:
            name, others = before.name, before.peers
        if name is None:
            return KnownRow(cells, moved)
        component = self._component(name, suffix)
        if before is not None and (before.name is None or before.component != component):
            before, moved = None, EVERY_PLACE
        is_expected = self._meet(component, others)
        if before is not None and not moved and stands_still(plan, before):
            keep_counters(plan, self.device.watch, before)
            self.readings += before.told
            return before
        row = row or self._fresh(suffix, cells)
        self._place(row, component, is_expected=is_expected)
        parts = read_row(plan, self._readers, row, moved, before)
        self.readings += parts[2]
        return KnownRow(cells, moved, name, others, component, *parts)

    def _fresh(self, suffix: Oid, cells: Cells) -> TableRow:
        return TableRow(self.device, self.table.name, self._plan.columns, dotted(suffix), cells)

    def _read_whole(self, row: DeviceRow) -> None:
        name, others = self._named(row)
        if name is None:
            return
        component = self._component(name, row.value("index"))
        self._place(row, component, is_expected=self._meet(component, others))
        self.readings += [reading for read in self._readers if (reading := read(row)) is not None]

    def _named(self, row: DeviceRow) -> tuple[str | None, frozenset[str]]:
        """What the row calls itself, or None if the table leaves it out; and the names of its tunnel."""
        table = self.table
        if table.where is not None and not table.where.is_true(row):
            return None, _NOBODY
        name: Scalar = None
        if table.component is not None:
            try:
                name = table.component.evaluate(row)
            except (Absent, Unusable):
                name = None
        if name is None or (name == "" and not table.may_be_nameless):
            name = row.value("index")
        return str(name)[:MAX_TEXT], self._other_names(row)

    def _other_names(self, row: DeviceRow) -> frozenset[str]:
        if not self._expected or not self.table.peers:
            return _NOBODY
        found = set()
        for peer in self.table.peers:
            try:
                found.add(str(peer.evaluate(row)))
            except (Absent, Unusable):
                continue
        return frozenset(found)

    def _component(self, name: str, index: Oid | Scalar) -> str:
        """What the row is called beside those before it."""
        component = name
        if self.table.merge is None and component in self._taken:
            component = f"{name} [{dotted(index) if isinstance(index, tuple) else index}]"
            # Rows that are still called the same share their counters: what one showed says nothing.
            self._clashed = self._clashed or component in self._taken
        self._taken.add(component)
        return component

    def _meet(self, component: str, others: frozenset[str]) -> bool:
        """Whether the row is an expected tunnel, by any of its names."""
        if not self._expected or not self.table.peers:
            return False
        self.met |= others
        self.met.add(component)
        return component in self._expected or not others.isdisjoint(self._expected)

    def _place(self, row: DeviceRow, component: str, *, is_expected: bool) -> None:
        row.component = component
        # Several rows may be one component; their counters are still counters of their own.
        row.counted_as = component if self.table.merge is None else str(row.value("index"))
        row.expected(is_expected)
