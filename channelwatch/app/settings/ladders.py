"""When whom an incident calls; the defaults are those of the domain's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from channelwatch.app.settings.parts import Model
from channelwatch.incidents.escalation import LADDERS, MINUTE, retimed
from channelwatch.incidents.model import Ladder, Severity
from channelwatch.inventory.model import Role

DAY_MIN = 24 * 60
Wait = Annotated[int, Field(ge=1, le=DAY_MIN)]
Promise = Annotated[int, Field(ge=5, le=7 * DAY_MIN)]


class UrgentLadder(Model):
    """A P1's times, in minutes since the incident was opened; watch and on-site force are called at once."""

    chief_min: Wait = 10
    responder_min: Wait = 15
    owner_min: Wait = 30
    repeat_min: Wait = 15
    ack_min: Promise = 30

    @model_validator(mode="after")
    def _upwards(self) -> UrgentLadder:
        if not self.chief_min <= self.responder_min <= self.owner_min:
            raise ValueError("chief_min, responder_min and owner_min come one after the other")
        return self

    def ladder(self, severity: Severity) -> Ladder:
        """The ladder of `severity` with these times."""
        after = {
            Role.CHIEF: self.chief_min * MINUTE,
            Role.RESPONDER: self.responder_min * MINUTE,
            Role.OWNER: self.owner_min * MINUTE,
        }
        return retimed(
            LADDERS[severity], after, repeat_ms=self.repeat_min * MINUTE, ack_ms=self.ack_min * MINUTE
        )


class GraveLadder(UrgentLadder):
    """A P2's times."""

    chief_min: Wait = 30
    responder_min: Wait = 60
    owner_min: Wait = 120
    repeat_min: Wait = 60
    ack_min: Promise = 120


class PatientLadder(Model):
    """A P3's times, in minutes; the watch is told at once, the response team as the next working day begins."""

    onsite_min: Annotated[int, Field(ge=0, le=DAY_MIN)] = 5
    chief_min: Wait = 240
    ack_min: Promise = 2 * DAY_MIN

    @model_validator(mode="after")
    def _upwards(self) -> PatientLadder:
        if self.onsite_min > self.chief_min:
            raise ValueError("onsite_min and chief_min come one after the other")
        return self

    def ladder(self, severity: Severity) -> Ladder:
        """The ladder of `severity` with these times."""
        after = {Role.ONSITE: self.onsite_min * MINUTE, Role.CHIEF: self.chief_min * MINUTE}
        return retimed(LADDERS[severity], after, repeat_ms=0, ack_ms=self.ack_min * MINUTE)


class LadderSettings(Model):
    """The times of each severity; those of an incident stay what they were when it was opened."""

    p1: UrgentLadder = UrgentLadder()
    p2: GraveLadder = GraveLadder()
    p3: PatientLadder = PatientLadder()

    def ladders(self) -> Mapping[Severity, Ladder]:
        """The ladder of every severity."""
        return {
            **LADDERS,
            Severity.P1: self.p1.ladder(Severity.P1),
            Severity.P2: self.p2.ladder(Severity.P2),
            Severity.P3: self.p3.ladder(Severity.P3),
        }
