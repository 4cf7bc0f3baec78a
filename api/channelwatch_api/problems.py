"""Errors as the API tells them: problem details (RFC 9457) in Vietnamese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse

from channelwatch.base.errors import ChannelwatchError, InputError, Permanent, Transient
from channelwatch_api.texts import Catalogue, Language

MEDIA_TYPE = "application/problem+json"

BY_STATUS = {
    400: "bad_request",
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "method",
    409: "refused",
    413: "too_large",
    422: "invalid",
    429: "slow_down",
    503: "busy",
}
"""What an answer of a status means unless somebody says more."""


class Problem(Exception):
    """An answer that is not the wished one. `kind` names a text `problem.KIND` of the catalogue."""

    def __init__(
        self,
        status: int,
        kind: str = "",
        *,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind or BY_STATUS.get(status, "internal")
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors

    @property
    def key(self) -> str:
        """Its key in the catalogue."""
        return f"problem.{self.kind}"

    def body(self, catalogue: Catalogue, path: str) -> dict[str, Any]:
        """The problem object; `title` is Vietnamese, `title_en` English, `detail` a technical line if there is one."""
        members: dict[str, Any] = {
            "type": f"urn:channelwatch:problem:{self.kind}",
            "title": catalogue.words(Language.VI)(self.key),
            "title_en": catalogue.words(Language.EN)(self.key),
            "status": self.status,
            "instance": path,
        }
        if self.detail:
            members["detail"] = self.detail
        if self.errors:
            members["errors"] = self.errors
        return members

    def response(self, catalogue: Catalogue, path: str) -> JSONResponse:
        """The answer to send."""
        return JSONResponse(
            self.body(catalogue, path), status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE
        )


def not_found() -> Problem:
    """There is no such thing, or it is outside the account's blocs: the answer is the same."""
    return Problem(404)


def from_error(error: ChannelwatchError) -> Problem:
    """The problem for a failure of the house: what will fail again is 409, what may pass is 503."""
    match error:
        case InputError():
            return Problem(422, detail=error.message)
        case Permanent():
            return Problem(409, detail=error.message)
        case Transient():
            return Problem(503, detail=error.message, headers={"Retry-After": "5"})
        case _:
            return Problem(500)
