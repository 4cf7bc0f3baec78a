"""What people do to an incident from its page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, BeforeValidator, Field

from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.model import Severity
from channelwatch.pipeline.acts import MAX_REASON, ActKind
from channelwatch_api.acts import RIGHT_OF, act_of
from channelwatch_api.lookup import Number, find_incident
from channelwatch_api.pages.board import Framed
from channelwatch_api.problems import from_error
from channelwatch_api.schemas import ActIn
from channelwatch_api.services import Shared, origin

router = APIRouter(include_in_schema=False)

Blank = BeforeValidator(lambda value: value or None)
"""A form sends a field that was left empty as an empty text."""


class ActForm(BaseModel):
    """The fields of the form."""

    csrf: str = Field(max_length=128)
    kind: ActKind
    reason: str = Field(default="", max_length=MAX_REASON)
    into: Annotated[int | None, Field(ge=1, le=2**53), Blank] = None
    severity: Annotated[Severity | None, Blank] = None


@router.post("/incidents/{number}/act")
async def act(
    request: Request, page: Framed, shared: Shared, number: Number, form: Annotated[ActForm, Form()]
) -> RedirectResponse:
    """One act; then back to the incident."""
    page.check(form.csrf, RIGHT_OF[form.kind])
    item = await find_incident(shared, page.account, number)
    if form.into is not None:
        await find_incident(shared, page.account, form.into)
    wanted = ActIn(kind=form.kind, reason=form.reason, into=form.into, severity=form.severity)
    done = act_of(page.account, item, wanted, origin=origin("board", request))
    try:
        await shared.house.act(item.id, done)
    except ChannelwatchError as error:
        raise from_error(error) from error
    return RedirectResponse(page.url("incidents", str(number)), status_code=303)
