"""An alert as it is sent: what it counts is counted then, not when it was written. Pure."""

from __future__ import annotations

from dataclasses import replace

from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.incidents.model import Incident, PageKind
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.ports import Alert, Claim
from channelwatch.pipeline.world import World


def freshened(world: World, claim: Claim) -> Claim:
    """`claim` with present counts. A digest speaks of the gravest incident that awaits somebody, and counts the others.

    Key and destination stay: it is the same message.
    """
    alert = claim.alert
    if alert.kind is PageKind.DIGEST:
        return replace(claim, alert=_digest(world, alert))
    incident = world.incidents.get(IncidentId(alert.incident))
    if incident is None or len(incident.impacted) == alert.impacted or alert.restored_at is not None:
        return claim
    return replace(claim, alert=replace(alert, impacted=len(incident.impacted)))


def _digest(world: World, alert: Alert) -> Alert:
    waiting = sorted(
        (item for item in world.incidents.values() if _awaits(world, alert, item)),
        key=lambda item: (item.severity, item.t0, item.id),
    )
    if not waiting:
        return alert
    gravest = Draft(world, alert.created_at).alert_of(waiting[0])
    return replace(
        gravest,
        key=alert.key,
        kind=alert.kind,
        contact=alert.contact,
        step=alert.step,
        created_at=alert.created_at,
        others=len(waiting) - 1,
    )


def _awaits(world: World, alert: Alert, incident: Incident) -> bool:
    """Does `incident` await somebody, and would the alert's contact be told of it?"""
    if not incident.state.awaits_person or not incident.ladder or incident.drill != alert.drill:
        return False
    contact = next(
        (item for item in world.inventory.contacts if item.code == ContactCode(alert.contact)), None
    )
    return contact is None or incident.bloc is None or incident.bloc in contact.blocs
