"""Working hours, and how far ahead the roster is looked through."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from channelwatch.app.settings.parts import Model


def _clock(value: str) -> str:
    try:
        time.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a time of the day such as 07:30, in quotes") from None
    return value


ClockText = Annotated[str, BeforeValidator(str), AfterValidator(_clock)]


class OncallSettings(Model):
    """Times are of Viet Nam. Holidays stand in the roster."""

    work_begins: ClockText = "07:30"
    work_ends: ClockText = "17:00"
    gap_days: int = Field(default=14, ge=1, le=90)

    @model_validator(mode="after")
    def _in_order(self) -> OncallSettings:
        if time.fromisoformat(self.work_begins) >= time.fromisoformat(self.work_ends):
            raise ValueError("work_begins must be before work_ends")
        return self
