"""What the record and the engine say in codes and in English, as people read it."""

from __future__ import annotations

import ast
import re
from importlib.resources import files

import pytest
from channelwatch_api.board.people import Person
from channelwatch_api.board.telling import cause_word, origin_word, step_told
from channelwatch_api.texts import Language, load_catalogue, own_rows

from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.incidents.drills import DrillEnd
from channelwatch.incidents.model import EndReason, IncidentStep, StepKind
from channelwatch.inventory.model import Bloc, Contact, Inventory, Province, Role
from channelwatch.status.states import Cause, PairState

VI, EN = (load_catalogue().words(language) for language in Language)
RULES = load_rules(shipped_rules())
DUTY = Contact(ContactCode("watch-na"), Role.WATCH, "Trực giám sát", (Bloc.NA,), ())
INVENTORY = Inventory(Province("51", "Quảng Ngãi"), contacts=(DUTY,))

SPEAKING = (
    "pipeline/acts.py", "incidents/life.py", "incidents/drills.py", "store/drills.py",
    "app/running/engine.py", "app/running/reach.py",
)  # fmt: skip
"""Modules whose refusals and complaints reach a page."""


def step(kind: StepKind, reason: str, *, by: str = "system", origin: str = "rule") -> IncidentStep:
    return IncidentStep(IncidentId(1), kind, EpochMs(1), by, origin, reason)


def reason(kind: StepKind, text: str) -> str:
    return step_told(step(kind, text), VI, INVENTORY, RULES).reason


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (StepKind.OPENED, "device-down", "Mất kênh hoặc thiết bị"),
        (StepKind.OPENED, "drill.device-down", "Mất kênh hoặc thiết bị"),
        (StepKind.OPENED, "a-rule-of-old", "a-rule-of-old"),
        (StepKind.REOPENED, "switched", "Đã chuyển đổi dự phòng"),
        (StepKind.MERGED, "part_of:hub-lost", "Thuộc sự cố: Mất toàn bộ cụm dự phòng nóng"),
        (StepKind.MERGED, "part_of:party", "Thuộc sự cố: Khối Đảng"),
        (StepKind.MERGED, "SC-000004: cùng đứt cáp", "SC-000004: cùng đứt cáp"),
        (StepKind.RESTORED, "condition_ended", "Hết điều kiện cảnh báo"),
        (StepKind.RESTORED, "drill_ended:real_p1", "Diễn tập kết thúc: Có sự cố P1 thật"),
        (StepKind.SEVERITY_RAISED, "p3>p2:overdue", "P3 → P2: Quá thời hạn khôi phục"),
        (StepKind.SEVERITY_LOWERED, "p1>p2: cáp dự phòng", "P1 → P2: cáp dự phòng"),
        (StepKind.ACK_EXPIRED, "acked_by:watch-na", "Người tiếp nhận: Trực giám sát"),
        (StepKind.NOTE, "latch_cleared:crypto.tamper", "Người kiểm tra xác nhận: Chống xâm phạm"),
        (StepKind.NOTE, "đã gọi: chưa ai nghe", "đã gọi: chưa ai nghe"),
    ],
)
def test_a_reason_is_told_in_words(kind: StepKind, text: str, said: str) -> None:
    assert reason(kind, text) == said


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("rule", "Quy tắc cảnh báo"),
        ("board 192.0.2.7", "Giao diện web 192.0.2.7"),
        ("reply gsm", "Tin nhắn trả lời · Tin nhắn (modem GSM)"),
        ("spoken, heard by truc", "Mã đọc qua điện thoại, người nghe: truc"),
        ("", ""),
    ],
)
def test_the_way_that_a_step_came_is_told_in_words(origin: str, said: str) -> None:
    assert origin_word(origin, VI) == said


def test_who_acted_is_a_post_an_account_or_the_system() -> None:
    for by, person in (
        ("watch-na", Person("Trực giám sát", "watch-na")),
        ("truong-ca", Person("truong-ca")),
        ("system", Person("Hệ thống")),
    ):
        assert step_told(step(StepKind.ACKED, "", by=by), VI, INVENTORY, RULES).by == person


def test_every_cause_of_an_incident_has_its_word() -> None:
    for words in (VI, EN):
        assert [cause for cause in (*Cause, *PairState) if cause_word(cause, words) == cause] == []


def test_every_end_has_its_word() -> None:
    assert [end for end in EndReason if reason(StepKind.RESTORED, end) == end] == []
    assert [end for end in DrillEnd if end in reason(StepKind.RESTORED, f"drill_ended:{end}")] == []


def code_of(name: str) -> str:
    return (files("channelwatch") / name).read_text(encoding="utf-8")


def test_every_reason_and_origin_that_the_pipeline_writes_is_known() -> None:
    modules = [item for item in (files("channelwatch") / "pipeline").iterdir() if item.name.endswith(".py")]
    text = "\n".join(item.read_text(encoding="utf-8") for item in modules)
    reasons = set(re.findall(r'reason(?:=| = )f?"([a-z_]+)[:"]', text))
    assert reasons == {"part_of", "latch_cleared", "acked_by"}
    assert "drill_ended:" in text
    origins = set(re.findall(r'(?:origin: str = |origin=|ORIGIN = )"([a-z_]+)"', text))
    assert origins == {"rule", "drill", "alertmanager", "device"}
    assert [name for name in origins if f"origin.{name}" not in VI.by_key] == []


def sentences(name: str) -> set[str]:
    """What a module tells people, with a word in each gap of its f-strings."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code_of(name))):
        match node:
            case ast.Call(
                func=ast.Name(id="Permanent" | "Transient" | "CannotWrite" | "refused"), args=[first, *_]
            ):
                found |= spelled(first)
            case ast.Call(func=ast.Name(id="_refused"), args=[_, why]):
                found |= spelled(why)
            case ast.Call(func=ast.Name(id="InputError"), args=[ast.List(elts=[first])]):
                found |= spelled(first)
            case ast.Yield(value=ast.Constant() | ast.JoinedStr() as told):
                found |= spelled(told)
            case ast.Call(func=ast.Attribute(attr="append", value=ast.Name(id="problems")), args=[first]):
                found |= spelled(first)
    return found


def spelled(node: ast.expr) -> set[str]:
    match node:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.JoinedStr(values=parts):
            return {"".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)}
        case _:
            return set()


@pytest.mark.parametrize("name", SPEAKING)
def test_everything_that_a_module_tells_people_is_translated(name: str) -> None:
    told = sentences(name)
    assert len(told) > 1
    assert [text for text in told if VI.said(text) == text] == []
    assert [text for text in told if EN.said(text) != text] == []


def test_every_translated_sentence_is_still_said() -> None:
    text = "".join(
        item.read_text(encoding="utf-8")
        for folder in ("app", "app/running", "pipeline", "incidents", "store")
        for item in (files("channelwatch") / folder).iterdir()
        if item.name.endswith(".py")
    )
    text += (files("channelwatch_collector") / "syslog" / "intake.py").read_text(encoding="utf-8")
    rows = {row["key"]: row["en"] for row in own_rows() if row["key"].startswith("said.")}
    lost = {
        key
        for key, said in rows.items()
        if any(part not in text for part in re.split(r"\{\w+\}", said) if part)
    }
    assert lost == set()


def test_what_fills_a_sentence_and_what_follows_a_colon_are_translated_as_well() -> None:
    said = VI.said("2 incidents reach nobody (SC-000007: nobody is on duty for party)")
    assert said == "2 sự cố chưa báo được cho ai (SC-000007: không có người trực cho Khối Đảng)"
    assert VI.said("merge: the other incident is over") != "merge: the other incident is over"
    assert VI.said("commit failed; will be tried again: disk I/O error").endswith(
        "sẽ thử lại: disk I/O error"
    )
    assert VI.said("an incident that is open cannot be closed") == (
        "không thực hiện được việc «Đóng» với sự cố ở trạng thái «Mới phát hiện»"
    )
    assert VI.said("words of a library") == "words of a library"
