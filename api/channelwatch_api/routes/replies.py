"""Where a gateway hands over short messages that people sent in reply."""

from __future__ import annotations

import hmac
import json
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request

from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.ack import AckRefusal
from channelwatch_api.problems import Problem, from_error
from channelwatch_api.schemas import ReplyOut
from channelwatch_api.services import Services, Shared

router = APIRouter(tags=["incidents"])

SENDER_FIELDS = ("from", "sender", "phone", "msisdn")
TEXT_FIELDS = ("text", "message", "content", "body")


@router.post("/hooks/sms")
async def reply(request: Request, shared: Shared) -> ReplyOut:
    """Take a reply such as `NHAN 4821`, as JSON or as a form: its sender takes the incident.

    The sender stands in `from`, `sender`, `phone` or `msisdn`, the text in `text`, `message`, `content` or `body`.
    Bearer token: `notify.sms.reply_token`. A reply that acknowledges nothing is no error: it need not be repeated.
    """
    if shared.acks is None or not _is_gateway(request, shared):
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    fields = _fields(await request.body(), request.headers.get("content-type", ""))
    sender = next((fields[name] for name in SENDER_FIELDS if fields.get(name)), "")
    text = next((fields[name] for name in TEXT_FIELDS if fields.get(name)), "")
    if not sender or not text:
        raise Problem(422)
    try:
        found = await shared.acks.by_reply("sms", sender, text)
    except ChannelwatchError as error:
        raise from_error(error) from error
    if isinstance(found, AckRefusal):
        return ReplyOut(acknowledged=None, refusal=found)
    return ReplyOut(acknowledged=found.number, refusal=None)


def _is_gateway(request: Request, shared: Services) -> bool:
    sms = shared.house.settings.notify.sms
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if sms is None or sms.reply_token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(token.strip().encode(), sms.reply_token.reveal().encode())


def _fields(body: bytes, kind: str) -> dict[str, str]:
    try:
        if "json" not in kind:
            return dict(parse_qsl(body.decode(), max_num_fields=50))
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400) from None
    if not isinstance(found, dict):
        raise Problem(400)
    return {str(name): value for name, value in found.items() if isinstance(value, str)}
