"""How available something was, within the blocs of the account that asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from channelwatch.app.history import words
from channelwatch.app.history.commands import DEFAULT_TARGET
from channelwatch.base.errors import InputError
from channelwatch.pipeline.availability import Terms
from channelwatch_api.limits import REPORT_MAX_DAYS
from channelwatch_api.problems import Problem, from_error
from channelwatch_api.services import Shared, SignedIn
from channelwatch_api.uptime import Form

router = APIRouter(tags=["uptime"])

DAY_MS = 86_400_000
Scope = Annotated[
    str,
    Query(
        max_length=128,
        description="device:, pair:, channel:, commune: and a code, bloc:NAME (`all` for every one), or province.",
    ),
]
When = Annotated[
    str,
    Query(
        alias="from", max_length=40, description="Year, month, day (in Viet Nam's time) or ISO 8601 instant."
    ),
]
Until = Annotated[
    str | None,
    Query(alias="to", max_length=40, description="The same, to its end; left out: the end of `from`."),
]
Target = Annotated[str, Query(max_length=12, description="Percent.")]


@router.get(
    "/uptime",
    response_class=Response,
    responses={200: {"content": {"application/json": {}, "text/csv": {}}, "description": "The report"}},
)
async def uptime(
    shared: Shared,
    account: SignedIn,
    scope: Scope,
    first: When,
    last: Until = None,
    target: Target = DEFAULT_TARGET,
    form: Annotated[Form, Query(alias="format")] = Form.JSON,
) -> Response:
    """The report that `channelwatch uptime --json` or `--csv` prints. One is calculated at a time."""
    house = shared.house
    try:
        question, period = words.question(scope), words.span(first, last)
        share = words.target(target)
    except InputError as error:
        raise from_error(error) from None
    if period.length > REPORT_MAX_DAYS * DAY_MS:
        raise Problem(422, detail=f"the period is longer than {REPORT_MAX_DAYS} days")
    terms = Terms(
        period,
        house.clock.now(),
        share,
        house.settings.collector.snmp.poll_s * 1000,
        blocs=frozenset(account.scope.blocs),
        trusts=shared.figures.trusts,
    )
    body = await shared.figures.report(question, terms, form)
    return Response(body, media_type=form.media_type)
