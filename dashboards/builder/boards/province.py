"""Where in the province is something wrong?"""

from __future__ import annotations

from dashboards.builder.model import Board, Column, Kind, Matrix, Panel, Query, Row
from dashboards.builder.parts import BLOC, HERE, IN, UNIT, data_age, tile
from dashboards.builder.text import (
    BLOC_NAMES,
    BLOCS,
    BY_UNIT,
    CRIMSON,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SEVERITY,
    YELLOW,
    T,
    age,
    bad,
    share,
)

_NAMED = f"""label_join(
    channelwatch_unit_severity{{{HERE}}} * on (bloc, unit) group_left (name) channelwatch_unit_info,
    "place", " · ", "name", "unit"
  )"""
MATRIX = f"""max by (bloc, place) (
  {_NAMED}
)
or label_replace(max by (place) (
  {_NAMED}
), "bloc", "worst", "", "")"""


def _count(state: str, title: T, about: T, color: str) -> Panel:
    return tile(title, about, f'sum(channelwatch_devices{{state="{state}",{IN}}})', bad(color), width=3)


BOARD = Board(
    uid="cw-province",
    title=T("Toàn tỉnh: chỗ nào có sự cố?", "Province: where is something wrong?"),
    about=T(
        "Thiết bị theo đơn vị và khối, xấu nhất ở trên. Không có số liệu không phải là bình thường.",
        "Channel-encryption devices by unit and bloc, worst first. No data is not the same as fine.",
    ),
    variables=(BLOC, UNIT),
    runbooks=("device-down", "hub-lost", "plaintext-bypass"),
    rows=(
        Row(
            (
                _count(
                    "exposed",
                    T("Không mã hóa", "Exposed"),
                    T(
                        "Kênh thông nhưng không được mã hóa: xấu nhất.",
                        "Traffic passes in plaintext: the worst state.",
                    ),
                    CRIMSON,
                ),
                _count(
                    "down",
                    T("Ngừng hoạt động", "Down"),
                    T("Thiết bị hoặc kênh ngừng hoạt động.", "Device or channel does not carry traffic."),
                    RED,
                ),
                _count(
                    "alarm",
                    T("Cảnh báo an ninh", "Security alarm"),
                    T("Thiết bị báo xâm phạm.", "The device reports tampering or an attack."),
                    PURPLE,
                ),
                _count(
                    "weakened",
                    T("Bảo vệ yếu", "Weakened"),
                    T("Có mã hóa nhưng yếu hơn quy định.", "Encrypted, but weaker than it ought to be."),
                    ORANGE,
                ),
                _count(
                    "no_data",
                    T("Không có số liệu", "No data"),
                    T(
                        "Không biết tình trạng. Không phải là bình thường.",
                        "Nothing is known. That is not fine.",
                    ),
                    GREY,
                ),
                _count(
                    "degraded",
                    T("Suy giảm", "Degraded"),
                    T("Còn hoạt động nhưng có khiếm khuyết.", "Carries traffic, impaired."),
                    YELLOW,
                ),
                tile(
                    T("Chưa tiếp nhận lâu nhất", "Longest unacknowledged"),
                    T("Sự cố chờ người tiếp nhận lâu nhất.", "The incident that waits for a person longest."),
                    "max(channelwatch_incident_oldest_unacknowledged_seconds)",
                    age(180, 300),
                    unit="s",
                    width=3,
                ),
                data_age(width=3),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TABLE,
                    T("Đơn vị theo khối, xấu nhất ở trên", "Units by bloc, worst first"),
                    T(
                        "Mỗi ô là thiết bị xấu nhất của khối tại đơn vị. Gạch ngang: khối không có thiết bị ở đó.",
                        "Each cell is the worst device of a bloc in a unit. A dash: none there.",
                    ),
                    14,
                    20,
                    (Query(MATRIX),),
                    SEVERITY,
                    columns=(
                        Column("place\\bloc", T("Đơn vị", "Unit")),
                        Column("worst", T("Xấu nhất", "Worst"), SEVERITY),
                        *(Column(bloc, title, BY_UNIT) for bloc, title in BLOCS.items()),
                    ),
                    matrix=Matrix("place", "bloc"),
                    sort="worst",
                ),
                Panel(
                    Kind.TABLE,
                    T("Thiết bị cần chú ý", "Devices that need attention"),
                    T(
                        "Thiết bị đang sử dụng không bình thường, xấu nhất ở trên.",
                        "Devices in service that are not fine, worst first.",
                    ),
                    10,
                    20,
                    (
                        Query(
                            f"topk(60, (channelwatch_device_severity{{{HERE}}} > 0) and on (device) "
                            "(channelwatch_device_in_service == 1))",
                            may_be_empty=True,
                        ),
                    ),
                    SEVERITY,
                    columns=(
                        Column(
                            "device",
                            T("Thiết bị", "Device"),
                            link="/d/cw-device?var-device=${__value.raw}",
                            width=190,
                        ),
                        Column("bloc", T("Khối", "Bloc"), BLOC_NAMES, width=130),
                        Column("unit", T("Đơn vị", "Unit"), width=90),
                        Column("Value", T("Tình trạng", "State"), SEVERITY),
                    ),
                    sort="Value",
                ),
            )
        ),
        Row(
            (
                Panel(
                    Kind.TIMELINE,
                    T("Diễn biến các khối", "The blocs over time"),
                    T(
                        "Thiết bị xấu nhất của mỗi khối theo thời gian.",
                        "The worst device of each bloc over time.",
                    ),
                    12,
                    7,
                    (Query(f"max by (bloc) (channelwatch_unit_severity{{{IN}}})", "{{bloc}}"),),
                    SEVERITY,
                ),
                Panel(
                    Kind.BARS,
                    T("Xã có kênh hoạt động", "Communes with a working channel"),
                    T(
                        "Tỷ lệ xã trong phạm vi của khối mà mọi thiết bị đều thông và được bảo vệ.",
                        "Share of the communes in a bloc's reach, all of whose devices carry protected traffic.",
                    ),
                    6,
                    7,
                    (
                        Query(
                            f"channelwatch_communes_with_channel{{{IN}}} / (channelwatch_communes > 0)",
                            "{{bloc}}",
                        ),
                    ),
                    share(0.9, 1),
                    "percentunit",
                    minimum=0,
                    maximum=1,
                ),
                Panel(
                    Kind.BARS,
                    T("Thiết bị có số liệu", "Devices with data"),
                    T(
                        "Tỷ lệ thiết bị đang sử dụng mà tình trạng được biết.",
                        "Share of the devices in service of which something is known.",
                    ),
                    6,
                    7,
                    (Query(f"channelwatch_coverage_ratio{{{IN}}}", "{{bloc}}"),),
                    share(0.98, 1),
                    "percentunit",
                    minimum=0,
                    maximum=1,
                ),
            )
        ),
    ),
)
