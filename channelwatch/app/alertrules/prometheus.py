"""The product's rules as Prometheus alerting rules over the product's own metrics. Pure.

An independent second watcher, and an oracle for the first: the same states must make the same incidents. What a rule
leaves as it is while nothing is known, the expression keeps through the alert's own series `ALERTS`. How often a
condition comes (`flap`) is counted on a recorded series. What has no counterpart is left out, and the file says so:
the few seconds for which a spoke waits for the fate of its hub, what a person does, and who an unknown source is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, assert_never

from channelwatch.incidents.model import Severity, SubjectKind
from channelwatch.incidents.rules import Condition, OwnFault, Rule, RuleBook, takes_spokes
from channelwatch.pipeline.greater import SHORT_CONFIRM_MS
from channelwatch.status.signals import SignalState
from channelwatch.status.states import Flag, Health, PairState, Protection

HEARTBEAT_STALE_S = 60
"""A watcher whose evidence is older than this is dead, however well it answers."""

OUTBOX_STALE_S = 60
INTERVAL = "15s"
WATCHER = "channelwatch-silent"
GROUP = "channelwatch"

_DEVICE, _GROUP, _BLOC = "device", "group", "bloc"
_BY = {_DEVICE: "device, bloc, unit", _GROUP: "group, bloc, unit", _BLOC: "bloc"}
_STATE_NUMBER = {
    SignalState.OK: 0,
    SignalState.DEGRADED: 1,
    SignalState.FAILED: 2,
    SignalState.UNKNOWN: 3,
}
IN_SERVICE = "channelwatch_device_in_service == 1"
SPOKE = 'channelwatch_device_info{upstream!=""}'
ABSENCE = "channelwatch:rule_condition:absent"
HUB = 'channelwatch_device_info{hub="true"}'


def rule_file(book: RuleBook) -> dict[str, Any]:
    """The content of a Prometheus rule file: what others lean on comes first, so that they see it at once.

    Rules that Prometheus cannot follow are left out: `remarks` says why.
    """
    order = (
        SubjectKind.COLLECTOR,
        SubjectKind.GROUP,
        SubjectKind.CIRCUIT,
        SubjectKind.BLOC,
        SubjectKind.DEVICE,
    )
    ranked = sorted(book.rules, key=lambda rule: (order.index(rule.subject), not takes_spokes(rule)))
    return {
        "groups": [
            {
                "name": GROUP,
                "interval": INTERVAL,
                "rules": [
                    watcher(),
                    *(entry for rule in ranked if is_followed(rule) for entry in _entries(rule, book)),
                ],
            }
        ]
    }


def expression(rule: Rule, book: RuleBook) -> str:
    """PromQL that has one series for each subject for which `rule` holds."""
    match rule.subject:
        case SubjectKind.DEVICE:
            return _held(rule, _DEVICE, _device(rule, book), _undecided(rule.when), IN_SERVICE)
        case SubjectKind.GROUP:
            unknown = f"{_pair(frozenset({PairState.UNKNOWN}), rule.when)} == 1"
            return _held(rule, _GROUP, _group(rule, book), [unknown], _GROUP_IN_SERVICE)
        case SubjectKind.BLOC:
            return _bloc(rule, book)
        case SubjectKind.CIRCUIT:
            blocs = f'{{bloc=~"{"|".join(sorted(rule.when.bloc))}"}}' if rule.when.bloc else ""
            return f"channelwatch_circuit_lost{blocs} == 1"
        case SubjectKind.COLLECTOR:
            return _own(rule, book)
        case _:
            assert_never(rule.subject)


def duration(ms: int) -> str:
    """A Prometheus duration, in the largest unit that divides it."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if ms and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms" if ms else "0s"


def labels_of(rule: Rule) -> dict[str, str]:
    """The labels that an alert of the rule carries beside those of its subject."""
    return {"severity": rule.severity.value, "rule": rule.id, "layer": str(rule.layer.value)}


def annotations_of(rule: Rule) -> dict[str, str]:
    """What people read."""
    said = {"summary": rule.title["vi"], "summary_en": rule.title["en"]}
    return {**said, "runbook": rule.runbook} if rule.runbook else said


def is_followed(rule: Rule) -> bool:
    """Can Prometheus evaluate the rule? The addresses of unknown sources are not exported."""
    return not rule.when.per_source


def remarks(book: RuleBook) -> dict[str, str]:
    """By rule, in which way the compiled one is less than the rule, or why there is none."""
    found: dict[str, str] = {}
    for rule in book.rules:
        if not is_followed(rule):
            found[rule.id] = (
                "no counterpart: it counts each unknown source by itself, and their addresses are no labels"
            )
        elif rule.when.events and rule.pages:
            found[rule.id] = (
                "ends when its events are over; the incident stays open until a person has taken it"
            )
        elif rule.flap is not None and rule.subject is not SubjectKind.DEVICE:
            found[rule.id] = "flap has no counterpart for this subject: it ends as soon as its condition does"
    return found


def _entries(rule: Rule, book: RuleBook) -> Iterator[dict[str, Any]]:
    if _is_recorded(rule):
        yield {"record": ABSENCE, "expr": _absence(rule, book), "labels": {"rule": rule.id}}
    entry: dict[str, Any] = {"alert": rule.id, "expr": expression(rule, book)}
    if _is_recorded(rule):
        entry["expr"] = f"{entry['expr']}\n{_flapping(rule)}"
    if rule.confirm_ms:
        entry["for"] = duration(rule.confirm_ms)
    if rule.clear_ms:
        entry["keep_firing_for"] = duration(rule.clear_ms)
    yield {**entry, "labels": labels_of(rule), "annotations": annotations_of(rule)}


def _is_recorded(rule: Rule) -> bool:
    return rule.flap is not None and rule.subject is SubjectKind.DEVICE


def _absence(rule: Rule, book: RuleBook) -> str:
    """0 while the rule's condition holds on a device, 1 while it does not: it falls whenever the condition comes."""
    holds = "\n  ".join(expression(rule, book).split("\n"))
    return (
        f"0 * group by ({_BY[_DEVICE]}) (\n  {holds}\n)\n"
        f"or max by ({_BY[_DEVICE]}) (0 * channelwatch_device_in_service + 1)"
    )


def _flapping(rule: Rule) -> str:
    """What was firing and has come so often lately. `keep_firing_for` counts from here, so it is taken off."""
    assert rule.flap is not None, "a rule that heeds how often its condition comes"
    within = duration(max(rule.flap.within_ms - rule.clear_ms, 60_000))
    firing = f'max by ({_BY[_DEVICE]}) (ALERTS{{alertname="{rule.id}", alertstate="firing"}})'
    comings = f'resets({ABSENCE}{{rule="{rule.id}"}}[{within}])'
    return f"or (\n  {firing}\n  and on (device) ({comings} >= {rule.flap.times})\n)"


def watcher() -> dict[str, Any]:
    """Alive but stale counts as dead, and so does absent."""
    beat = "channelwatch_heartbeat_timestamp_seconds"
    return {
        "alert": WATCHER,
        "expr": f"absent({beat})\nor (time() - max({beat})) > {HEARTBEAT_STALE_S}",
        "labels": {"severity": Severity.P1.value, "rule": WATCHER, "layer": "2"},
        "annotations": {
            "summary": "Hệ thống giám sát không còn hoạt động",
            "summary_en": "The monitoring is dead or hangs",
            "runbook": "collector-blind",
        },
    }


def _held(rule: Rule, by: str, holds: Sequence[str], undecided: Sequence[str], counts: str) -> str:
    """`holds`, or what was firing while nothing is known that would end it; of what `counts` only."""
    lines = [f"({_joined(by, [*holds, f'and on ({by}) ({counts})'])})"]
    if undecided:
        firing = f'max by ({_BY[by]}) (ALERTS{{alertname="{rule.id}", alertstate="firing"}})'
        unknown = "\n      or ".join(undecided)
        lines.append(
            f"or (\n  {firing}\n  and on ({by}) (\n    {unknown}\n  )\n  and on ({by}) ({counts})\n)"
        )
    return "\n".join(lines)


def _joined(by: str, parts: Sequence[str]) -> str:
    first, *more = parts
    return "\n  ".join(
        [first, *(item if item.startswith(("unless", "and")) else f"and on ({by}) {item}" for item in more)]
    )


# Devices ------------------------------------------------------------------------------------------------------


def _device(rule: Rule, book: RuleBook) -> list[str]:
    parts = [*_conditions(rule.when)]
    for above in book.inhibitors.get(rule.id, ()):
        inner = "\n    ".join(_joined(_DEVICE, [*_conditions(above.when)]).split("\n"))
        parts.append(f"unless on (device) (\n    {inner}\n  )")
    return [*parts, *_yielding(rule, book)]


def _conditions(when: Condition) -> Iterator[str]:
    bloc = _bloc_matcher(when)
    if when.events:
        matchers = f'kind=~"{_words(when.events)}"{bloc}'
        yield _came(when, f"sum by ({_BY[_DEVICE]})", "channelwatch_device_events_total", matchers)
    if when.health:
        yield _state_set("channelwatch_device_health", when.health, bloc)
    if when.protection:
        yield _state_set("channelwatch_device_protection", when.protection, bloc)
    if when.cause:
        yield f'max by (device, bloc, unit) (channelwatch_device_cause{{cause=~"{_words(when.cause)}"{bloc}}})'
    if when.flag is not None:
        yield f'max by (device, bloc, unit) (channelwatch_device_flag{{flag="{when.flag}"{bloc}}})'
    if when.signal:
        numbers = sorted(_STATE_NUMBER[state] for state in when.signal_states if state in _STATE_NUMBER)
        series = f'channelwatch_signal_state{{signal=~"{_words(when.signal)}"{bloc}}}'
        yield f"max by (device, bloc, unit) ({' or '.join(f'{series} == {number}' for number in numbers)})"
    if when.hub is not None:
        yield f"{'and' if when.hub else 'unless'} on (device) {HUB}"


def _came(when: Condition, summed: str, counter: str, matchers: str) -> str:
    """So many within the time.

    Not `increase`: it guesses beyond the samples, and misses what made a counter appear. What was not counted before
    counts from 0 if that was looked at then, or if the program has begun since; so it does after a restart.
    """
    hours = [f'hours="{when.hours}"'] if when.hours is not None else []
    series = f"{counter}{{{', '.join([*([matchers] if matchers else []), *hours])}}}"
    within = duration(when.within_ms)
    now, before = f"{summed} ({series})", f"{summed} ({series} offset {within})"
    seen = (
        f"channelwatch_start_time_seconds offset {within}"
        f" or channelwatch_start_time_seconds > time() - {when.within_ms / 1000:g}"
    )
    from_nothing = f"0 * {now} and on () ({seen})"
    return f"({now}\n    - ({before} <= {now} or {from_nothing})) >= {when.times}"


def _state_set(metric: str, states: Collection[str], bloc: str) -> str:
    return f'max by (device, bloc, unit) ({metric}{{state=~"{_words(states)}"{bloc}}}) == 1'


def _undecided(when: Condition) -> list[str]:
    found = []
    if when.health:
        found.append(f'channelwatch_device_health{{state="{Health.UNKNOWN}"}} == 1')
    if when.protection:
        found.append(f'channelwatch_device_protection{{state="{Protection.UNKNOWN}"}} == 1')
    if when.signal:
        number = _STATE_NUMBER[SignalState.UNKNOWN]
        found.append(f'channelwatch_signal_state{{signal=~"{_words(when.signal)}"}} == {number}')
    return found


def _yielding(rule: Rule, book: RuleBook) -> Iterator[str]:
    """What speaks for the device's fault in its place."""
    if not rule.yields:
        return
    speaking = [item for item in book.rules if item.pages or not rule.pages]
    if any(takes_spokes(item) for item in speaking):
        yield f'unless on (device) channelwatch_device_flag{{flag="{Flag.IMPACTED}"}}'
    broken = {PairState.LOST, PairState.NO_REDUNDANCY}
    pairs = [item for item in speaking if item.subject is SubjectKind.GROUP and broken & item.when.pair]
    if pairs:
        yield _unless_its_group(_alerts(pairs))
    storms = [item for item in speaking if item.subject is SubjectKind.BLOC]
    if storms:
        yield f"unless on (device) (\n    {_counted(0)}\n    and on (bloc) ({_alerts(storms)})\n  )"


def _unless_its_group(alerts: str) -> str:
    named = f'label_replace({alerts}, "ha_group", "$1", "group", "(.*)")'
    return (
        'unless on (device) (\n    channelwatch_device_info{ha_group!=""}\n'
        f"    and on (ha_group) {named}\n  )"
    )


def _alerts(rules: Sequence[Rule]) -> str:
    """What these rules have told of, or, if they confirm soon, are about to."""
    soon = [rule.id for rule in rules if rule.confirm_ms <= SHORT_CONFIRM_MS]
    late = [rule.id for rule in rules if rule.confirm_ms > SHORT_CONFIRM_MS]
    parts = [f'ALERTS{{alertname=~"{_words(soon)}"}}'] if soon else []
    if late:
        parts.append(f'ALERTS{{alertname=~"{_words(late)}", alertstate="firing"}}')
    return " or ".join(parts)


# Groups, blocs, the monitoring itself -------------------------------------------------------------------------

_GROUP_IN_SERVICE = (
    'label_replace(channelwatch_device_info{ha_group!=""} and on (device) ('
    + IN_SERVICE
    + '), "group", "$1", "ha_group", "(.*)")'
)


def _pair(states: Collection[PairState], when: Condition) -> str:
    metric = f'channelwatch_pair_state{{state=~"{_words(states)}"{_bloc_matcher(when)}}}'
    return f"max by (group, bloc, unit) ({metric})"


def _group(rule: Rule, book: RuleBook) -> list[str]:
    """Of several that hold for one group, only the gravest counts."""
    above = [item for item in book.group if item.severity < rule.severity and _overlap(item, rule)]
    return [
        f"{_pair(rule.when.pair, rule.when)} == 1",
        *(f"unless on (group) ({_pair(item.when.pair, item.when)} == 1)" for item in above),
    ]


def _overlap(one: Rule, other: Rule) -> bool:
    blocs = one.when.bloc & other.when.bloc if one.when.bloc and other.when.bloc else True
    return bool(one.when.pair & other.when.pair and blocs)


def _counted(within_ms: int) -> str:
    """The communes of which a rule about a bloc counts how many there are."""
    down = f'(channelwatch_device_health{{state="{Health.DOWN}"}} == 1 and on (device) {SPOKE})'
    sound = f'and on (device) ({IN_SERVICE}) unless on (device) channelwatch_device_flag{{flag="{Flag.IMPACTED}"}}'
    if not within_ms:
        return f"({down} {sound})"
    since = 'channelwatch_device_state_since_timestamp_seconds{axis="health"}'
    return f"({down} {sound} and on (device) (time() - {since} < {within_ms // 1000}))"


def _bloc(rule: Rule, book: RuleBook) -> str:
    when = rule.when
    parts = [f"({_bloc_limit(when, _counted(when.within_ms))})"]
    if when.within_ms:
        firing = f'max by (bloc) (ALERTS{{alertname="{rule.id}", alertstate="firing"}})'
        parts.append(f"or ({firing} and on (bloc) ({_bloc_limit(when, _counted(0))}))")
    above = [item for item in book.bloc if item.severity < rule.severity]
    parts = ["\n".join(parts)]
    graver = [f"unless on (bloc) ({_bloc_limit(item.when, _counted(item.when.within_ms))})" for item in above]
    return "\n".join([f"({parts[0]})", *graver]) if graver else parts[0]


def _bloc_limit(when: Condition, counted: str) -> str:
    matcher = f"{{{_bloc_matcher(when).removeprefix(', ')}}}" if when.bloc else ""
    down = f"count by (bloc) {counted}"
    limits = []
    if when.communes_down is not None:
        limits.append(f"{down} >= {when.communes_down}")
    if when.percent_down is not None:
        spokes = f"count by (bloc) ({SPOKE} and on (device) ({IN_SERVICE}))"
        limits.append(f"100 * {down} / on (bloc) {spokes} >= {when.percent_down}")
    if when.bloc:
        limits.append(f"count by (bloc) (channelwatch_device_info{matcher})")
    return "\n  and on (bloc) ".join(limits)


_OWN = {
    OwnFault.UNSENT: f"channelwatch_outbox_oldest_unsent_age_seconds > {OUTBOX_STALE_S}",
    OwnFault.UNHEARD: "channelwatch_incidents_unheard > 0",
    OwnFault.DUTY_GAP: "channelwatch_oncall_gaps > 0",
    OwnFault.UNWATCHED: "channelwatch_heartbeat_receivers_silent > 0",
    OwnFault.PROJECTION: "channelwatch_projection_differences > 0",
    OwnFault.BACKLOG: (
        'channelwatch_queue_length{queue="observations"} >= channelwatch_queue_limit{queue="observations"}'
    ),
}


def _own(rule: Rule, book: RuleBook) -> str:
    if rule.when.events:
        return _came(rule.when, "sum", "channelwatch_unknown_source_messages_total", "")
    counted = f'channelwatch_device_cause{{cause="monitoring"}} and on (device) ({IN_SERVICE})'
    blind, all_of = f"count({counted})", f"count({IN_SERVICE})"
    said = dict(_OWN)
    said[OwnFault.LOST] = f"{blind} == {all_of}"
    lost = [item.id for item in book.collector if OwnFault.LOST in item.when.own and item.id != rule.id]
    told = f' unless on () ALERTS{{alertname=~"{_words(lost)}", alertstate="firing"}}' if lost else ""
    said[OwnFault.BLIND] = f"({blind} > 0{told})"
    return " or ".join(f"max({said[fault]})" for fault in sorted(rule.when.own))


def _bloc_matcher(when: Condition) -> str:
    return f', bloc=~"{_words(when.bloc)}"' if when.bloc else ""


def _words(words: Collection[str]) -> str:
    """A regular expression that is each of `words` and nothing else; none of ours has a sign but `.`."""
    return "|".join(word.replace(".", "\\\\.") for word in sorted(map(str, words)))
