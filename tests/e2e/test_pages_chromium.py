"""Every page in a real browser, as a stranger would look at it: words, widths, a drill, a link in a message, paper."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import pytest
from channelwatch_simulator.province import Preset, build_province
from playwright.async_api import Page

from channelwatch.base.clock import EpochMs, SystemClock
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.incidents.ack import AckClaim, AckSigner
from channelwatch.incidents.drills import Drill, DrillEnd, Scenario
from channelwatch.incidents.model import IncidentState, IncidentStep, StepKind
from channelwatch.inventory.model import Bloc, Contact, Role
from channelwatch.status.events import MissCause, RogueSource, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection
from channelwatch.store.desk import Act
from channelwatch.store.drills import BEGUN, ENDED
from tests.contract.test_api_acks import SECRET, notify
from tests.e2e.test_board_chromium import (
    AUDIT,
    CONTRAST,
    LY_SON,
    PHONE,
    WALL,
    listening,
    shows,
    visiting,
)
from tests.support import eventually
from tests.unit.api.memory_house import MemoryHouse
from tests.unit.api.test_texts import ENUMERATED

DESK = {"width": 1280, "height": 800}
DUTY = Contact(ContactCode("watch-party"), Role.WATCH, "Trực giám sát", (Bloc.PARTY,), ("smtp:duty",))
HUB = "51-D-T0001"
HOUR_MS = 3600_000

PAGES = (
    "/", "/devices", f"/devices/{LY_SON}", "/circuits", "/incidents", "/incidents/1", "/incidents/2", "/incidents/3",
    "/drills", "/drills/1", "/drills/2", "/unknown-sources", "/login", "/nothing",
)  # fmt: skip

WORDS = """() => {
  const unread = '[translate=no], .code, .who, script, style, option, title';
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode())
    if (!walk.currentNode.parentElement.closest(unread)) found.push(walk.currentNode.data);
  for (const option of document.querySelectorAll('option')) found.push(option.text);
  for (const e of document.querySelectorAll('[aria-label]')) found.push(e.ariaLabel);
  return found.join('\\n').match(/[\\p{L}\\p{N}_.-]+/gu);
}"""
"""Every word of a page, but for what devices and inventories call themselves."""


def begin_drill(house: MemoryHouse, code: str = LY_SON, scenario: Scenario = Scenario.TAMPER) -> Drill:
    assert house.drills is not None
    now = house.clock.now()
    wanted = Drill(0, scenario, code, "truong-ca", "chu-quan", now, EpochMs(now + HOUR_MS))
    number = house.drills.ask_drill(wanted, origin="test")
    house.drills.mark_drill(number, BEGUN, Act("system", now, "test"))
    house.drill = house.drills.drills()[-1]
    return house.drill


def eventful() -> MemoryHouse:
    """A house in which much has happened, told in every kind of code that the record knows."""
    house = MemoryHouse(clock=SystemClock())
    house.all_up()
    house.settings = house.settings.model_copy(update={"notify": notify()})
    house.world.set_inventory(replace(house.world.inventory, contacts=(DUTY,)))
    house.assess(
        LY_SON, Health.UP, Protection.EXPOSED, Cause.BYPASS,
        Reading(Signal.CRYPTO_MODE, SignalState.FAILED, "bypass_plaintext", source="1.3.6.1"),
        Reading(Signal.HA_SYNC, SignalState.DEGRADED, "out_of_sync", source="latch"),
        Reading(Signal.CHANNEL_UP_COUNT, SignalState.UNSUPPORTED, source="rows"),
        flags=frozenset({Flag.SECURITY_ALARM, Flag.FLAPPING, Flag.MAINTENANCE}),
    )  # fmt: skip
    house.put(
        LY_SON, latched=frozenset({(Signal.CRYPTO_TAMPER, "")}), misses=2, miss_cause=MissCause.WRONG_KEY
    )
    house.assess("51-C-21548-1", Health.DOWN, Protection.UNKNOWN, Cause.TUNNEL_DOWN)
    house.put_pair(HUB, PairState.SWITCHED)
    now = house.clock.now()

    def step(
        number: int, kind: StepKind, reason: str, by: str = "system", origin: str = "rule"
    ) -> IncidentStep:
        return IncidentStep(IncidentId(number), kind, now, by, origin, reason)

    taken = house.open_incident(
        1, HUB, rule="switched-over", cause="switched", acked_at=now, acked_by=DUTY.code
    )
    house.put_incident(
        replace(taken, state=IncidentState.ACKED),
        step(1, StepKind.REOPENED, "no_redundancy"),
        step(1, StepKind.ACKED, "", DUTY.code, "reply gsm"),
        step(1, StepKind.ACK_EXPIRED, f"acked_by:{DUTY.code}"),
        step(1, StepKind.SEVERITY_RAISED, "p3>p2:overdue"),
        step(1, StepKind.NOTE, "latch_cleared:crypto.tamper", DUTY.code, "device"),
    )
    house.open_incident(2, LY_SON)
    old = house.open_incident(3, "51-C-21548-1", rule="device-down", cause="tunnel_down")
    house.put_incident(
        replace(old, state=IncidentState.MERGED, closed_at=now),
        step(3, StepKind.MERGED, "part_of:hub-lost"),
        step(3, StepKind.RESTORED, "condition_ended", origin="drill"),
    )
    house.record(
        rogues=(
            RogueSource("192.0.2.66", Transport.SYSLOG_UDP, now, 1532, "<34>su: " + "x" * 300),
            RogueSource("no host by way of 192.0.2.9", Transport.TRAP, now, 3),
        )
    )
    begin_drill(house, HUB, Scenario.HUB_LOST)
    assert house.drills is not None
    house.drills.mark_drill(1, ENDED, Act("system", now, "test", DrillEnd.REAL_P1))
    begin_drill(house)
    played = house.open_incident(4, LY_SON, rule="drill.tamper", cause="tamper", drill=True)
    house.put_incident(played, step(4, StepKind.OPENED, "drill.tamper", origin="drill"))
    return house


def codes() -> set[str]:
    """Every word of an enumeration that can be shown, as it is written in the record."""
    return {str(item) for items in ENUMERATED.values() for item in items if isinstance(item, StrEnum)}


async def test_no_page_shows_a_code_where_a_word_belongs() -> None:
    raw = {code for code in codes() if code.isascii() and code.islower() and len(code) > 1}
    async with visiting(eventful()) as visit:
        page = await visit.page(name="chief")
        for path in PAGES:
            for prefix in ("/vi", "/en"):
                await page.goto(visit.url + prefix + path)
                words = set(await page.evaluate(WORDS))
                assert {
                    word for word in words if "_" in word or word.startswith(("said.", "cause."))
                } == set(), path
                if prefix == "/vi":
                    assert words & raw == set(), path
                assert len(words) > 5
        visit.complaints.clear()  # a page that is not there is told of on the console


async def overflow(page: Page) -> int:
    return int(
        await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_every_page_fits_its_screen_and_can_be_read(size: dict[str, int]) -> None:
    async with visiting(eventful()) as visit:
        for scheme in ("dark", "light"):
            page = await visit.page(name="chief", viewport=size, color_scheme=scheme)
            for path in PAGES:
                await page.goto(f"{visit.url}/vi{path}")
                assert await overflow(page) <= 0, path
                assert await page.evaluate(AUDIT) == [], path
                assert await page.evaluate(CONTRAST) == [], path
        visit.complaints.clear()


async def test_a_drill_is_on_the_wall_as_it_begins_and_gone_when_it_is_over() -> None:
    house = MemoryHouse(clock=SystemClock())
    house.all_up()
    async with visiting(house) as visit:
        page = await visit.page()
        await listening(visit)
        assert await page.locator("#drill").is_hidden()
        begin_drill(house)
        await shows(page, "#drill", "ĐANG DIỄN TẬP")
        assert await page.locator("#drill").is_visible()
        house.drill = None

        async def is_over() -> bool:
            return await page.locator("#drill p").count() == 0

        await eventually(is_over, 30, what="the end of the drill on the wall")
        assert await page.locator("#drill").is_hidden()


async def test_a_chief_holds_a_drill_with_the_form() -> None:
    house = MemoryHouse(clock=SystemClock())
    house.all_up()
    assert house.drills is not None
    async with visiting(house) as visit:
        page = await visit.page("/drills", name="chief")
        await page.select_option("[name=scenario]", "communes-cut")
        await page.select_option("[name=code]", "party")
        await page.select_option("[name=approved_by]", "owner")
        await page.click("main form button.primary")
        await page.wait_for_url("**/drills/1")
        assert "Mất kênh 30% số xã" in await page.inner_text("h1")
        await page.click("text=Dừng diễn tập")
        await shows(page, "dd", "Đã yêu cầu dừng")
        assert house.drills.drills()[0].stop_asked_at is not None


async def test_a_whole_province_fits_a_wall_while_a_drill_is_on() -> None:
    house = MemoryHouse(build_province(Preset.FULL, seed=7).inventory, clock=SystemClock())
    house.all_up()
    begin_drill(house, str(house.world.inventory.devices[50].code))
    async with visiting(house) as visit:
        page = await visit.page()
        assert await page.evaluate("document.documentElement.scrollHeight") <= WALL["height"]
        cut = "e => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]"
        assert await page.locator(".matrix").evaluate(cut) == [0, 0]


async def test_a_link_in_a_message_is_taken_with_one_press_on_a_telephone() -> None:
    house = eventful()
    claim = AckClaim(IncidentId(2), 0, DUTY.code, EpochMs(house.clock.now() + HOUR_MS))
    expired = replace(claim, expires_at=EpochMs(house.clock.now() - 1000))
    signer = AckSigner(SECRET)
    async with visiting(house) as visit:
        context = await visit.browser.new_context(viewport=PHONE, locale="vi-VN")
        page = await context.new_page()
        await page.goto(f"{visit.url}/ack/{signer.token(claim)}")
        assert house.world.incidents[IncidentId(2)].acked_at is None, "looking takes nothing"
        button = page.locator("main button")
        box = await button.bounding_box()
        assert box is not None and box["height"] >= 44 and box["y"] + box["height"] <= PHONE["height"]
        assert (await overflow(page), await page.evaluate(AUDIT), await page.evaluate(CONTRAST)) == (
            0,
            [],
            [],
        )
        await button.click()
        await shows(page, "h1", "Sự cố đã được tiếp nhận")
        assert house.world.incidents[IncidentId(2)].acked_by == DUTY.code
        assert "Trực giám sát" in await page.inner_text("main")
        for token, said in ((signer.token(expired), "đã hết hạn"), ("abc.def", "không hợp lệ")):
            answer = await page.goto(f"{visit.url}/ack/{token}")
            assert answer is not None and answer.status == 410
            assert said in await page.inner_text("[role=alert]")
            assert await page.evaluate(AUDIT) == []


async def test_a_report_on_paper_has_no_buttons_and_says_where_and_when_it_was_made() -> None:
    async with visiting(eventful()) as visit:
        page = await visit.page("/incidents/1", name="chief", viewport=DESK)
        assert await page.locator("[data-print]").is_visible()
        assert await page.locator(".print-only").is_hidden()
        await page.emulate_media(media="print")
        for gone in ("nav", ".top-right", "main form", "[data-print]", ".back"):
            assert await page.locator(gone).first.is_hidden(), gone
        for kept in (".brand-place", "h1", ".steps", ".print-only", ".b-sim"):
            assert await page.locator(kept).first.is_visible(), kept
        assert "Giờ Việt Nam (UTC+7)".lower() in (await page.inner_text(".foot")).lower()
        assert await page.evaluate(CONTRAST) == []
