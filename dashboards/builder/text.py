"""Texts in both languages, and the words and colours of states: one meaning, one word, one sign, one colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

LANGUAGES = ("vi", "en")


class T(NamedTuple):
    """One text, Vietnamese first."""

    vi: str
    en: str

    def to(self, language: str) -> str:
        """The text in `language`."""
        return self.vi if language == "vi" else self.en


GREEN, YELLOW, ORANGE, RED = "#37872d", "#e0b400", "#fa6400", "#c4162a"
CRIMSON, PURPLE, GREY, BLUE = "#8f0b52", "#7d4fc4", "#5a6270", "#2f6fb3"
NO_VALUE = T("Không có số liệu", "No data")


@dataclass(frozen=True)
class Scale:
    """How values are coloured and worded. `steps`: from this value on, this colour; the first has no value.

    `words`: value, text of a label, or (from, to), to text and colour. `missing`: what stands for no value.
    """

    steps: tuple[tuple[float | None, str], ...]
    words: tuple[tuple[float | str | tuple[float | None, float | None], T, str], ...]
    missing: tuple[T, str] = (NO_VALUE, GREY)

    def thresholds(self) -> dict[str, Any]:
        """As Grafana has it."""
        return {
            "mode": "absolute",
            "steps": [{"color": color, "value": value} for value, color in self.steps],
        }

    def mappings(self, language: str) -> list[dict[str, Any]]:
        """As Grafana has it; a missing value is always grey and says so."""
        single: dict[str, Any] = {}
        found: list[dict[str, Any]] = []
        for index, (value, text, color) in enumerate(self.words):
            result = {"color": color, "index": index, "text": text.to(language)}
            if isinstance(value, tuple):
                found.append(
                    {"type": "range", "options": {"from": value[0], "to": value[1], "result": result}}
                )
            else:
                single[value if isinstance(value, str) else f"{value:g}"] = result
        text, color = self.missing
        nothing = {"color": color, "index": len(self.words), "text": text.to(language)}
        special = {"type": "special", "options": {"match": "null+nan", "result": nothing}}
        return [*([{"type": "value", "options": single}] if single else []), *found, special]


def stepped(words: Mapping[int, tuple[T, str]]) -> Scale:
    """A scale of whole numbers, each with its word."""
    (_, (_, first)), *_ = words.items()
    steps = ((None, first), *((float(number), color) for number, (_, color) in list(words.items())[1:]))
    return Scale(steps, tuple((float(number), text, color) for number, (text, color) in words.items()))


SEVERITY = stepped(
    {
        0: (T("● Bình thường", "● Fine"), GREEN),
        1: (T("▲ Suy giảm", "▲ Degraded"), YELLOW),
        2: (T("? Không có số liệu", "? No data"), GREY),
        3: (T("◆ Bảo vệ yếu", "◆ Weakened"), ORANGE),
        4: (T("! Cảnh báo an ninh", "! Security alarm"), PURPLE),
        5: (T("■ Ngừng hoạt động", "■ Down"), RED),
        6: (T("✖ Không mã hóa", "✖ Exposed"), CRIMSON),
    }
)
NOWHERE = "#1f2227"
BY_UNIT = replace(SEVERITY, missing=(T("–", "–"), NOWHERE))
"""Where a unit has no device of a bloc there is nothing to know."""

PAIR = stepped(
    {
        0: (T("● Đủ dự phòng", "● Redundant"), GREEN),
        1: (T("▲ Đã chuyển đổi", "▲ Switched over"), BLUE),
        2: (T("? Không có số liệu", "? No data"), GREY),
        3: (T("◆ Mất dự phòng", "◆ Redundancy lost"), ORANGE),
        4: (T("! Xung đột vai trò", "! Role conflict"), PURPLE),
        5: (T("■ Mất toàn bộ cụm", "■ Group lost"), RED),
    }
)
SIGNAL = stepped(
    {
        0: (T("● Tốt", "● Ok"), GREEN),
        1: (T("▲ Suy giảm", "▲ Degraded"), YELLOW),
        2: (T("■ Lỗi", "■ Failed"), RED),
        3: (T("? Không rõ", "? Unknown"), GREY),
    }
)
HEALTH = stepped(
    {
        0: (T("● Hoạt động bình thường", "● Up"), GREEN),
        1: (T("▲ Suy giảm", "▲ Degraded"), YELLOW),
        2: (T("■ Ngừng hoạt động", "■ Down"), RED),
        3: (T("? Không có số liệu", "? No data"), GREY),
    }
)
PROTECTION = stepped(
    {
        0: (T("● Được bảo vệ", "● Secured"), GREEN),
        1: (T("◆ Bảo vệ yếu", "◆ Weakened"), ORANGE),
        2: (T("✖ Không mã hóa", "✖ Exposed"), CRIMSON),
        3: (T("? Không rõ", "? Unknown"), GREY),
    }
)
YES = stepped({0: (T("■ Không", "■ No"), RED), 1: (T("● Có", "● Yes"), GREEN)})


def worded(words: Mapping[str, tuple[T, str]]) -> Scale:
    """A scale of a label's words."""
    return Scale(((None, GREY),), tuple((word, text, color) for word, (text, color) in words.items()))


GRAVITY = worded(
    {
        "p1": (T("P1 Đặc biệt nghiêm trọng", "P1 Critical"), CRIMSON),
        "p2": (T("P2 Nghiêm trọng", "P2 Serious"), RED),
        "p3": (T("P3 Trung bình", "P3 Medium"), ORANGE),
        "p4": (T("P4 Thấp", "P4 Low"), BLUE),
    }
)
LIFE = worded(
    {
        "open": (T("■ Mới phát hiện", "■ Open"), RED),
        "reopened": (T("■ Mở lại", "■ Reopened"), RED),
        "acked": (T("▲ Đã tiếp nhận", "▲ Acknowledged"), ORANGE),
        "working": (T("▲ Đang xử lý", "▲ In progress"), ORANGE),
        "restored": (T("● Đã khôi phục", "● Restored"), GREEN),
        "resolved": (T("● Đã khắc phục", "● Resolved"), GREEN),
    }
)
BLOCS: Mapping[str, T] = {
    "party": T("Khối Đảng", "Party"),
    "gov": T("Khối Chính phủ", "Government"),
    "na": T("Khối Quốc hội", "National Assembly"),
    "front": T("Khối MTTQ", "Fatherland Front"),
}

BLOC_NAMES = worded({bloc: (name, "transparent") for bloc, name in BLOCS.items()})


def bad(color: str = RED, *, at: float = 1) -> Scale:
    """A count of which any is too much: none is said in words."""
    return Scale(((None, GREEN), (at, color)), ((0.0, T("0 · không có", "0 · none"), GREEN),))


def neutral(color: str = BLUE) -> Scale:
    """A figure without good or bad."""
    return Scale(((None, color),), ())


def age(warn: float, alarm: float) -> Scale:
    """Seconds since something that must not be long ago."""
    return Scale(((None, GREEN), (warn, YELLOW), (alarm, RED)), ((0.0, T("vừa xong", "just now"), GREEN),))


def amount(warn: float, alarm: float) -> Scale:
    """Time that was lost."""
    return Scale(
        ((None, GREEN), (warn, YELLOW), (alarm, RED)), ((0.0, T("0 · không có", "0 · none"), GREEN),)
    )


def share(warn: float, good: float) -> Scale:
    """A ratio that ought to be near 1."""
    return Scale(
        ((None, RED), (warn, YELLOW), (good, GREEN)),
        ((0.0, T("0 % · không", "0 % · none"), RED), (1.0, T("100 % · đủ", "100 % · all"), GREEN)),
    )
