"""Parameters that several routes take."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from channelwatch_api.limits import PAGE_MAX

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="The most entries of the answer.")]
After = Annotated[
    str, Query(max_length=128, description="Continue after this code: the `next` of the last piece.")
]
Since = Annotated[int, Query(ge=0, le=2**53, description="Only entries from this moment on, epoch ms.")]
