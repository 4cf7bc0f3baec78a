"""What people read in an alert."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import pytest

from channelwatch.app.texts import LANGUAGES, word
from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import PageKind, Severity
from channelwatch.inventory.model import Bloc
from channelwatch.notify.words import AlertText, Voice, alert_text
from channelwatch.pipeline.ports import Alert
from tests.support.alerts import ALERT
from tests.support.province import START


def text(alert: Alert, language: str = "vi") -> AlertText:
    return alert_text(alert, Voice(partial(word, language=language), language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_alert_has_its_words_in_every_language(language: str) -> None:
    for kind, severity, bloc in product(PageKind, Severity, (*Bloc, None)):
        alert = replace(
            ALERT, kind=kind, severity=severity, bloc=bloc, restored_at=EpochMs(START + 61_000), impacted=3,
            step=2, drill=True,
        )  # fmt: skip
        found = text(alert, language)
        everything = "\n".join((found.subject, *found.lines))
        assert "{" not in everything and "}" not in everything
        assert word("alert.drill_prefix", language) in found.subject


def test_a_reopened_incident_and_a_reminder_say_so() -> None:
    assert "Mở lại" in text(replace(ALERT, kind=PageKind.REOPENED)).lines
    reminder = text(replace(ALERT, kind=PageKind.REPEATED, step=3)).lines
    assert "Nhắc lại lần 3: chưa có người tiếp nhận" in reminder
    assert "Mở lại" not in text(ALERT).lines
    called = text(replace(ALERT, kind=PageKind.ESCALATED)).lines
    assert "Chưa có người tiếp nhận, chuyển cấp xử lý" in called


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "0 giây"),
        (59_999, "59 giây"),
        (60_000, "1 phút"),
        (3_725_000, "1 giờ 2 phút 5 giây"),
        (-3_600_000, "0 giây"),
    ],
)
def test_the_length_of_an_outage_is_in_words_and_never_negative(ms: int, said: str) -> None:
    restored = replace(ALERT, kind=PageKind.RESTORED, restored_at=EpochMs(START + ms))
    assert text(restored).subject == f"Đã khôi phục: Đặng Thuỳ Trâm, gián đoạn {said}"


def test_what_passed_before_it_was_told_says_what_it_was_and_that_it_is_over() -> None:
    passed = replace(ALERT, kind=PageKind.PASSED, restored_at=EpochMs(START + 60_000))
    subject = text(passed).subject
    assert subject.startswith("Đã khôi phục: [P1] Đặng Thuỳ Trâm: ")
    assert subject.endswith("gián đoạn 1 phút")


def test_braces_in_a_name_are_only_letters() -> None:
    assert "{0.__class__} {cause}" in text(replace(ALERT, unit="{0.__class__} {cause}")).subject
