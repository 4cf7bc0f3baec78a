"""The same series through prometheus_client: a collector that makes the families at each scrape, as its guide says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Parsed(Collector):
    """What our page tells, as label values and numbers: the peer need not compute them."""

    def __init__(self, page: bytes) -> None:
        self._families: dict[str, tuple[str, list[str], list[tuple[list[str], float]]]] = {}
        helps: dict[str, str] = {}
        for line in page.decode().splitlines():
            if line.startswith("# HELP "):
                _, _, name, text = line.split(" ", 3)
                helps[name] = text
            elif not line.startswith("#"):
                self._take(line, helps)

    def _take(self, line: str, helps: dict[str, str]) -> None:
        found = _LINE.match(line)
        assert found is not None, line
        labels = dict(_LABEL.findall(found[2] or ""))
        _, names, samples = self._families.setdefault(found[1], (helps[found[1]], list(labels), []))
        samples.append(([labels.get(name, "") for name in names], float(found[3])))

    @property
    def series(self) -> int:
        """How many there are."""
        return sum(len(samples) for _, _, samples in self._families.values())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families anew."""
        for name, (text, names, samples) in self._families.items():
            family = GaugeMetricFamily(name, text, labels=names)
            for values, value in samples:
                family.add_metric(values, value)
            yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing."""
        return iter(())


class Peer:
    """prometheus_client over the series of `page`."""

    def __init__(self, page: bytes) -> None:
        parsed = Parsed(page)
        self.series = parsed.series
        self._registry = CollectorRegistry()
        self._registry.register(parsed)

    def page(self) -> bytes:
        """Its own rendering."""
        return generate_latest(self._registry)
