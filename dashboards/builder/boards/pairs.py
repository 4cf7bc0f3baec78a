"""Are the hot-standby pairs ready to take over?"""

from __future__ import annotations

from dashboards.builder.model import Board, Column, Kind, Panel, Query, Row
from dashboards.builder.parts import BLOC, IN, data_age, graph, state_number, tile
from dashboards.builder.text import BLOC_NAMES, ORANGE, PAIR, PURPLE, RED, T, bad

NUMBERS = {"redundant": 0, "switched": 1, "unknown": 2, "no_redundancy": 3, "split": 4, "lost": 5}
STATE = state_number("channelwatch_pair_state", NUMBERS, IN, "group, bloc")
_SINCE = f"time() - max by (group) (channelwatch_pair_state_since_timestamp_seconds{{{IN}}} > 0)"
_HOURS = (
    f'sum by (group) (avg_over_time(channelwatch_pair_state{{state="redundant",{IN}}}[$__range])) * 0 + 1 - '
    f'sum by (group) (avg_over_time(channelwatch_pair_state{{state=~"redundant|switched",{IN}}}[$__range]))'
)


def _count(state: str, title: T, about: T, color: str) -> Panel:
    return tile(title, about, f'sum(channelwatch_pair_state{{state="{state}",{IN}}})', bad(color), width=5)


BOARD = Board(
    uid="cw-ha",
    title=T("Cụm dự phòng nóng: còn dự phòng không?", "HA pairs: is there a standby?"),
    about=T(
        "Tình trạng từng cụm theo lời khai của cả hai máy; chuyển đổi và thời gian mất dự phòng.",
        "The state of each pair by both members' own claims; switch-overs and time without redundancy.",
    ),
    variables=(BLOC,),
    runbooks=("hub-lost", "redundancy-lost", "split-brain", "switched-over"),
    rows=(
        Row(
            (
                _count(
                    "lost",
                    T("Mất toàn bộ cụm", "Group lost"),
                    T("Không máy nào phục vụ.", "No member serves."),
                    RED,
                ),
                _count(
                    "split",
                    T("Xung đột vai trò", "Role conflict"),
                    T("Cả hai cùng nhận là máy chính.", "Both claim to be active."),
                    PURPLE,
                ),
                _count(
                    "no_redundancy",
                    T("Mất dự phòng", "Redundancy lost"),
                    T("Chỉ còn một máy.", "One member serves, the other cannot."),
                    ORANGE,
                ),
                tile(
                    T("Chuyển đổi trong 24 giờ", "Switch-overs in 24 h"),
                    T(
                        "Số lần chuyển sang máy dự phòng hoặc trở lại.",
                        "To the standby or back, within the last 24 hours.",
                    ),
                    f'sum(changes(channelwatch_pair_state{{state="switched",{IN}}}[24h]))',
                    width=5,
                ),
                data_age(),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TIMELINE,
                    T("Diễn biến từng cụm", "Each pair over time"),
                    T("Trạng thái của từng cụm theo thời gian.", "The state of each pair over time."),
                    24,
                    8,
                    (Query(STATE, "{{group}}"),),
                    PAIR,
                ),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TABLE,
                    T("Các cụm", "The pairs"),
                    T(
                        "Trạng thái và thời gian đã ở trạng thái đó.",
                        "State of each pair and for how long it has been so.",
                    ),
                    14,
                    9,
                    (Query(STATE), Query(_SINCE)),
                    PAIR,
                    columns=(
                        Column("group", T("Cụm", "Pair"), width=200),
                        Column("bloc", T("Khối", "Bloc"), BLOC_NAMES, width=140),
                        Column("Value #A", T("Trạng thái", "State"), PAIR),
                        Column("Value #B", T("Từ lúc", "For"), unit="s", width=160),
                    ),
                    sort="Value #A",
                ),
                Panel(
                    Kind.BARS,
                    T("Tỷ lệ thời gian mất dự phòng", "Share of time without redundancy"),
                    T(
                        "Phần của khoảng thời gian đang xem mà cụm không đủ dự phòng; kể cả lúc không có số liệu.",
                        "Part of the period shown in which the pair was not redundant; time without data counts too.",
                    ),
                    10,
                    9,
                    (Query(_HOURS, "{{group}}"),),
                    bad(ORANGE, at=0.001),
                    "percentunit",
                    minimum=0,
                    maximum=1,
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Chuyển đổi mỗi ngày theo thiết bị", "Switch-overs a day as the devices count them"),
                    T(
                        "Chuyển đổi mỗi giây do thiết bị đếm.",
                        "Changes of role per second by the devices' counters.",
                    ),
                    {"{{device}}": f"86400 * channelwatch_ha_switchovers_per_second{{{IN}}}"},
                    unit="none",
                    size=(24, 6),
                ),
            )
        ),
    ),
)
