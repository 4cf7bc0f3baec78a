"""Pieces that several dashboards have."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dashboards.builder.model import Kind, Panel, Query, Variable
from dashboards.builder.text import Scale, T, age, neutral

BLOC = Variable("bloc", T("Khối", "Bloc"), "channelwatch_devices", "bloc")
UNIT = Variable("unit", T("Đơn vị", "Unit"), 'channelwatch_unit_info{bloc=~"$bloc"}', "unit")
DEVICE = Variable(
    "device",
    T("Thiết bị", "Device"),
    'channelwatch_device_info{bloc=~"$bloc",unit=~"$unit"}',
    "device",
    multi=False,
)
IN = 'bloc=~"$bloc"'
HERE = 'bloc=~"$bloc",unit=~"$unit"'
THIS = 'device="$device"'


def tile(
    title: T,
    about: T,
    expr: str,
    scale: Scale | None = None,
    *,
    unit: str = "none",
    width: int = 4,
    height: int = 4,
) -> Panel:
    """One figure."""
    query = Query(expr, instant=True)
    return Panel(Kind.STAT, title, about, width, height, (query,), scale or neutral(), unit)


def data_age(expr: str = "time() - max(channelwatch_heartbeat_timestamp_seconds)", width: int = 4) -> Panel:
    """How old what one sees is: on every dashboard."""
    return tile(
        T("Tuổi số liệu", "Age of the data"),
        T(
            "Thời gian từ lần đánh giá gần nhất. Trên 60 giây: số liệu trên trang này không còn đáng tin.",
            "Time since the last evaluation. Above 60 s nothing on this page can be relied on.",
        ),
        expr,
        age(30, 60),
        unit="s",
        width=width,
    )


def graph(
    title: T,
    about: T,
    queries: Mapping[str, str],
    *,
    unit: str = "none",
    size: tuple[int, int] = (8, 7),
    may_be_empty: Collection[str] = (),
    minimum: float | None = 0,
) -> Panel:
    """Lines over time: legend to expression; `size` is width and height, `may_be_empty` has legends."""
    asked = tuple(
        Query(expr, legend, may_be_empty=legend in may_be_empty) for legend, expr in queries.items()
    )
    return Panel(Kind.GRAPH, title, about, *size, asked, unit=unit, minimum=minimum)


def state_number(metric: str, numbers: Mapping[str, int], where: str, by: str) -> str:
    """A state set as the number of its present state."""
    parts = [f'({metric}{{state="{state}",{where}}} == 1) * {number}' for state, number in numbers.items()]
    return f"max by ({by}) (\n  " + "\n  or ".join(parts) + "\n)"


def quantile(share: str, metric: str, by: str = "") -> str:
    """A quantile of a histogram over the usual window."""
    more = f", {by}" if by else ""
    return f"histogram_quantile({share}, sum by (le{more}) (rate({metric}_bucket[$__rate_interval])))"
