"""What the record of an incident says, in words: who did what, from where and why. Pure.

The record keeps codes, which never change; a person's own words in it stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import RuleId
from channelwatch.incidents.model import IncidentStep, StepKind
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import Inventory
from channelwatch.pipeline.draft import SYSTEM
from channelwatch_api.board.model import place_of
from channelwatch_api.board.people import Person, person
from channelwatch_api.texts import Words

_GRADES = re.compile(r"(?P<before>p[1-4])>(?P<after>p[1-4]): ?(?P<why>.*)", re.DOTALL)
_OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class StepTold:
    """A step as it is shown. `reason` is empty where there is nothing to say."""

    kind: StepKind
    at: EpochMs
    by: Person
    origin: str
    reason: str


def step_told(step: IncidentStep, words: Words, inventory: Inventory, rules: RuleBook) -> StepTold:
    """`step` in `words`."""
    return StepTold(
        step.kind,
        step.at,
        Person(words("who.system")) if step.by == SYSTEM else person(step.by, inventory),
        origin_word(step.origin, words),
        reason_word(step, words, inventory, rules),
    )


def cause_word(cause: str, words: Words) -> str:
    """The word of an incident's cause: a device's cause, or the state of a group."""
    return words.known(f"cause.{cause}", words.known(f"ha.{cause}", cause))


def origin_word(origin: str, words: Words) -> str:
    """By which way a step came, with whatever the way adds to it, such as an address."""
    way, _, more = origin.partition(" ")
    kind = way.rstrip(",")
    if kind == "reply":
        return f"{words('origin.reply')} · {words.known(f'way.{more}', more)}"
    if kind == "spoken":
        return f"{words('origin.spoken')} {more.removeprefix('heard by ')}".rstrip()
    return " ".join(part for part in (words.known(f"origin.{kind}", kind), more) if part)


def reason_word(step: IncidentStep, words: Words, inventory: Inventory, rules: RuleBook) -> str:
    """Why: our own codes in words, a person's words as they are."""
    text = step.reason
    if step.kind is StepKind.OPENED:
        return rule_word(text, words, rules)
    if step.kind is StepKind.REOPENED:
        return cause_word(text, words)
    graded = _GRADES.fullmatch(text)
    if graded is not None:
        why = words("reason.overdue") if graded["why"] == _OVERDUE else graded["why"]
        return f"{graded['before'].upper()} → {graded['after'].upper()}: {why}".removesuffix(": ")
    head, _, rest = text.partition(":")
    match head:
        case "part_of":
            return f"{words('reason.part_of')}: {_greater(rest, words, inventory, rules)}"
        case "acked_by":
            return f"{words('col.acked_by')}: {person(rest, inventory).name}"
        case "latch_cleared":
            return f"{words('reason.latch_cleared')}: {words(f'signal.{rest}')}"
        case "drill_ended":
            return f"{words('reason.drill_ended')}: {words(f'drill.end.{rest}')}"
        case _:
            return words.known(f"end.{text}", text)


def rule_word(rule: str, words: Words, rules: RuleBook) -> str:
    """A rule's title; the code of one that was removed since."""
    found = rules.of(RuleId(rule))
    return rule if found is None else found.title.get(words.language, rule)


def _greater(of: str, words: Words, inventory: Inventory, rules: RuleBook) -> str:
    """What something is part of: another rule's incident, or the one of a greater subject."""
    place = place_of(inventory, of)
    return f"{place} ({of})" if place else words.known(f"bloc.{of}", rule_word(of, words, rules))
