"""Availability for programs: the same calculation, and the same bytes, as `channelwatch uptime`."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from channelwatch import __version__
from channelwatch.app.signing import signers
from channelwatch.base.errors import ChannelwatchError, InputError
from channelwatch.pipeline.availability import Archive, Question, Terms, availability
from channelwatch.reports.availability import Report
from channelwatch.reports.render import to_csv, to_json
from channelwatch_api.house import House
from channelwatch_api.limits import REPORTS_WAITING
from channelwatch_api.problems import Problem, from_error, not_found


class Form(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        """What the answer says that it is."""
        return "application/json" if self is Form.JSON else "text/csv; charset=utf-8"


class Figures:
    """Calculates for one asker at a time, away from the event loop and from the thread that writes."""

    def __init__(self, house: House) -> None:
        self.trusts = signers(house.settings).approve
        self._house = house
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def report(self, question: Question, terms: Terms, form: Form) -> bytes:
        """The report. Problem 404 for what no inventory listed within `terms`, 503 when too many wait."""
        archive = self._house.archive
        if archive is None or self._waiting >= REPORTS_WAITING:
            raise Problem(503, headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._write, archive, question, terms, form)
        except InputError:
            raise not_found() from None
        except ChannelwatchError as error:
            raise from_error(error) from error
        finally:
            self._waiting -= 1

    def _write(self, archive: Archive, question: Question, terms: Terms, form: Form) -> bytes:
        rows = availability(archive, question, terms)
        simulated = self._house.settings.instance.simulated
        report = Report(rows, f"channelwatch {__version__}", terms.now, simulated)
        return to_json(report) if form is Form.JSON else to_csv(report)
