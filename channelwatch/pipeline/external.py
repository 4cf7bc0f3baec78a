"""Alerts of another monitoring system become incidents here, unless ours tell of the same already. Pure.

An alert is known by its name and by what it is about: a device or a group that its labels name, or else the monitoring
as a whole. Its words stay inside, as a note of the incident.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Transient
from channelwatch.base.ids import DeviceCode, GroupCode, RuleId
from channelwatch.incidents.escalation import farewell
from channelwatch.incidents.life import may_reopen
from channelwatch.incidents.model import EndReason, Incident, Severity, StepKind, SubjectKind
from channelwatch.incidents.rules import EXTERNAL, external_rule
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.draft import Draft, Fault
from channelwatch.pipeline.duty import duty_for
from channelwatch.pipeline.opening import is_live, tell
from channelwatch.pipeline.world import RuleKey, World
from channelwatch.status.states import Cause

MAX_LIVE = 500
"""Live incidents that other systems opened; more are not taken."""
MAX_NOTE = 300
MAX_FINGERPRINTS = 1_000
ORIGIN = "alertmanager"

_SEVERITIES = {"critical": Severity.P2, "warning": Severity.P3, "info": Severity.P4, "none": Severity.P4}
_NAME = re.compile(r"[^A-Za-z0-9_.:-]+")


@dataclass(frozen=True, slots=True)
class ExternalAlert:
    """One alert as another system tells of it. `began_at` is epoch ms; `rule`, `device` and `group` are its labels."""

    name: str
    fingerprint: str
    is_firing: bool
    began_at: EpochMs
    severity: str = ""
    rule: str = ""
    device: str = ""
    group: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class _About:
    kind: SubjectKind
    subject: str
    bloc: Bloc | None


def take_external(world: World, alerts: Sequence[ExternalAlert], now: EpochMs) -> Draft:
    """Open, keep or end the incidents of `alerts`. Transient, and nothing is done, when there are too many."""
    draft = Draft(world, now)
    # What fires comes first: after a restart the end of one must not be taken for the end of all of its name.
    for alert in sorted(alerts, key=lambda item: not item.is_firing):
        about = _about(world, alert)
        key = (RuleId(f"{EXTERNAL}{_NAME.sub('_', alert.name)[:80]}"), about.subject)
        known = draft.external.get(key, frozenset())
        if alert.is_firing:
            if len(known) < MAX_FINGERPRINTS:
                draft.external[key] = known | {alert.fingerprint}
            _fires(draft, key, alert, about)
        else:
            draft.external[key] = left = known - {alert.fingerprint}
            if not left:
                draft.external.pop(key)
                _ends(draft, key)
    return draft


def leave_to_ours(draft: Draft) -> None:
    """What another system told first and ours tell now is ours."""
    for known in list(draft.world.incidents.values()):
        incident = draft.incidents.get(known.id, known)
        name = RuleId(incident.rule.removeprefix(EXTERNAL))
        if (
            incident.rule.startswith(EXTERNAL)
            and incident.is_live
            and is_live(draft, (name, incident.subject))
        ):
            draft.advance(incident, StepKind.MERGED, reason=f"part_of:{name}")


def _fires(draft: Draft, key: RuleKey, alert: ExternalAlert, about: _About) -> None:
    if _is_ours(draft, alert, about.subject):
        return
    incident = draft.latest_incident(key)
    if incident is not None and (incident.is_live or incident.is_hushed):
        return
    rule = replace(external_rule(key[0]), severity=_severity(alert.severity), subject=about.kind)
    fault = Fault(about.subject, about.bloc, EpochMs(min(alert.began_at, draft.now)), Cause.NONE)
    if incident is not None and may_reopen(incident, draft.now):
        opened = draft.reopen(incident, fault)
    else:
        if _live_count(draft) >= MAX_LIVE:
            raise Transient("too many live incidents of other systems", operation=ORIGIN)
        opened = draft.open(rule, fault, origin=ORIGIN)
    if alert.summary:
        draft.advance(opened, StepKind.NOTE, reason=alert.summary[:MAX_NOTE], origin=ORIGIN)
    tell(draft, opened)


def _ends(draft: Draft, key: RuleKey) -> None:
    incident = draft.latest_incident(key)
    if incident is None:
        return
    if incident.is_live:
        restored = draft.advance(incident, StepKind.RESTORED, reason=EndReason.CONDITION_ENDED, origin=ORIGIN)
        draft.page(restored, farewell(restored, duty_for(draft.world, restored), draft.now))
    elif incident.is_hushed:
        draft.advance(incident, StepKind.RESTORED, reason=EndReason.CONDITION_ENDED, origin=ORIGIN)


def _is_ours(draft: Draft, alert: ExternalAlert, subject: str) -> bool:
    """Is the alert one of the rules that we exported, and do we tell of it ourselves, or are about to decide on it?"""
    names = {RuleId(name) for name in (alert.rule, alert.name) if RuleId(name) in draft.world.rules.by_id}
    return any(is_live(draft, (name, subject)) or (name, subject) in draft.holding for name in names)


def _about(world: World, alert: ExternalAlert) -> _About:
    inventory = world.inventory
    device, group = DeviceCode(alert.device), GroupCode(alert.group)
    if device in inventory.device:
        return _About(SubjectKind.DEVICE, device, inventory.bloc_of(device))
    if inventory.members.get(group):
        return _About(SubjectKind.GROUP, group, inventory.bloc_of(inventory.members[group][0]))
    return _About(SubjectKind.COLLECTOR, world.log, None)


def _severity(text: str) -> Severity:
    word = text.strip().lower()
    return Severity(word) if word in set(Severity) else _SEVERITIES.get(word, Severity.P3)


def _live_count(draft: Draft) -> int:
    merged: Iterable[Incident] = {**draft.world.incidents, **draft.incidents}.values()
    return sum(1 for item in merged if item.rule.startswith(EXTERNAL) and item.is_live)
