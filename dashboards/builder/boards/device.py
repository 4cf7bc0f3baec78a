"""What is wrong with this device?"""

from __future__ import annotations

from dashboards.builder.model import Board, Column, Kind, Panel, Query, Row
from dashboards.builder.parts import BLOC, DEVICE, THIS, UNIT, graph, state_number, tile
from dashboards.builder.text import HEALTH, ORANGE, PROTECTION, SEVERITY, SIGNAL, YES, T, age, bad, neutral

HEALTH_NUMBERS = {"up": 0, "degraded": 1, "down": 2, "unknown": 3}
PROTECTION_NUMBERS = {"secured": 0, "weakened": 1, "exposed": 2, "unknown": 3}
_NAMED = "{{component}}"
_SEEN = f"time() - (channelwatch_device_last_seen_timestamp_seconds{{{THIS}}} > 0)"


def _of(name: str) -> str:
    return f"channelwatch_{name}{{{THIS}}}"


BOARD = Board(
    uid="cw-device",
    title=T("Một thiết bị: hỏng ở đâu?", "One device: what is wrong?"),
    about=T(
        "Tình trạng, bảo vệ, từng tín hiệu và số đo của một thiết bị.",
        "State, protection, each signal and each figure of one device.",
    ),
    variables=(BLOC, UNIT, DEVICE),
    runbooks=("device-down", "device-flapping", "plaintext-bypass", "key-expiry", "tamper"),
    time_from="now-3h",
    rows=(
        Row(
            (
                tile(
                    T("Tình trạng chung", "Overall"),
                    T("Tình trạng, bảo vệ và cảnh báo gộp lại.", "Health, protection and alarms together."),
                    _of("device_severity"),
                    SEVERITY,
                    width=5,
                ),
                tile(
                    T("Kênh", "Channel"),
                    T("Kênh có thông không?", "Does the channel carry traffic?"),
                    state_number("channelwatch_device_health", HEALTH_NUMBERS, THIS, "device"),
                    HEALTH,
                    width=5,
                ),
                tile(
                    T("Bảo vệ", "Protection"),
                    T("Dữ liệu có được mã hóa không?", "Is the traffic protected?"),
                    state_number("channelwatch_device_protection", PROTECTION_NUMBERS, THIS, "device"),
                    PROTECTION,
                    width=5,
                ),
                tile(
                    T("Đang sử dụng", "In service"),
                    T("Chỉ thiết bị đang sử dụng mới mở sự cố.", "Only a device in service opens incidents."),
                    _of("device_in_service"),
                    YES,
                    width=3,
                ),
                tile(
                    T("Lần hỏi hụt liên tiếp", "Missed polls in a row"),
                    T("Ba lần hụt là ngừng hoạt động.", "Three make a device down."),
                    _of("device_missed_polls"),
                    bad(ORANGE),
                    width=3,
                ),
                tile(
                    T("Tuổi số liệu", "Age of the data"),
                    T("Từ lần trả lời gần nhất.", "Since the last usable answer."),
                    _SEEN,
                    age(120, 180),
                    unit="s",
                    width=3,
                ),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TIMELINE,
                    T("Diễn biến", "Over time"),
                    T("Tình trạng chung theo thời gian.", "The overall state over time."),
                    24,
                    4,
                    (Query(_of("device_severity"), "{{device}}"),),
                    SEVERITY,
                ),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TABLE,
                    T("Tín hiệu, xấu nhất ở trên", "Signals, worst first"),
                    T("Mỗi tín hiệu mà thiết bị cho biết.", "Each signal that the device tells."),
                    10,
                    13,
                    (Query(f"sort_desc({_of('signal_state')})"),),
                    SIGNAL,
                    columns=(
                        Column("signal", T("Tín hiệu", "Signal")),
                        Column("component", T("Bộ phận", "Component")),
                        Column("Value", T("Trạng thái", "State"), SIGNAL),
                    ),
                    sort="Value",
                ),
                Panel(
                    Kind.TABLE,
                    T("Vai trò và chế độ", "Roles and modes"),
                    T(
                        "Từ mà thiết bị dùng, đã quy về từ chung.",
                        "What the device says, in the common words.",
                    ),
                    7,
                    13,
                    (Query(_of("signal_word"), may_be_empty=True),),
                    neutral(),
                    columns=(
                        Column("signal", T("Tín hiệu", "Signal")),
                        Column("component", T("Bộ phận", "Component")),
                        Column("word", T("Giá trị", "Word")),
                    ),
                ),
                (
                    Panel(
                        Kind.TABLE,
                        T("Lý lịch", "Identity"),
                        T(
                            "Theo danh mục và lời khai của thiết bị; không có địa chỉ và số máy.",
                            "By the inventory and the device's own words; neither address nor serial number.",
                        ),
                        7,
                        3,
                        (Query(_of("device_info")),),
                        neutral(),
                        columns=(
                            Column("model", T("Kiểu", "Model")),
                            Column("firmware", T("Phần mềm", "Firmware")),
                            Column("life_cycle", T("Vòng đời", "Life cycle")),
                            Column("profile", T("Hồ sơ", "Profile")),
                        ),
                    ),
                    Panel(
                        Kind.TABLE,
                        T("Nguyên nhân và cờ", "Cause and flags"),
                        T(
                            "Vì sao không bình thường, và điều làm thay đổi người được báo.",
                            "Why it is not fine, and what changes who is told.",
                        ),
                        7,
                        3,
                        (
                            Query(_of("device_cause")),
                            Query(_of("device_flag"), may_be_empty=True),
                        ),
                        neutral(),
                        columns=(
                            Column("cause", T("Nguyên nhân", "Cause")),
                            Column("flag", T("Cờ", "Flag")),
                        ),
                    ),
                    Panel(
                        Kind.TABLE,
                        T("Từ lúc nào", "Since when"),
                        T(
                            "Trạng thái hiện tại đã kéo dài bao lâu.",
                            "For how long the present state has held.",
                        ),
                        7,
                        4,
                        (Query(f"time() - ({_of('device_state_since_timestamp_seconds')} > 0)"),),
                        neutral(),
                        columns=(
                            Column("axis", T("Trục", "Axis")),
                            Column("Value", T("Từ lúc", "For"), unit="s"),
                        ),
                    ),
                    Panel(
                        Kind.STAT,
                        T("Số đo không thành chuỗi", "Readings without a series"),
                        T(
                            "Vượt giới hạn hoặc nhãn trùng nhau; không có thì để trống.",
                            "Beyond the limit, or not told apart by their label; empty when there are none.",
                        ),
                        7,
                        3,
                        (Query(_of("device_readings_omitted"), instant=True, may_be_empty=True),),
                        bad(ORANGE),
                    ),
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Lưu lượng qua kênh", "Traffic through the channels"),
                    T("Byte mỗi giây theo từng kênh.", "Bytes per second by tunnel."),
                    {
                        f"rx {_NAMED}": _of("channel_rx_bytes_per_second"),
                        f"tx {_NAMED}": _of("channel_tx_bytes_per_second"),
                    },
                    unit="Bps",
                ),
                graph(
                    T("Số kênh", "Tunnels"),
                    T(
                        "Kênh đang thông và kênh phải có.",
                        "Tunnels that are up and those that must be there.",
                    ),
                    {"up": _of("channels_up"), "expected": _of("channels_expected")},
                ),
                graph(
                    T("Bắt tay gần nhất", "Last handshake"),
                    T(
                        "Tuổi của kênh và từ lần bắt tay gần nhất.",
                        "Age of a tunnel, and since its last handshake.",
                    ),
                    {
                        f"handshake {_NAMED}": _of("channel_last_handshake_age_seconds"),
                        f"age {_NAMED}": _of("channel_age_seconds"),
                    },
                    unit="s",
                    may_be_empty=(f"age {_NAMED}",),
                ),
            ),
            T("Kênh", "Channels"),
        ),
        Row(
            (
                graph(
                    T("Liên kết bảo mật", "Security associations"),
                    T("Tuổi, thời hạn và thời gian còn lại.", "Age, lifetime and what is left."),
                    {
                        f"age {_NAMED}": _of("crypto_sa_age_seconds"),
                        f"lifetime {_NAMED}": _of("crypto_sa_lifetime_seconds"),
                        f"left {_NAMED}": _of("crypto_sa_remaining_seconds"),
                    },
                    unit="s",
                ),
                graph(
                    T("Lỗi mật mã", "Cryptographic failures"),
                    T(
                        "Gói không xác thực, không giải mã, lặp lại, thiếu liên kết; trao đổi khóa hỏng.",
                        "Packets that failed authentication or decryption, were replayed or had no association; "
                        "failed key exchanges.",
                    ),
                    {
                        f"auth {_NAMED}": _of("crypto_auth_failures_per_second"),
                        f"decrypt {_NAMED}": _of("crypto_decrypt_failures_per_second"),
                        f"replay {_NAMED}": _of("crypto_replay_drops_per_second"),
                        f"no SA {_NAMED}": _of("crypto_no_sa_per_second"),
                        f"encrypt {_NAMED}": _of("crypto_encrypt_failures_per_second"),
                        f"key exchange {_NAMED}": _of("crypto_key_exchange_failures_per_second"),
                    },
                    unit="pps",
                ),
                graph(
                    T("Khóa và chứng thư", "Keys and certificates"),
                    T(
                        "Thời gian còn lại và từ lần đổi khóa.",
                        "Time left, and time since a key was changed.",
                    ),
                    {
                        f"key {_NAMED}": _of("key_expires_in_seconds"),
                        f"certificate {_NAMED}": _of("cert_expires_in_seconds"),
                        f"changed {_NAMED}": _of("key_last_change_age_seconds"),
                    },
                    unit="s",
                ),
            ),
            T("Mật mã", "Cryptography"),
        ),
        Row(
            (
                graph(
                    T("Tài nguyên", "Resources"),
                    T("Phần đang dùng.", "The part in use."),
                    {
                        "cpu": _of("platform_cpu_ratio"),
                        "memory": _of("platform_memory_ratio"),
                        "disk": _of("platform_disk_ratio"),
                        "sessions": _of("platform_sessions_ratio"),
                    },
                    unit="percentunit",
                    may_be_empty=("sessions",),
                ),
                graph(
                    T("Nhiệt độ", "Temperature"),
                    T("Theo từng cảm biến.", "By sensor."),
                    {_NAMED: _of("env_temperature_celsius")},
                    unit="celsius",
                ),
                graph(
                    T("Quạt và độ ẩm", "Fans and humidity"),
                    T("Vòng mỗi phút; độ ẩm tương đối.", "Revolutions per minute; relative humidity."),
                    {f"fan {_NAMED}": _of("env_fan_rpm"), f"humidity {_NAMED}": _of("env_humidity_ratio")},
                    may_be_empty=(f"fan {_NAMED}", f"humidity {_NAMED}"),
                ),
            ),
            T("Phần cứng", "Hardware"),
        ),
        Row(
            (
                graph(
                    T("Điện áp", "Voltages"),
                    T("Cảm biến và pin của mô-đun bảo mật.", "Sensors, and the security module's battery."),
                    {_NAMED: _of("env_voltage_volts"), "hsm": _of("hsm_battery_volts")},
                    unit="volt",
                    may_be_empty=(_NAMED,),
                ),
                graph(
                    T("Nguồn dự phòng", "Backup power"),
                    T("Mức pin và tải.", "Charge and load."),
                    {"battery": _of("power_battery_ratio"), "load": _of("power_load_ratio")},
                    unit="percentunit",
                    may_be_empty=("battery", "load"),
                ),
                graph(
                    T("Thời gian pin còn lại", "Battery runtime"),
                    T("Pin còn dùng được bao lâu.", "For how long the battery will last."),
                    {"runtime": _of("power_runtime_seconds")},
                    unit="s",
                    may_be_empty=("runtime",),
                ),
            )
        ),
        Row(
            (
                graph(
                    T("Giao diện mạng", "Interfaces"),
                    T("Phần dung lượng đang dùng.", "Capacity in use."),
                    {_NAMED: _of("interface_utilisation_ratio")},
                    unit="percentunit",
                ),
                graph(
                    T("Lỗi giao diện", "Interface faults"),
                    T("Lỗi và đổi trạng thái mỗi giây.", "Errors and changes of state per second."),
                    {
                        f"errors {_NAMED}": _of("interface_errors_per_second"),
                        f"flaps {_NAMED}": _of("interface_flaps_per_second"),
                    },
                    unit="ops",
                    may_be_empty=(f"flaps {_NAMED}",),
                ),
                graph(
                    T("An ninh của thiết bị", "The device's security"),
                    T(
                        "Xác thực bị từ chối, đăng nhập hỏng, thay đổi cấu hình.",
                        "Refused authentications, failed sign-ins, changes of configuration.",
                    ),
                    {
                        "auth": _of("security_auth_failures_per_second"),
                        "login": _of("security_login_failures_per_second"),
                        "config": _of("security_config_changes_per_second"),
                    },
                    unit="ops",
                    may_be_empty=("auth",),
                ),
            ),
            T("Mạng và an ninh", "Network and security"),
        ),
        Row(
            (
                graph(
                    T("Đồng hồ", "Clock"),
                    T(
                        "Đồng hồ thiết bị trừ đồng hồ bộ thu thập.",
                        "The device's clock minus the collector's.",
                    ),
                    {"skew": _of("time_skew_seconds")},
                    unit="s",
                    minimum=None,
                ),
                graph(
                    T("Thời gian hoạt động", "Uptime"),
                    T("Từ lần khởi động gần nhất.", "Time since the device started."),
                    {"uptime": _of("system_uptime_seconds")},
                    unit="s",
                ),
                graph(
                    T("Tuổi số liệu tại trạm quản lý", "Age at the device's manager"),
                    T("Khi số liệu qua một trạm quản lý.", "Where the data come by way of a manager."),
                    {"age": _of("reach_last_seen_age_seconds")},
                    unit="s",
                    may_be_empty=("age",),
                ),
            )
        ),
    ),
)
