"""Short messages: one segment, readable on any telephone, and nothing said outside that must stay inside."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import pytest

from channelwatch.app.texts import LANGUAGES, word
from channelwatch.base.clock import EpochMs
from channelwatch.base.secrets import Secret
from channelwatch.incidents.ack import AckSigner
from channelwatch.incidents.model import OVER, PageKind, Severity
from channelwatch.notify.acks import Acks
from channelwatch.notify.alertmanager.template import body as alertmanager_body
from channelwatch.notify.apprise.template import message
from channelwatch.notify.gsm.template import written
from channelwatch.notify.shorttext import SEPTETS, UCS2_UNITS, plain, septets, short_text
from channelwatch.notify.siren.template import environment
from channelwatch.notify.sms.template import BodyFormat, Fields
from channelwatch.notify.sms.template import body as sms_body
from channelwatch.notify.smtp.template import mail
from channelwatch.notify.syslog.template import line
from channelwatch.notify.webhook.template import body as webhook_body
from channelwatch.notify.words import Voice
from tests.support.alerts import ALERT
from tests.support.province import START

ACKS = Acks(AckSigner(Secret("the secret of links in a test")), "https://board.example.test", 3600_000)
VOICE = Voice(partial(word, language="vi"), "vi", acks=ACKS)
OUTSIDE = VOICE.heard(inside=False)
ALERT_TO = replace(ALERT, contact="watch")


def test_a_short_message_is_without_accents_and_says_how_to_take_the_incident() -> None:
    text = short_text(ALERT_TO, VOICE, accents=False)
    code = ACKS.code(ALERT_TO)
    assert text == f"SC-000001 [P1] Dang Thuy Tram: Kenh dang truyen ro. Tra loi NHAN {code}"


def test_accents_are_kept_where_they_are_asked_for() -> None:
    assert "Đặng Thuỳ Trâm" in short_text(ALERT_TO, VOICE, accents=True)


@pytest.mark.parametrize(("accents", "inside"), list(product((False, True), repeat=2)))
def test_every_message_fits_one_segment_and_keeps_its_code(accents: bool, inside: bool) -> None:
    voice = VOICE.heard(inside=inside)
    for kind, severity, drill in product(PageKind, Severity, (False, True)):
        alert = replace(
            ALERT_TO, kind=kind, severity=severity, drill=drill, unit="Văn phòng [Tỉnh ủy] " * 20,
            restored_at=EpochMs(START + 61_000),
        )  # fmt: skip
        text = short_text(alert, voice, accents=accents)
        size = len(text.encode("utf-16-be")) // 2 if accents else septets(text)
        assert 0 < size <= (UCS2_UNITS if accents else SEPTETS)
        code = ACKS.code(alert)
        assert code is None or text.endswith(code)
        assert (kind in (*OVER, PageKind.IMPACT)) == (code is None)


@pytest.mark.parametrize("unit", ["x" * 300, "[" * 300])
def test_what_is_too_long_is_cut_where_the_segment_is_full(unit: str) -> None:
    for accents, limit in ((True, UCS2_UNITS), (False, SEPTETS)):
        text = short_text(replace(ALERT_TO, unit=unit), VOICE, accents=accents)
        size = len(text.encode("utf-16-be")) // 2 if accents else septets(text)
        # A letter that takes two may not fit into the last place.
        assert size == limit or (unit[0] == "[" and size == limit - 1)


def test_letters_that_no_telephone_alphabet_has_become_question_marks() -> None:
    assert plain("Đắk Tô – 漢 [x] €") == "Dak To ? ? [x] €"
    assert septets("[x]€") == 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_drill_says_so_first(language: str) -> None:
    voice = replace(VOICE, words=partial(word, language=language), language=language)
    drill = replace(ALERT_TO, drill=True)
    prefix = word("alert.drill_prefix", language)
    assert short_text(drill, voice, accents=True).startswith(f"{ALERT.number} {prefix}")
    assert mail(drill, "a@b.test", "c@d.test", "b.test", voice)["Subject"].startswith(("=?utf-8", prefix))
    assert prefix in line(drill, voice, "cw")


def test_nothing_that_leaves_the_network_names_a_place_or_a_fault() -> None:
    alert = replace(ALERT_TO, impacted=37, cause="unreachable")
    told = [
        mail(alert, "a@b.test", "c@d.test", "b.test", OUTSIDE).get_payload(decode=True).decode(),
        webhook_body(alert, OUTSIDE).decode(),
        sms_body(alert, OUTSIDE, "+84", fields=Fields(), style=BodyFormat.JSON, accents=True).decode(),
        written(alert, OUTSIDE, "+84", accents=False).text,
        alertmanager_body(alert, OUTSIDE, "cw-1").decode(),
        line(alert, OUTSIDE, "cw-1"),
        str(environment(alert, OUTSIDE)),
        "\n".join(message(alert, OUTSIDE)),
    ]
    secret = (
        alert.unit, plain(alert.unit), alert.subject, alert.title["vi"], plain(alert.title["vi"]), alert.rule,
        "party", "Khối Đảng", "unreachable", alert.runbook, '"impacted": 37',
    )  # fmt: skip
    assert [(text, word_) for text in told for word_ in secret if word_ in text] == []
    assert all("SC-000001" in text for text in told)


def test_a_link_and_a_code_are_offered_only_to_somebody_and_only_while_it_is_open() -> None:
    assert ACKS.link(ALERT_TO) is not None
    for alert in (ALERT, replace(ALERT_TO, kind=PageKind.RESTORED)):
        assert (ACKS.link(alert), ACKS.code(alert)) == (None, None)
    assert replace(ACKS, url=None).link(ALERT_TO) is None
