"""An alert as it is sent: it says what is so then, not what was when it was written. Pure."""

from __future__ import annotations

from dataclasses import replace

from channelwatch.base.ids import ContactCode, DeviceCode, GroupCode, IncidentId
from channelwatch.incidents.model import OVER, Incident, PageKind
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.endings import BEGINS
from channelwatch.pipeline.maintenance import is_quiet
from channelwatch.pipeline.ports import Alert, Claim
from channelwatch.pipeline.world import World


def freshened(world: World, claim: Claim) -> Claim:
    """`claim` as of now: with present counts, as the end where the fault is over, needless where nothing is to be told.

    A digest speaks of the gravest incident that awaits somebody, and counts the others. Key and destination stay: it is
    the same message. What was tried before keeps its kind: its receiver may have had it.
    """
    if claim.alert.kind is PageKind.DIGEST:
        digest = _digest(world, claim.alert)
        return replace(claim, is_needless=True) if digest is None else replace(claim, alert=digest)
    incident = world.incidents.get(IncidentId(claim.alert.incident))
    if incident is None or claim.alert.kind in OVER:
        return claim
    counted = replace(claim.alert, impacted=len(incident.impacted))
    if claim.attempts > 1:
        return replace(claim, alert=counted)
    if _is_needless(world, claim.alert, incident):
        return replace(claim, is_needless=True)
    if incident.restored_at is not None:
        kind = PageKind.PASSED if counted.kind in BEGINS else PageKind.RESTORED
        return replace(claim, alert=replace(counted, kind=kind, restored_at=incident.restored_at))
    # The link and the code of an earlier round take nothing any more.
    return replace(claim, alert=replace(counted, round=incident.round))


def _is_needless(world: World, alert: Alert, incident: Incident) -> bool:
    """Has a person, or a greater fault's incident, answered it, or does nobody watch for it any more?"""
    if incident.restored_at is not None:
        return not _is_watched(world, incident)
    return incident.state.is_over or (alert.kind is PageKind.REPEATED and not incident.state.awaits_person)


def _is_watched(world: World, incident: Incident) -> bool:
    """Could its end be seen? What was removed or taken out of service is not known to be well."""
    inventory = world.inventory
    if not world.knows(incident.subject) or world.rules.of(incident.rule) is None:
        return False
    members = inventory.members.get(GroupCode(incident.subject), (DeviceCode(incident.subject),))
    known = [inventory.device[code] for code in members if code in inventory.device]
    return not known or any(item.in_service for item in known)


def _digest(world: World, alert: Alert) -> Alert | None:
    draft = Draft(world, alert.created_at)
    waiting = sorted(
        (item for item in world.incidents.values() if _awaits(draft, alert, item)),
        key=lambda item: (item.drill, item.severity, item.t0, item.id),
    )
    if not waiting:
        return None
    # A real fault may have come up while a drill's digest was on its way: nobody else tells of it now.
    others = sum(item.drill == waiting[0].drill for item in waiting) - 1
    return replace(
        draft.alert_of(waiting[0]),
        key=alert.key,
        kind=alert.kind,
        contact=alert.contact,
        step=alert.step,
        created_at=alert.created_at,
        others=others,
    )


def _awaits(draft: Draft, alert: Alert, incident: Incident) -> bool:
    """Does `incident` await somebody, and would the alert's contact be told of it?"""
    if not incident.state.awaits_person or not incident.ladder or (incident.drill and not alert.drill):
        return False
    contacts = draft.world.inventory.contacts
    contact = next((item for item in contacts if item.code == ContactCode(alert.contact)), None)
    concerns = contact is None or incident.bloc is None or incident.bloc in contact.blocs
    return concerns and not is_quiet(draft, incident)
