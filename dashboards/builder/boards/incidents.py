"""Which incidents wait, and does anybody hear?"""

from __future__ import annotations

from dashboards.builder.model import Board, Column, Kind, Panel, Query, Row
from dashboards.builder.parts import BLOC, data_age, graph, quantile, tile
from dashboards.builder.text import BLOC_NAMES, CRIMSON, GRAVITY, LIFE, ORANGE, RED, T, age, bad, share

_WHERE = 'bloc=~"$bloc|"'
_SEVERITIES = ("p1", "p2", "p3", "p4")
_LIST = f"channelwatch_incident_opened_timestamp_seconds{{{_WHERE}}}"

BOARD = Board(
    uid="cw-incidents",
    title=T("Sự cố và trực ứng cứu: việc gì đang chờ?", "Incidents and on call: what waits?"),
    about=T(
        "Sự cố chưa đóng, chưa có người tiếp nhận, thời gian tiếp nhận và khôi phục, việc gửi cảnh báo.",
        "Incidents that are not over or not taken, times to acknowledge and to restore, delivery of alerts.",
    ),
    variables=(BLOC,),
    runbooks=("collector-blind",),
    time_from="now-24h",
    rows=(
        Row(
            (
                tile(
                    T("Chưa tiếp nhận", "Unacknowledged"),
                    T("Chưa có người nhận xử lý.", "Nobody has taken them."),
                    f'sum(channelwatch_incidents{{state=~"open|reopened",{_WHERE}}})',
                    bad(RED),
                ),
                tile(
                    T("P1 và P2 đang mở", "P1 and P2 not over"),
                    T("Đặc biệt nghiêm trọng và nghiêm trọng.", "Critical and serious."),
                    f'sum(channelwatch_incidents{{severity=~"p1|p2",state!~"restored|resolved",{_WHERE}}})',
                    bad(CRIMSON),
                ),
                tile(
                    T("Chờ lâu nhất", "Longest wait"),
                    T("Sự cố chờ người tiếp nhận lâu nhất.", "The incident that waits for a person longest."),
                    f"max(channelwatch_incident_oldest_unacknowledged_seconds{{{_WHERE}}})",
                    age(180, 300),
                    unit="s",
                ),
                tile(
                    T("Không báo được cho ai", "Nobody can be told"),
                    T("Sự cố không tới được người nào.", "Incidents that reach nobody."),
                    "max(channelwatch_incidents_unheard)",
                    bad(RED),
                ),
                tile(
                    T("Cảnh báo chờ gửi lâu nhất", "Oldest unsent alert"),
                    T("Trên một phút: cảnh báo không ra được.", "Above a minute: an alert does not get out."),
                    "max(channelwatch_outbox_oldest_unsent_age_seconds)",
                    age(15, 60),
                    unit="s",
                ),
                data_age(),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TABLE,
                    T("Sự cố chưa đóng", "Incidents not over"),
                    T(
                        "Nghiêm trọng nhất trước, tối đa 200; bấm vào số để mở.",
                        "The gravest first, at most 200; follow the number.",
                    ),
                    16,
                    13,
                    (Query(f"time() - {_LIST}", may_be_empty=True),),
                    columns=(
                        Column(
                            "number",
                            T("Số", "Number"),
                            link="${board_url}/incidents/${__value.raw}",
                            width=120,
                        ),
                        Column("severity", T("Mức", "Severity"), GRAVITY, width=210),
                        Column("state", T("Trạng thái", "State"), LIFE, width=150),
                        Column("rule", T("Quy tắc", "Rule")),
                        Column("subject", T("Đối tượng", "Subject")),
                        Column("cause", T("Nguyên nhân", "Cause"), width=120),
                        Column("Value", T("Từ lúc", "For"), unit="s", width=120),
                    ),
                    sort="severity",
                    descending=False,
                ),
                graph(
                    T("Sự cố chưa đóng theo mức", "Incidents not over, by severity"),
                    T("Số sự cố theo mức nghiêm trọng.", "How many, by severity."),
                    {"{{severity}}": "sum by (severity) (channelwatch_incidents_open)"},
                    size=(8, 13),
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Thời gian tiếp nhận", "Time to acknowledge"),
                    T(
                        "Trung vị và p90 trong 24 giờ, theo mức.",
                        "Median and p90 within 24 hours, by severity.",
                    ),
                    {
                        "p50 {{severity}}": "histogram_quantile(0.5, sum by (le, severity) "
                        "(increase(channelwatch_incident_acknowledge_seconds_bucket[24h])))",
                        "p90 {{severity}}": "histogram_quantile(0.9, sum by (le, severity) "
                        "(increase(channelwatch_incident_acknowledge_seconds_bucket[24h])))",
                    },
                    unit="s",
                ),
                graph(
                    T("Thời gian khôi phục", "Time to restore"),
                    T(
                        "Trung vị và p90 trong 24 giờ, theo mức.",
                        "Median and p90 within 24 hours, by severity.",
                    ),
                    {
                        "p50 {{severity}}": "histogram_quantile(0.5, sum by (le, severity) "
                        "(increase(channelwatch_incident_restore_seconds_bucket[24h])))",
                        "p90 {{severity}}": "histogram_quantile(0.9, sum by (le, severity) "
                        "(increase(channelwatch_incident_restore_seconds_bucket[24h])))",
                    },
                    unit="s",
                ),
                graph(
                    T("Sự cố mở trong một giờ", "Incidents opened within an hour"),
                    T("Mở mới và mở lại, theo mức.", "Opened and opened again, by severity."),
                    {"{{severity}}": "sum by (severity) (increase(channelwatch_incidents_opened_total[1h]))"},
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Gửi cảnh báo theo kết quả", "Deliveries by result"),
                    T(
                        "Mỗi kênh gửi theo kết quả; dead là bị từ chối hẳn.",
                        "By channel and result; dead is refused for good.",
                    ),
                    {
                        "{{channel}} {{result}}": "sum by (channel, result) "
                        "(increase(channelwatch_deliveries_total[$__rate_interval]))"
                    },
                ),
                graph(
                    T("Từ gói tin đến cảnh báo", "From the packet to the alert"),
                    T("p95 theo kênh gửi.", "p95 by channel."),
                    {"p95 {{channel}}": quantile("0.95", "channelwatch_alert_latency_seconds", "channel")},
                    unit="s",
                ),
                graph(
                    T("Hộp gửi", "Outbox"),
                    T("Cảnh báo theo trạng thái.", "Alerts by state."),
                    {"{{state}}": 'sum by (state) (channelwatch_outbox_rows{state!="sent"})'},
                ),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TABLE,
                    T("Sự cố kéo theo thiết bị khác", "Incidents that take others along"),
                    T("Số thiết bị bị ảnh hưởng dây chuyền.", "How many devices an incident impacts."),
                    12,
                    7,
                    (Query(f"channelwatch_incident_impacted{{{_WHERE}}}", may_be_empty=True),),
                    columns=(
                        Column("number", T("Số", "Number"), link="${board_url}/incidents/${__value.raw}"),
                        Column("bloc", T("Khối", "Bloc"), BLOC_NAMES),
                        Column("Value", T("Số thiết bị", "Devices")),
                    ),
                    sort="Value",
                ),
                tile(
                    T("Không liệt kê ở trên", "Not listed above"),
                    T("Vượt quá 200 sự cố.", "Incidents beyond the two hundred."),
                    "max(channelwatch_incidents_omitted)",
                    bad(ORANGE),
                    height=7,
                ),
                tile(
                    T("Ca trực còn trống", "Gaps in the roster"),
                    T(
                        "Lúc sắp tới mà một đội không có ai trực.",
                        "Times ahead at which a team has nobody on call.",
                    ),
                    "max(channelwatch_oncall_gaps)",
                    bad(ORANGE),
                    height=7,
                ),
                Panel(
                    Kind.STAT,
                    T("Đội đang có người trực", "Teams with somebody on call"),
                    T(
                        "Tỷ lệ đội có người trực lúc này; chưa có lịch trực thì để trống.",
                        "Share of the teams now; empty without a roster.",
                    ),
                    4,
                    7,
                    (Query("min(channelwatch_oncall_filled_ratio)", instant=True, may_be_empty=True),),
                    share(0.5, 1),
                    "percentunit",
                ),
            )
        ),
    ),
)
