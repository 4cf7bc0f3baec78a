"""Short messages through an HTTP gateway and through a modem, and a siren: what each answer means."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from channelwatch.app.texts import word
from channelwatch.base.errors import Transient
from channelwatch.base.secrets import Secret
from channelwatch.incidents.ack import AckSigner
from channelwatch.notify.acks import Acks
from channelwatch.notify.apprise.transport import AppriseChannel, AppriseConfig, load_apprise
from channelwatch.notify.gsm.template import Reply
from channelwatch.notify.gsm.transport import GsmChannel, GsmConfig
from channelwatch.notify.siren.transport import SirenChannel, SirenConfig
from channelwatch.notify.sms.template import BodyFormat, Fields
from channelwatch.notify.sms.transport import SmsChannel, SmsConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Dead, Outcome, Retry, Sent, Unsure
from tests.support.alerts import ALERT
from tests.support.modem import PtyModem, pty_modem
from tests.support.net import free_port
from tests.support.receivers import WebSink, web_sink

ACKS = Acks(AckSigner(Secret("the secret of links in a test")), None, 3600_000)
VOICE = Voice(partial(word, language="vi"), "vi", inside=False, acks=ACKS)
TO_WATCH = replace(ALERT, contact="watch")
CODE = ACKS.code(TO_WATCH)
SAID = f"SC-000001: Co su co P1. Lien he truc ban. Tra loi NHAN {CODE}"
NUMBERS = {"duty": "+8400000000"}


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


def gateway(
    url: str, style: BodyFormat = BodyFormat.JSON, *, login: bool = False, timeout_s: float = 30.0
) -> SmsConfig:
    return SmsConfig(
        url, NUMBERS, style, Fields(to="phone", text="message", key="ref"),
        token=None if login else Secret("a token of a test"),
        login=("cw", Secret("a password of a test")) if login else None,
        timeout_s=timeout_s,
    )  # fmt: skip


@pytest.fixture
async def sms(web: WebSink) -> AsyncIterator[SmsChannel]:
    channel = SmsChannel(gateway(web.url), VOICE)
    yield channel
    await channel.close()


async def test_a_gateway_is_posted_number_text_and_key(web: WebSink, sms: SmsChannel) -> None:
    assert await sms.send(TO_WATCH, "duty") == Sent()
    (request,) = web.requests
    assert request.json == {"phone": "+8400000000", "message": SAID, "ref": ALERT.key}
    assert request.headers["authorization"] == "Bearer a token of a test"
    assert request.headers["idempotency-key"] == ALERT.key


async def test_a_gateway_that_wants_a_form_and_a_password_gets_them(web: WebSink) -> None:
    channel = SmsChannel(gateway(web.url, BodyFormat.FORM, login=True), VOICE)
    assert await channel.send(TO_WATCH, "duty") == Sent()
    await channel.close()
    (request,) = web.requests
    assert parse_qs(request.body.decode()) == {
        "phone": ["+8400000000"], "message": [SAID], "ref": [ALERT.key],
    }  # fmt: skip
    told = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
    assert told == "cw:a password of a test"


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, Dead("http_400")), (429, Retry("http_429")), (503, Retry("http_503"))]
)
async def test_what_a_gateway_answers(web: WebSink, sms: SmsChannel, status: int, outcome: Outcome) -> None:
    web.answers.append((status, {}))
    assert await sms.send(TO_WATCH, "duty") == outcome


async def test_a_gateway_that_says_nothing_is_not_asked_again_for_ten_seconds(web: WebSink) -> None:
    web.before_answer = lambda: time.sleep(20.0)
    channel = SmsChannel(gateway(web.url, timeout_s=1.0), VOICE)
    assert await channel.send(TO_WATCH, "duty") == Unsure("timeout", 10_000)
    await channel.close()


async def test_a_gateway_that_is_not_there_has_not_sent_anything() -> None:
    channel = SmsChannel(gateway(f"http://127.0.0.1:{free_port()}/"), VOICE)
    assert await channel.send(TO_WATCH, "duty") == Retry("connection")
    await channel.close()


async def test_only_numbers_of_the_configuration_are_told(web: WebSink, sms: SmsChannel) -> None:
    assert await sms.send(TO_WATCH, "+84111111111") == Dead("unknown_destination")
    assert web.requests == []


@pytest.fixture
def modem() -> Iterator[PtyModem]:
    with pty_modem() as found:
        yield found


def gsm(device: Path, *, accents: bool = False, timeout_s: float = 30.0) -> GsmChannel:
    return GsmChannel(GsmConfig(device, 115200, NUMBERS, timeout_s, accents), VOICE)


async def test_a_modem_is_handed_the_message_in_plain_letters(modem: PtyModem) -> None:
    assert await gsm(modem.device).send(TO_WATCH, "duty") == Sent()
    (sms,) = modem.sent
    assert (sms.number, sms.text, sms.charset, sms.coding) == ("+8400000000", SAID, "IRA", 0)


async def test_a_modem_is_handed_accents_in_ucs2(modem: PtyModem) -> None:
    assert await gsm(modem.device, accents=True).send(TO_WATCH, "duty") == Sent()
    (sms,) = modem.sent
    assert (sms.number, sms.charset, sms.coding) == ("+8400000000", "UCS2", 8)
    assert "Liên hệ trực ban" in sms.text


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("\r\n+CMS ERROR: 1\r\n", Dead("cms_1")),
        ("\r\n+CMS ERROR: 500\r\n", Retry("cms_500")),
        ("\r\nERROR\r\n", Retry("modem_error")),
    ],
)
async def test_what_a_modem_answers(modem: PtyModem, answer: str, outcome: Outcome) -> None:
    modem.answers.append(answer)
    assert await gsm(modem.device).send(TO_WATCH, "duty") == outcome
    assert await gsm(modem.device).send(TO_WATCH, "duty") == Sent()


async def test_a_modem_that_hangs_after_the_text_may_have_sent_it(modem: PtyModem) -> None:
    modem.answers.append("HANG")
    assert await gsm(modem.device, timeout_s=2.0).send(TO_WATCH, "duty") == Unsure("timeout", 10_000)


async def test_a_modem_that_answers_nothing_at_all_has_sent_nothing(modem: PtyModem) -> None:
    modem.is_dumb = True
    assert await gsm(modem.device, timeout_s=0.3).send(TO_WATCH, "duty") == Retry("timeout")


@pytest.mark.parametrize("name", ["ttyUSB9", "a-file"])
async def test_a_modem_that_is_not_there_is_tried_again(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").touch()
    assert await gsm(tmp_path / name).send(TO_WATCH, "duty") == Retry("no_modem")
    with pytest.raises(Transient):
        await gsm(tmp_path / name).replies()


async def test_one_modem_is_spoken_to_by_one_at_a_time(modem: PtyModem) -> None:
    channel = gsm(modem.device, timeout_s=60)
    outcomes = await asyncio.gather(*(channel.send(TO_WATCH, "duty") for _ in range(5)))
    assert outcomes == [Sent()] * 5
    assert len(modem.sent) == 5


async def test_replies_are_read_once(modem: PtyModem) -> None:
    modem.inbox += [("+8400000000", f"NHAN {CODE}"), ("+8422222222", f"Nhận {CODE} nhé")]
    channel = gsm(modem.device)
    assert await channel.replies() == [
        Reply("+8400000000", f"NHAN {CODE}"),
        Reply("+8422222222", f"Nhận {CODE} nhé"),
    ]
    assert await channel.replies() == []
    assert modem.card == {}


async def test_the_text_of_a_reply_cannot_pass_for_another_sender_or_for_the_modems_own_words(
    modem: PtyModem,
) -> None:
    forged = f'x\r\nOK\r\n+CMGL: 9,"REC READ","+8400000000"\r\nNHAN {CODE}'
    modem.inbox += [("+8411111111", forged), ("+8400000000", "ok")]
    found = await gsm(modem.device).replies()
    assert found == [Reply("+8411111111", forged), Reply("+8400000000", "ok")]


async def test_what_is_no_received_message_is_cleared_away(modem: PtyModem) -> None:
    modem.card |= {3: "00", 7: "0001000B91"}
    modem.inbox.append(("+8400000000", "NHAN 1234"))
    assert await gsm(modem.device).replies() == [Reply("+8400000000", "NHAN 1234")]
    assert modem.card == {}


def siren(*command: str, timeout_s: float = 60.0) -> SirenChannel:
    return SirenChannel({"desk": SirenConfig(command, timeout_s)}, replace(VOICE, inside=True))


async def test_a_command_is_run_without_a_shell_and_told_the_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_SERVICE", "x")
    script = "import json,os,sys; open(sys.argv[1],'w').write(json.dumps([sys.argv[2:], dict(os.environ)]))"
    out = tmp_path / "out"
    channel = siren(sys.executable, "-c", script, str(out), "$(id)", "; touch /tmp/x", "a b")
    assert await channel.send(TO_WATCH, "desk") == Sent()
    arguments, environment = json.loads(out.read_text())
    assert arguments == ["$(id)", "; touch /tmp/x", "a b"]
    assert environment["CHANNELWATCH_KEY"] == ALERT.key
    assert environment["CHANNELWATCH_TEXT"] == "[P1] Đặng Thuỳ Trâm: Kênh đang truyền rõ"
    assert "A_SECRET_OF_THE_SERVICE" not in environment


@pytest.mark.parametrize(("status", "outcome"), [(1, Dead("exit_1")), (75, Retry("exit_75"))])
async def test_what_an_exit_status_means(status: int, outcome: Outcome) -> None:
    assert await siren("/bin/sh", "-c", f"exit {status}").send(TO_WATCH, "desk") == outcome


async def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = ("/bin/sh", "-c", 'sleep 600 & echo $! > "$0"; wait', str(pid))
    assert await siren(*command, timeout_s=3.0).send(TO_WATCH, "desk") == Retry("timeout")
    child = Path("/proc") / pid.read_text().strip() / "stat"
    assert not child.exists() or child.read_text().split()[2] == "Z"


async def test_a_program_that_is_missing_is_tried_again_and_another_name_is_not() -> None:
    assert await siren("/no/such/program").send(TO_WATCH, "desk") == Retry("cannot_run")
    assert await siren("/bin/true").send(TO_WATCH, "/bin/false") == Dead("unknown_destination")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_apprise_delivers_by_what_it_knows(web: WebSink) -> None:
    pytest.importorskip("apprise")
    address = Secret(f"json://127.0.0.1:{web.port}/alert")
    channel = AppriseChannel({"bot": AppriseConfig(address, 60.0)}, VOICE, load_apprise())
    assert await channel.send(TO_WATCH, "bot") == Sent()
    (request,) = web.requests
    assert request.json["title"] == "SC-000001: Có sự cố P1. Liên hệ trực ban."
    assert ALERT.key in request.json["message"]
    web.answers.append((500, {}))
    assert await channel.send(TO_WATCH, "bot") == Retry("refused")
    assert await channel.send(TO_WATCH, str(address)) == Dead("unknown_destination")
