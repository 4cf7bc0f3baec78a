"""Is the monitoring itself well?"""

from __future__ import annotations

from dashboards.builder.model import Board, Kind, Panel, Query, Row
from dashboards.builder.parts import data_age, graph, quantile, tile
from dashboards.builder.text import ORANGE, RED, YES, T, age, bad

BOARD = Board(
    uid="cw-self",
    title=T("Hệ thống giám sát: có tin được không?", "The monitoring itself: can it be relied on?"),
    about=T(
        "Hỏi thiết bị, nhận trap và syslog, hàng đợi, ghi kho, khóa quyền, độ trễ của chính chương trình.",
        "Polls, traps and syslog, queues, commits, the lease and the program's own lags.",
    ),
    runbooks=("collector-blind",),
    time_from="now-3h",
    rows=(
        Row(
            (
                data_age(),
                tile(
                    T("Giữ quyền ghi", "Holds the lease"),
                    T("Chỉ một tiến trình được ghi và báo.", "One process alone writes and alerts."),
                    "max(channelwatch_lease_held)",
                    YES,
                    width=4,
                ),
                tile(
                    T("Gia hạn quyền", "Lease renewed"),
                    T("Thời gian từ lần gia hạn gần nhất.", "Time since the lease was renewed."),
                    "min(channelwatch_lease_renewed_age_seconds)",
                    age(3, 5),
                    unit="s",
                ),
                tile(
                    T("Quan sát bị mất", "Observations lost"),
                    T("Hàng đợi đầy trong một giờ qua.", "Refused by a full queue within an hour."),
                    "sum(increase(channelwatch_queue_dropped_total[1h]))",
                    bad(RED),
                ),
                tile(
                    T("Quan sát bị gác lại", "Observations set aside"),
                    T("Không xử lý được trong một giờ qua.", "Not taken into account within an hour."),
                    "sum(increase(channelwatch_observations_set_aside_total[1h]))",
                    bad(ORANGE),
                ),
                tile(
                    T("Chạy liên tục", "Running for"),
                    T("Thời gian từ lúc khởi động.", "Time since the process started."),
                    "time() - max(channelwatch_start_time_seconds)",
                    unit="s",
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Kết quả hỏi thiết bị", "Polls by result"),
                    T("Mỗi giây, theo kết quả hoặc nguyên nhân.", "Per second, by result or cause."),
                    {"{{result}}": "sum by (result) (rate(channelwatch_polls_total[$__rate_interval])) > 0"},
                    unit="ops",
                ),
                graph(
                    T("Thời gian hỏi", "Time of a poll"),
                    T("Trung vị và p99.", "Median and p99."),
                    {
                        "p50": quantile("0.5", "channelwatch_poll_duration_seconds"),
                        "p99": quantile("0.99", "channelwatch_poll_duration_seconds"),
                    },
                    unit="s",
                ),
                graph(
                    T("Hỏi trễ", "Lateness of polls"),
                    T("p99: vài giây trở lên là quá tải.", "p99: a few seconds are an overload."),
                    {"p99": quantile("0.99", "channelwatch_poll_lateness_seconds")},
                    unit="s",
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Trap theo kết quả", "Traps by result"),
                    T("Mỗi giây; bị từ chối thì nêu lý do.", "Per second; refused ones name the reason."),
                    {"{{result}}": "sum by (result) (rate(channelwatch_traps_total[$__rate_interval]))"},
                    unit="ops",
                ),
                graph(
                    T("Syslog theo kết quả", "Syslog by result"),
                    T("Mỗi giây, theo đường nhận và kết quả.", "Per second, by transport and result."),
                    {
                        "{{transport}} {{result}}": "sum by (transport, result) "
                        "(rate(channelwatch_syslog_messages_total[$__rate_interval]))"
                    },
                    unit="ops",
                ),
                graph(
                    T("Bộ thu thập gặp gì", "What the collector met"),
                    T("Sự kiện mỗi giây, kể cả nguồn lạ.", "Events per second, strangers included."),
                    {
                        "{{event}}": "sum by (event) (rate(channelwatch_collector_total[$__rate_interval])) > 0"
                    },
                    unit="ops",
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Hàng đợi", "Queue"),
                    T("Đang chờ và giới hạn.", "Waiting, and the limit."),
                    {
                        "{{queue}}": "channelwatch_queue_length",
                        "limit {{queue}}": "channelwatch_queue_limit",
                    },
                ),
                graph(
                    T("Quan sát nhận vào", "Observations taken"),
                    T("Mỗi giây.", "Per second."),
                    {
                        "{{queue}}": "sum by (queue) (rate(channelwatch_queue_accepted_total[$__rate_interval]))"
                    },
                    unit="ops",
                ),
                graph(
                    T("Ghi kho", "Commits"),
                    T(
                        "p99 thời gian ghi, và từ lúc nhận đến lúc ghi xong.",
                        "p99 of a commit, and from receipt to commit.",
                    ),
                    {
                        "commit p99": quantile("0.99", "channelwatch_commit_duration_seconds"),
                        "receipt to commit p99": quantile("0.99", "channelwatch_commit_lag_seconds"),
                    },
                    unit="s",
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Vòng lặp trễ", "Event loop lag"),
                    T("p99: chương trình có kịp không.", "p99: does the program keep up?"),
                    {"p99": quantile("0.99", "channelwatch_event_loop_lag_seconds")},
                    unit="s",
                ),
                graph(
                    T("Trang số liệu", "The metrics page"),
                    T("p99 thời gian tạo trang.", "p99 of the time to render the fleet."),
                    {"p99": quantile("0.99", "channelwatch_metrics_render_seconds")},
                    unit="s",
                ),
                graph(
                    T("Cỡ trang số liệu", "Size of the metrics page"),
                    T("Byte của lần tạo gần nhất; số chuỗi của lần quét.", "Bytes as last rendered."),
                    {"bytes": "channelwatch_metrics_fleet_bytes"},
                    unit="bytes",
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Syslog nhận vào", "Syslog received"),
                    T("Byte mỗi giây theo đường nhận.", "Bytes per second by transport."),
                    {
                        "{{transport}}": "sum by (transport) "
                        "(rate(channelwatch_syslog_received_bytes_total[$__rate_interval]))"
                    },
                    unit="Bps",
                    size=(6, 7),
                ),
                graph(
                    T("Bảng trạng thái", "The board"),
                    T("Luồng đang mở.", "Open event streams."),
                    {"streams": "channelwatch_board_streams"},
                    size=(6, 7),
                ),
                graph(
                    T("Bị từ chối vì quá tải", "Refused for overload"),
                    T("Luồng và lần quét trong một giờ.", "Streams and scrapes within an hour."),
                    {
                        "streams": "increase(channelwatch_board_streams_refused_total[1h])",
                        "scrapes": "increase(channelwatch_metrics_scrapes_refused_total[1h])",
                    },
                    size=(6, 7),
                ),
                graph(
                    T("Đăng nhập", "Sign-ins"),
                    T("Theo kết quả, trong một giờ.", "By result, within an hour."),
                    {"{{result}}": "sum by (result) (increase(channelwatch_sign_ins_total[1h]))"},
                    size=(6, 7),
                ),
            )
        ),
        Row(
            (
                Panel(
                    Kind.STAT,
                    T("Số lần đổi quyền ghi", "Number of the lease"),
                    T("Tăng khi tiến trình khác tiếp quản.", "It grows when another process takes over."),
                    8,
                    4,
                    (Query("max(channelwatch_lease_epoch)", instant=True),),
                ),
                Panel(
                    Kind.STAT,
                    T("Phiên bản", "Version"),
                    T("Chương trình đang chạy.", "The running program."),
                    16,
                    4,
                    (Query("channelwatch_build_info", "{{version}} · {{installation}}", instant=True),),
                ),
            )
        ),
    ),
)
