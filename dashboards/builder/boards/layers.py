"""Are the four layers manned?"""

from __future__ import annotations

from dashboards.builder.model import Board, Kind, Panel, Query, Row
from dashboards.builder.parts import BLOC, IN, data_age, graph, tile
from dashboards.builder.text import T, share

LAYERS = (
    (
        1,
        T("Lớp 1: lực lượng tại chỗ", "Layer 1: on-site force"),
        T("Lực lượng tại chỗ.", "The on-site force."),
    ),
    (
        2,
        T("Lớp 2: giám sát 24/7", "Layer 2: watch 24/7"),
        T("Trực giám sát, trưởng ca, đội ứng cứu.", "Watch, shift chief, response team."),
    ),
    (
        3,
        T("Lớp 3: kiểm tra, đánh giá", "Layer 3: assessment"),
        T("Đơn vị đánh giá độc lập, kiểm toán.", "Independent assessor, auditor."),
    ),
    (
        4,
        T("Lớp 4: chia sẻ có kiểm soát", "Layer 4: controlled sharing"),
        T(
            "Chủ quản và cán bộ chia sẻ; mặc định không chia sẻ gì.",
            "Owner and share officer; by default nothing is shared.",
        ),
    ),
)

BOARD = Board(
    uid="cw-layers",
    title=T("Mô hình 04 lớp: đã đủ người chưa?", "Four layers: are they manned?"),
    about=T(
        "Tỷ lệ vị trí của từng lớp đã có người trong danh bạ hoặc tài khoản, theo khối.",
        "Share of each layer's posts that a contact or an account fills, by bloc.",
    ),
    variables=(BLOC,),
    rows=(
        Row(
            (
                *(
                    tile(
                        title,
                        about,
                        f'min(channelwatch_layer_coverage_ratio{{layer="{number}",{IN}}})',
                        share(0.5, 1),
                        unit="percentunit",
                        width=5,
                        height=5,
                    )
                    for number, title, about in LAYERS
                ),
                Panel(**{**data_age().__dict__, "height": 5}),
            )
        ),
        Row(
            tuple(
                Panel(
                    Kind.BARS,
                    title,
                    about,
                    6,
                    8,
                    (Query(f'channelwatch_layer_coverage_ratio{{layer="{number}",{IN}}}', "{{bloc}}"),),
                    share(0.5, 1),
                    "percentunit",
                    minimum=0,
                    maximum=1,
                )
                for number, title, about in LAYERS
            )
        ),
        Row(
            (
                graph(
                    T("Lớp 2 có nhìn thấy không", "Does layer 2 see"),
                    T("Tỷ lệ thiết bị có số liệu, theo khối.", "Share of the devices with data, by bloc."),
                    {"{{bloc}}": f"channelwatch_coverage_ratio{{{IN}}}"},
                    unit="percentunit",
                    size=(12, 7),
                ),
                graph(
                    T("Sự cố chưa tiếp nhận, theo khối", "Unacknowledged, by bloc"),
                    T("Chưa có người nhận xử lý.", "Nobody has taken them."),
                    {"{{bloc}}": f'sum by (bloc) (channelwatch_incidents{{state=~"open|reopened",{IN}}})'},
                    size=(12, 7),
                ),
            )
        ),
    ),
)
