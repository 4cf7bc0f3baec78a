"""Alerts of another monitoring system."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Transient
from channelwatch.incidents.model import IncidentState, PageKind, Severity, StepKind, SubjectKind
from channelwatch.pipeline.external import MAX_LIVE, ExternalAlert, take_external
from tests.support.province import HUB, HUB_A, HUB_B, START, answer, encrypting, role, trap, tunnel_down
from tests.support.story import SPOKES, Story

ALERT = ExternalAlert(
    "LinkSlow",
    "f1",
    True,
    EpochMs(START - 60_000),
    severity="warning",
    device=SPOKES[0],
    summary="p95 over 2 s",
)


@pytest.fixture
def story() -> Story:
    told = Story()
    told.all_well()
    return told


def post(story: Story, *alerts: ExternalAlert) -> None:
    draft = take_external(story.world, alerts, EpochMs(story.now))
    story._keep(draft)


def test_an_alert_opens_an_incident_about_the_device_that_it_names(story: Story) -> None:
    post(story, ALERT)
    (incident,) = story.incidents
    assert (incident.rule, incident.subject, incident.severity, incident.t0) == (
        "external.LinkSlow", SPOKES[0], Severity.P3, START - 60_000,
    )  # fmt: skip
    assert incident.bloc == "party"
    assert [(step.kind, step.origin, step.reason) for step in story.steps] == [
        (StepKind.OPENED, "alertmanager", "external.LinkSlow"), (StepKind.NOTE, "alertmanager", "p95 over 2 s"),
    ]  # fmt: skip
    rows = [row for effects in story.effects for row in effects.outbox]
    assert rows and all("p95" not in str(row.alert) for row in rows)


def test_the_same_again_changes_nothing_and_its_end_restores(story: Story) -> None:
    for _ in range(3):
        post(story, ALERT, replace(ALERT, fingerprint="f2"))
    assert len(story.incidents) == 1
    post(story, replace(ALERT, is_firing=False))
    assert story.live
    post(story, replace(ALERT, fingerprint="f2", is_firing=False))
    (incident,) = story.incidents
    assert incident.state is IncidentState.RESTORED
    assert story.pages[-1][0] is PageKind.RESTORED
    post(story, ALERT)
    assert [item.state for item in story.incidents] == [IncidentState.REOPENED]


def test_the_state_of_the_device_neither_ends_nor_hides_it(story: Story) -> None:
    post(story, ALERT)
    story.see(answer(SPOKES[0], story.now))
    story.wait(35_000)
    assert ("external.LinkSlow", SPOKES[0]) in story.live


def test_what_our_own_rule_tells_already_opens_nothing(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    post(story, replace(ALERT, name="device-down", rule="device-down"))
    assert [item.rule for item in story.incidents] == ["device-down"]


def test_what_another_system_told_first_is_left_to_our_own_rule(story: Story) -> None:
    post(story, replace(ALERT, name="device-down", rule="device-down"))
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.wait(1000)
    assert [(item.rule, item.state) for item in story.incidents] == [
        ("external.device-down", IncidentState.MERGED), ("device-down", IncidentState.OPEN),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "kind", "subject"),
    [
        ({"device": "", "group": HUB}, SubjectKind.GROUP, HUB),
        ({"device": "no-such-device"}, SubjectKind.COLLECTOR, "test"),
    ],
)
def test_its_subject_is_a_device_a_group_or_else_the_monitoring(
    story: Story, change: dict[str, str], kind: SubjectKind, subject: str
) -> None:
    post(story, replace(ALERT, **change))  # type: ignore[arg-type]
    assert [(item.subject_kind, item.subject) for item in story.incidents] == [(kind, subject)]


@pytest.mark.parametrize(
    ("text", "severity"),
    [("critical", "p2"), ("p1", "p1"), ("P4", "p4"), ("info", "p4"), ("", "p3"), ("page", "p3")],
)
def test_severities_are_translated(story: Story, text: str, severity: str) -> None:
    post(story, replace(ALERT, severity=text))
    assert story.incidents[0].severity == severity


def test_a_flood_of_names_is_refused_as_a_whole(story: Story) -> None:
    many = [replace(ALERT, name=f"A{number}") for number in range(MAX_LIVE + 1)]
    with pytest.raises(Transient, match="too many"):
        post(story, *many)
    assert story.incidents == []


def test_a_name_is_made_fit_and_a_future_begin_is_now(story: Story) -> None:
    post(story, replace(ALERT, name="Hỏng kênh; <b>" + "x" * 200, began_at=EpochMs(story.now + 10**9)))
    (incident,) = story.incidents
    assert incident.rule.startswith("external.H_ng_k_nh_b_x") and len(incident.rule) <= 90
    assert incident.t0 == story.now


def test_a_restart_keeps_it_until_its_end_is_told(story: Story) -> None:
    post(story, ALERT)
    story.restart()
    story.wait(40_000)
    assert ("external.LinkSlow", SPOKES[0]) in story.live
    post(story, replace(ALERT, is_firing=False))
    assert ("external.LinkSlow", SPOKES[0]) not in story.live


def test_after_a_restart_the_end_of_one_is_not_the_end_of_all(story: Story) -> None:
    """Alertmanager tells of the whole group each time, in its own order."""
    other = replace(ALERT, fingerprint="f2")
    post(story, ALERT, other)
    story.restart()
    post(story, replace(other, is_firing=False), ALERT)
    assert [item.state for item in story.incidents] == [IncidentState.OPEN]
    assert {kind for kind, _ in story.pages} == {PageKind.OPENED}
    post(story, replace(ALERT, is_firing=False))
    assert [item.state for item in story.incidents] == [IncidentState.RESTORED]


def test_what_our_own_rule_is_about_to_decide_on_is_left_to_it(story: Story) -> None:
    """A failover: the standby's claim is of before it, which Prometheus does not know."""
    story.wait(3000)
    story.silence(HUB_A)
    hub = replace(ALERT, name="hub-lost", rule="hub-lost", severity="p1", device="", group=HUB)
    post(story, hub)
    story.see(answer(HUB_B, story.now, encrypting(role("active"))))
    story.wait(2000)
    assert not any("hub-lost" in rule for rule, _ in story.live)
    post(story, hub)
    assert ("external.hub-lost", HUB) in story.live, "it goes on saying so"
