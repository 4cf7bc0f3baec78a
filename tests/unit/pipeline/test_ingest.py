"""From observations to transitions, groups, incidents and pages, with the rules that are shipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import LogId
from channelwatch.incidents.model import IncidentState, PageKind
from channelwatch.incidents.restraint import Restraint
from channelwatch.inventory.model import Bloc, Inventory, LifeCycle
from channelwatch.pipeline.ingest import acknowledge, ingest, resume
from channelwatch.pipeline.ports import CurrentRow, Snapshot
from channelwatch.status.events import Observation, RogueSource, Transport
from channelwatch.status.states import Assessment, Cause, Flag, Health, PairState, Protection
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    START,
    answer,
    bypass,
    encrypting,
    miss,
    role,
    small_inventory,
    small_world,
    spoke,
    trap,
    tunnel_down,
)
from tests.support.story import RULES, SPOKES, Story


@pytest.fixture
def story() -> Story:
    story = Story()
    story.all_well()
    return story


def test_a_healthy_province_opens_nothing(story: Story) -> None:
    story.wait(5000)
    assert story.world.pairs[HUB].state is PairState.REDUNDANT
    assert story.incidents == []


def test_polls_that_change_nothing_write_nothing(story: Story) -> None:
    written = len(story.effects)
    for _ in range(5):
        story.now += 4000
        story.all_well()
    assert len(story.effects) == written


def test_a_trap_opens_an_incident_and_its_pages_in_the_same_batch(story: Story) -> None:
    effects = story.see(trap(SPOKES[0], story.now + 7, tunnel_down()), after=7)
    incident = story.incidents[0]
    assert (incident.rule, incident.state, incident.t0) == ("device-down", IncidentState.OPEN, story.now)
    assert {row.alert.subject for row in effects.outbox} == {SPOKES[0]}
    assert effects.transitions[0].after == "down"
    assert {row.page.incident for row in effects.outbox} == {incident.id}


def test_the_end_of_the_fault_restores_and_tells_those_who_were_told(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.see(answer(SPOKES[0], story.now + 9000), after=9000)
    assert story.incidents[0].state is IncidentState.RESTORED
    assert [kind for kind, _ in story.pages].count(PageKind.RESTORED) == 1


def test_bypass_is_a_p1_of_its_own_and_stays_open_while_the_device_is_silent(story: Story) -> None:
    story.see(answer(SPOKES[1], story.now, encrypting(bypass())))
    assert [(item.rule, item.severity) for item in story.incidents] == [("plaintext-bypass", "p1")]
    story.silence(SPOKES[1])
    assert story.incidents[0].state is IncidentState.OPEN


def test_a_lost_hub_is_one_incident_that_takes_in_its_spokes(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.see(trap(SPOKES[1], story.now, tunnel_down()), after=100)
    story.see(trap(SPOKES[2], story.now, tunnel_down()), after=100)
    story.see(trap(SPOKES[3], story.now, tunnel_down()), after=100)
    story.silence(HUB_A, HUB_B)
    story.wait(20_000)
    assert story.world.pairs[HUB].state is PairState.LOST
    live = [item for item in story.incidents if not item.state.is_over and item.rule != "device-down"]
    assert [item.rule for item in live] == ["hub-lost"]
    assert set(live[0].impacted) == set(SPOKES)
    merged = [item for item in story.incidents if item.state is IncidentState.MERGED]
    assert {item.subject for item in merged} == {SPOKES[0], SPOKES[1], HUB_A, HUB_B} & {
        i.subject for i in merged
    }
    assert all(Flag.IMPACTED in story.world.devices[code].flags for code in SPOKES)
    paged = {subject for kind, subject in story.pages if kind is PageKind.OPENED}
    assert paged <= {SPOKES[0], SPOKES[1], HUB, HUB_A, HUB_B}


def test_spokes_that_stay_down_get_their_own_incident_when_the_hub_returns(story: Story) -> None:
    story.silence(HUB_A, HUB_B)
    story.see(*(answer(code, story.now, encrypting(tunnel_down())) for code in SPOKES))
    story.wait(3000)
    assert {item.rule for item in story.incidents if not item.state.is_over} >= {"hub-lost"}
    back = [answer(code, story.now + 10_000) for code in SPOKES[1:]]
    story.see(*back, answer(HUB_A, story.now + 10_000, encrypting(role("active"))), after=10_000)
    story.wait(20_000)
    down = [
        item.subject for item in story.incidents if item.rule == "device-down" and item.state.awaits_person
    ]
    assert SPOKES[0] in down
    assert not set(down) & set(SPOKES[1:])


def test_a_silent_standby_is_lost_redundancy_not_a_lost_hub(story: Story) -> None:
    story.silence(HUB_B)
    assert story.world.pairs[HUB].state is PairState.NO_REDUNDANCY
    assert [item.subject for item in story.incidents] == [HUB_B]
    for _ in range(16):
        story.wait(60_000, step=60_000)
        story.see(answer(HUB_A, story.now, encrypting(role("active"))), miss(HUB_B, story.now))
        story.see(*(answer(code, story.now) for code in SPOKES))
    states = {(item.rule, item.state) for item in story.incidents}
    assert ("redundancy-lost-party", IncidentState.OPEN) in states
    assert ("device-down", IncidentState.MERGED) in states
    assert not any(Flag.IMPACTED in story.world.devices[code].flags for code in SPOKES)


def test_a_device_that_is_not_in_service_opens_nothing() -> None:
    story = Story(small_world(RULES, small_inventory(life_cycle=LifeCycle.INSPECTED)))
    story.all_well()
    story.see(trap(SPOKES[0], story.now, bypass()))
    assert story.world.devices[SPOKES[0]].assessment.protection is Protection.EXPOSED
    assert story.incidents == []


def test_the_same_fault_within_a_day_reopens_the_incident(story: Story) -> None:
    for _ in range(2):
        story.see(trap(SPOKES[0], story.now, tunnel_down()), after=1000)
        story.see(answer(SPOKES[0], story.now + 9000), after=9000)
    assert len(story.incidents) == 1
    assert story.incidents[0].round == 1
    assert PageKind.REOPENED in [kind for kind, _ in story.pages]


def test_nobody_polled_is_blind_and_one_incident_for_the_collector(story: Story) -> None:
    story.wait(120_000)
    states = {story.world.devices[code].assessment for code in SPOKES}
    assert states == {Assessment(Health.UNKNOWN, Protection.UNKNOWN, Cause.MONITORING)}
    assert [(item.rule, len(item.impacted)) for item in story.incidents] == [("collector-blind", 6)]
    story.all_well()
    story.wait(2000)
    assert story.incidents[0].state is IncidentState.RESTORED


def test_an_unknown_source_is_recorded_and_touches_no_device(story: Story) -> None:
    rogue = RogueSource("127.99.0.1", Transport.TRAP, EpochMs(story.now), 1)
    effects = story.see(rogue)
    assert (effects.rogues, effects.transitions, effects.current) == ((rogue,), (), ())


def test_escalation_goes_on_until_somebody_acknowledges(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    story.wait(11 * 60_000, step=30_000)
    kinds = [kind for kind, subject in story.pages if subject == SPOKES[0]]
    assert PageKind.ESCALATED in kinds
    draft, _ = acknowledge(
        story.world, story.incidents[0].id, by="truc", origin="board", now=EpochMs(story.now)
    )
    draft.adopt()
    before = len(story.pages)
    story.wait(29 * 60_000, step=60_000)
    assert len([page for page in story.pages[before:] if page[1] == SPOKES[0]]) == 0


def test_acknowledging_twice_changes_nothing_and_an_unknown_number_is_refused(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    for expected in (1, 0):
        draft, found = acknowledge(story.world, 1, by="truc", origin="api", now=EpochMs(story.now))
        assert len(draft.effects().steps) == expected
        assert found.acked_by == "truc"
        draft.adopt()
    with pytest.raises(Permanent, match="no such incident"):
        acknowledge(story.world, 99, by="truc", origin="api", now=EpochMs(story.now))


def test_the_same_batch_on_the_same_world_gives_the_same_effects(story: Story) -> None:
    batch: list[Observation] = [trap(SPOKES[0], story.now, tunnel_down()), miss(SPOKES[1], story.now)]
    first, second = (ingest(story.world, batch, EpochMs(story.now)).effects() for _ in range(2))
    assert first == second


def _snapshot(alive_until: int) -> Snapshot:
    row = CurrentRow(
        SPOKES[0],
        Assessment(Health.UP, Protection.SECURED, Cause.NONE),
        EpochMs(START),
        EpochMs(START),
        EpochMs(START),
    )
    return Snapshot(small_inventory(), (row,), (), (), 5, 17, EpochMs(alive_until))


def test_a_short_restart_is_no_gap_and_a_long_one_is_blind_time_from_the_last_sign_of_life() -> None:
    world = small_world(RULES)
    draft = resume(world, _snapshot(START + 60_000), EpochMs(START + 70_000))
    assert draft.effects().transitions == ()
    world = small_world(RULES)
    effects = resume(world, _snapshot(START + 60_000), EpochMs(START + 600_000)).effects()
    assert [(move.after, move.t_lo) for move in effects.transitions] == [
        ("unknown", START + 60_000),
        ("unknown", START + 60_000),
    ]
    assert (effects.first_seq, world.next_incident) == (17, 5)


def test_the_log_numbers_its_transitions_without_a_gap(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.see(answer(SPOKES[0], story.now + 5000), after=5000)
    expected = 1
    for effects in story.effects:
        assert effects.log == LogId("test")
        if effects.transitions:
            assert effects.first_seq == expected
            expected += len(effects.transitions)
    assert expected > 2


def test_several_spokes_at_once_wait_for_the_hubs_fate_and_are_released_when_it_stands(story: Story) -> None:
    for code in SPOKES:
        story.see(trap(code, story.now, tunnel_down()), after=100)
    assert [item.subject for item in story.incidents] == [SPOKES[0]]
    hubs_stand(story)
    story.wait(2000)
    assert {item.subject for item in story.incidents} == set(SPOKES)


def test_a_silent_standby_keeps_no_commune_waiting_for_longer_than_a_failover_takes(story: Story) -> None:
    story.silence(HUB_B)
    for code in SPOKES[:2]:
        story.see(trap(code, story.now, tunnel_down()), after=100)
    fell = story.now
    while story.now - fell < 20_000:
        story.see(answer(HUB_A, story.now, encrypting(role("active"))), miss(HUB_B, story.now))
        story.wait(1000)
    opened = {item.subject: item.opened_at for item in story.incidents}
    assert opened[SPOKES[0]] - fell < 1_000
    assert 14_000 < opened[SPOKES[1]] - fell < 18_000


def hubs_stand(story: Story) -> None:
    active, standby = encrypting(role("active")), encrypting(role("standby"))
    story.see(answer(HUB_A, story.now, active), answer(HUB_B, story.now, standby))


def in_bloc(bloc: Bloc) -> Inventory:
    inventory = small_inventory()
    sites = tuple(replace(site, bloc=bloc) for site in inventory.sites)
    contacts = tuple(replace(contact, blocs=(bloc,)) for contact in inventory.contacts)
    return replace(inventory, sites=sites, contacts=contacts)


def test_a_failover_told_member_by_member_is_no_lost_hub(story: Story) -> None:
    story.see(trap(HUB_A, story.now, role("standby")), after=100)
    story.see(trap(HUB_B, story.now, role("active")), after=400)
    story.wait(5000)
    assert story.world.pairs[HUB].state is PairState.SWITCHED
    assert {item.rule for item in story.incidents} == {"switched-over"}


def test_a_lost_pair_that_returns_member_by_member_is_not_told_as_lost_redundancy() -> None:
    story = Story(small_world(RULES, in_bloc(Bloc.GOV)))
    story.all_well()
    story.silence(HUB_A, HUB_B)
    story.wait(3000)
    story.see(answer(HUB_A, story.now + 500, encrypting(role("active"))), after=500)
    story.see(answer(HUB_B, story.now + 900, encrypting(role("standby"))), after=900)
    story.wait(25_000)
    assert [(item.rule, item.state) for item in story.incidents] == [("hub-lost", IncidentState.RESTORED)]
    assert {kind for kind, _ in story.pages} == {PageKind.OPENED, PageKind.RESTORED}


def test_a_member_that_fails_is_one_incident_not_two() -> None:
    story = Story(small_world(RULES, in_bloc(Bloc.GOV)))
    story.all_well()
    story.silence(HUB_B)
    for _ in range(30):
        story.see(answer(HUB_A, story.now, encrypting(role("active"))), miss(HUB_B, story.now))
        story.see(*(answer(code, story.now) for code in SPOKES))
        story.wait(1000)
    assert [(item.rule, item.subject) for item in story.incidents] == [("redundancy-lost", HUB)]


def test_a_hub_that_falls_silent_while_its_spokes_tell_is_two_messages_not_one_for_each(story: Story) -> None:
    for code in SPOKES:
        story.see(trap(code, story.now, tunnel_down()), after=50)
    for _ in range(3):
        story.see(miss(HUB_A, story.now + 5000), miss(HUB_B, story.now + 5000), after=5000)
        story.wait(1000)
    story.wait(20_000)
    opened = {subject for kind, subject in story.pages if kind is PageKind.OPENED}
    assert opened == {SPOKES[0], HUB}


def test_while_a_line_flaps_only_the_flapping_is_told(story: Story) -> None:
    for _ in range(6):
        story.see(trap(SPOKES[0], story.now, tunnel_down()), after=4000)
        story.wait(3000)
        story.see(answer(SPOKES[0], story.now + 4000), after=4000)
        story.wait(3000)
    told = [(row.page.kind, row.alert.rule) for effects in story.effects for row in effects.outbox]
    after = told[told.index((PageKind.OPENED, "device-flapping")) :]
    assert {rule for _, rule in after} == {"device-flapping"}


def test_a_fault_that_lasts_is_told_of_however_its_line_flapped_before(story: Story) -> None:
    """The line comes and goes, then goes for good: that is no flapping."""
    story.world.policy = replace(story.world.policy, restraint=Restraint(most=100))
    for _ in range(6):
        story.see(trap(SPOKES[0], story.now, tunnel_down()), after=4000)
        story.see(answer(SPOKES[0], story.now + 4000), after=4000)
    gone = story.now
    story.see(trap(SPOKES[0], gone, tunnel_down()))
    while story.now < gone + 6 * 60_000:
        story.see(*(answer(code, story.now, encrypting(tunnel_down())) for code in SPOKES[:1]))
        story.wait(10_000)
    told = [
        (row.page.kind, row.page.contact, (row.alert.created_at - gone) // 1000)
        for effects in story.effects
        for row in effects.outbox
        if row.alert.rule == "device-down" and row.alert.created_at > gone
    ]
    assert told == [(PageKind.REOPENED, "watch", 300), (PageKind.ESCALATED, "onsite", 301)]


def test_a_failover_is_no_lost_hub_although_the_other_member_is_polled_later(story: Story) -> None:
    """What the standby said before its peer fell is no proof that nobody serves."""
    story.wait(3000)
    story.silence(HUB_A)
    story.wait(3000)
    assert story.world.pairs[HUB].state is PairState.LOST
    assert story.live == set()
    story.restart()
    story.wait(3000)
    assert story.live == set()
    story.see(answer(HUB_B, story.now, encrypting(role("active"))))
    story.wait(3000)
    assert not any(rule == "hub-lost" for rule, _ in story.live)


def test_a_hub_is_lost_once_the_other_member_says_so_or_says_nothing(story: Story) -> None:
    story.wait(3000)
    story.silence(HUB_A)
    story.wait(3000)
    story.see(answer(HUB_B, story.now, encrypting(role("standby"))))
    assert story.live == {("hub-lost", HUB)}
    quiet = Story()
    quiet.all_well()
    quiet.wait(3000)
    quiet.silence(HUB_A)
    quiet.silence(HUB_B)
    quiet.wait(3000)
    assert quiet.live == {("hub-lost", HUB)}


def test_a_change_over_is_no_conflict_although_the_other_member_is_polled_later(story: Story) -> None:
    story.see(answer(HUB_B, story.now + 3000, encrypting(role("active"))), after=3000)
    story.wait(5000)
    assert story.world.pairs[HUB].state is PairState.SPLIT
    assert story.live == set()
    story.see(answer(HUB_A, story.now, encrypting(role("active"))))
    assert story.live == {("split-brain", HUB)}, "that is one"


def test_communes_cut_off_are_not_called_restored_because_their_hub_turns_out_to_be_lost() -> None:
    story = Story(small_world(RULES, small_inventory(20)))
    codes = [spoke(number) for number in range(1, 21)]
    story.all_well(codes)
    story.see(*(trap(code, story.now, tunnel_down()) for code in codes))
    story.wait(3000)
    story.see(
        answer(HUB_A, story.now, encrypting(role("active"))),
        answer(HUB_B, story.now, encrypting(role("standby"))),
    )
    story.wait(6000)
    assert ("communes-cut", "party") in story.live
    story.silence(HUB_A, HUB_B)
    for _ in range(5):
        story.see(
            *(answer(code, story.now, encrypting(tunnel_down())) for code in codes),
            miss(HUB_A, story.now),
            miss(HUB_B, story.now),
        )
        story.wait(10_000)
    assert story.live == {("hub-lost", HUB)}
    assert story.incident("communes-cut", "party").state is IncidentState.MERGED
    assert PageKind.RESTORED not in {kind for kind, _ in story.pages}
