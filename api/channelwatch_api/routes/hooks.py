"""What other programs post: the webhook of a Prometheus Alertmanager."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import ChannelwatchError
from channelwatch.pipeline.external import ExternalAlert
from channelwatch_api.problems import Problem, from_error, not_found
from channelwatch_api.services import Shared, services

router = APIRouter(tags=["hooks"])

ALERTMANAGER = "/hooks/alertmanager"

MAX_TEXT = 4096
"""Characters that are looked at of a label or an annotation."""

Text = Annotated[str, AfterValidator(lambda text: text[:MAX_TEXT])]
"""What is long is cut: Alertmanager drops a whole post for good if one alert of it is refused."""
Pairs = dict[str, Text]


class _Shape(BaseModel):
    """What Alertmanager adds in later versions is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class AlertIn(_Shape):
    """One alert of an Alertmanager post."""

    status: Literal["firing", "resolved"]
    labels: Pairs
    annotations: Pairs = {}
    startsAt: datetime  # noqa: N815 - Alertmanager's own word
    fingerprint: Text

    def told(self) -> ExternalAlert:
        """What of it matters here."""
        labels, notes = self.labels, self.annotations
        return ExternalAlert(
            name=labels.get("alertname", "alert"),
            fingerprint=self.fingerprint,
            is_firing=self.status == "firing",
            began_at=_epoch_ms(self.startsAt),
            severity=labels.get("severity", ""),
            rule=labels.get("rule", ""),
            device=labels.get("device", ""),
            group=labels.get("group", ""),
            summary=notes.get("summary", notes.get("description", "")),
        )


class AlertmanagerPost(_Shape):
    """The body of Alertmanager's webhook, format 4."""

    version: Literal["4"]
    receiver: Text = ""
    alerts: tuple[AlertIn, ...]


class TakenOut(BaseModel):
    """How many alerts were taken."""

    alerts: int


def knows_token(request: Request) -> None:
    """Problem 404 while no token is configured, 401 without the right one."""
    gate = services(request).gate
    if not gate.has_alertmanager:
        raise not_found()
    if not gate.is_alertmanager(request):
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})


@router.post(ALERTMANAGER, dependencies=[Depends(knows_token)])
async def alertmanager(shared: Shared, post: AlertmanagerPost) -> TakenOut:
    """Alerts become incidents, or end them; the same again changes nothing. 503 asks the sender to try again."""
    try:
        await shared.house.take_external([alert.told() for alert in post.alerts])
    except ChannelwatchError as error:
        raise from_error(error) from error
    return TakenOut(alerts=len(post.alerts))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _epoch_ms(instant: datetime) -> EpochMs:
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return EpochMs(max(0, (aware - _EPOCH) // timedelta(milliseconds=1)))
