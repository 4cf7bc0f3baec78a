"""How available was it, and how sure are we?"""

from __future__ import annotations

from dashboards.builder.model import Board, Column, Kind, Panel, Query, Row
from dashboards.builder.parts import BLOC, IN, data_age, graph, tile
from dashboards.builder.text import BLOC_NAMES, ORANGE, T, age, amount, bad, share

_RATIO = "channelwatch_availability_ratio"
_COVERAGE = "channelwatch_availability_coverage_ratio"


def _period(period: str, title: T) -> Panel:
    where = f'period="{period}",{IN}'
    return Panel(
        Kind.TABLE,
        title,
        T(
            "Giới hạn dưới, ước tính, giới hạn trên; thời gian không có số liệu làm rộng khoảng. Số của kho lưu trữ.",
            "Lower bound, estimate, upper bound; unknown time widens the span. The store's own figures.",
        ),
        12,
        6,
        (
            Query(f'max by (bloc) ({_RATIO}{{bound="low",{where}}})', may_be_empty=period != "1d"),
            Query(f'max by (bloc) ({_RATIO}{{bound="known",{where}}})', may_be_empty=period != "1d"),
            Query(f'max by (bloc) ({_RATIO}{{bound="high",{where}}})', may_be_empty=period != "1d"),
            Query(f"max by (bloc) ({_COVERAGE}{{{where}}})", may_be_empty=period != "1d"),
            Query(
                f"max by (bloc) (channelwatch_channels_below_target{{{where}}})", may_be_empty=period != "1d"
            ),
        ),
        columns=(
            Column("bloc", T("Khối", "Bloc"), BLOC_NAMES, width=140),
            Column("Value #A", T("Ít nhất", "At least"), unit="percentunit"),
            Column("Value #B", T("Ước tính", "Estimate"), unit="percentunit"),
            Column("Value #C", T("Nhiều nhất", "At most"), unit="percentunit"),
            Column("Value #D", T("Có số liệu", "Known time"), unit="percentunit"),
            Column("Value #E", T("Dưới 99,9 %", "Below 99.9 %"), bad(ORANGE)),
        ),
    )


BOARD = Board(
    uid="cw-audit",
    title=T("Lịch sử sẵn sàng: đạt hay chưa chứng minh?", "Availability: proven or not?"),
    about=T(
        "Tính từ kho lưu trữ, không phải từ Prometheus. Không lấy trung bình các tỷ lệ. Báo cáo: channelwatch uptime.",
        "Computed from the store, not by Prometheus. Percentages are never averaged. Reports: channelwatch uptime.",
    ),
    variables=(BLOC,),
    time_from="now-7d",
    rows=(
        Row(
            (
                tile(
                    T("Khối thấp nhất, 30 ngày", "Lowest bloc, 30 days"),
                    T(
                        "Giới hạn dưới thấp nhất của các khối: điều có thể chứng minh.",
                        "The lowest lower bound of the blocs: what can be proven.",
                    ),
                    f'min({_RATIO}{{bound="low",period="30d",{IN}}})',
                    share(0.99, 0.999),
                    unit="percentunit",
                    width=5,
                ),
                tile(
                    T("Thời gian có số liệu, 30 ngày", "Known time, 30 days"),
                    T(
                        "Phần thời gian biết rõ tình trạng, khối thấp nhất.",
                        "Share of time that is known, lowest bloc.",
                    ),
                    f'min({_COVERAGE}{{period="30d",{IN}}})',
                    share(0.95, 0.99),
                    unit="percentunit",
                    width=5,
                ),
                tile(
                    T("Thời gian mù trong 24 giờ", "Blind time in 24 h"),
                    T(
                        "Cộng theo thiết bị: thời gian không biết tình trạng.",
                        "Added up over the devices: time for which nothing was known.",
                    ),
                    f"sum(increase(channelwatch_device_blind_seconds_total{{{IN}}}[24h]))",
                    amount(600, 3600),
                    unit="s",
                    width=5,
                ),
                tile(
                    T("Lần tính gần nhất", "Last computed"),
                    T(
                        "Các số trên được tính lại vài phút một lần.",
                        "The figures are computed every few minutes.",
                    ),
                    "time() - max(channelwatch_availability_computed_timestamp_seconds > 0)",
                    age(900, 3600),
                    unit="s",
                    width=5,
                ),
                data_age(),
            )
        ),
        Row((_period("1d", T("24 giờ", "24 hours")), _period("30d", T("30 ngày", "30 days")))),
        Row(
            (
                _period("month", T("Tháng này", "This month")),
                _period("last_month", T("Tháng trước", "Last month")),
            )
        ),
        Row(
            (
                graph(
                    T("Thiết bị không có số liệu", "Devices without data"),
                    T(
                        "Mỗi khối; thời gian này không bao giờ tính là tốt.",
                        "By bloc; such time never counts as good.",
                    ),
                    {"{{bloc}}": f"channelwatch_devices_blind{{{IN}}}"},
                    size=(12, 7),
                ),
                tile(
                    T("Khác biệt với bản ghi gốc", "Differences from the record"),
                    T(
                        "Khoảng trạng thái không khớp chuỗi chuyển trạng thái; phải bằng 0.",
                        "Status intervals that are not what the transitions say; must be none.",
                    ),
                    "max(channelwatch_projection_differences)",
                    bad(ORANGE),
                    width=6,
                    height=7,
                ),
                Panel(
                    Kind.STAT,
                    T("Lần đối chiếu gần nhất", "Last compared"),
                    T("Đối chiếu hằng đêm.", "Compared every night."),
                    6,
                    7,
                    (
                        Query(
                            "time() - max(channelwatch_projection_compared_seconds > 0)",
                            instant=True,
                            may_be_empty=True,
                        ),
                    ),
                    age(90_000, 180_000),
                    "s",
                ),
            )
        ),
    ),
)
