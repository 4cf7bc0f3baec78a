"""The times of the ladders in the configuration."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from channelwatch.app.settings.ladders import LadderSettings
from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import LogId, RuleId
from channelwatch.incidents.escalation import LADDERS, MINUTE
from channelwatch.incidents.model import Severity, SubjectKind
from channelwatch.incidents.rules import Condition, Rule, RuleBook
from channelwatch.inventory.model import Role
from channelwatch.pipeline.ingest import ingest
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.states import Protection
from tests.support.province import START, answer, bypass, encrypting, small_inventory, spoke


def test_without_times_the_ladders_are_those_of_the_domain() -> None:
    assert LadderSettings().ladders() == LADDERS


def test_each_time_moves_its_own_step() -> None:
    given = {"p1": {"chief_min": 3, "repeat_min": 5}, "p3": {"onsite_min": 0, "ack_min": 60}}
    ladders = LadderSettings.model_validate(given).ladders()
    p1, p3 = ladders[Severity.P1], ladders[Severity.P3]
    assert [rung.after_ms // MINUTE for rung in p1.rungs] == [0, 3, 15, 30]
    assert (p1.repeat_ms, p1.ack_ms) == (5 * MINUTE, 30 * MINUTE)
    assert [(rung.after_ms // MINUTE, rung.is_next_day) for rung in p3.rungs] == [
        (0, False),
        (0, False),
        (240, False),
        (0, True),
    ]
    assert p3.repeats_daily and p3.ack_ms == 60 * MINUTE
    assert ladders[Severity.P2] == LADDERS[Severity.P2]


@pytest.mark.parametrize(
    "given",
    [
        {"p1": {"chief_min": 20}},
        {"p2": {"responder_min": 121}},
        {"p3": {"onsite_min": 241}},
        {"p1": {"repeat_min": 0}},
        {"p1": {"ack_min": 1}},
        {"p4": {}},
    ],
)
def test_times_that_do_not_go_upwards_or_end_in_silence_are_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        LadderSettings.model_validate(given)


def test_an_incident_keeps_the_times_under_which_it_was_opened() -> None:
    ladders = LadderSettings.model_validate({"p1": {"chief_min": 3}}).ladders()
    rule = Rule(
        RuleId("exposed"),
        SubjectKind.DEVICE,
        Condition(protection=frozenset({Protection.EXPOSED})),
        Severity.P1,
        {"vi": "x", "en": "x"},
    )
    world = World(small_inventory(), RuleBook((rule,)), LogId("test"), WorldPolicy(ladders=ladders))
    draft = ingest(world, [answer(spoke(1), START, encrypting(bypass()))], EpochMs(START))
    (incident,) = draft.incidents.values()
    assert incident.policy is not None
    (chief,) = [rung for rung in incident.policy.rungs if rung.roles == (Role.CHIEF,)]
    assert chief.after_ms == 3 * MINUTE
