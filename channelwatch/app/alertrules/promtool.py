"""Unit tests for `promtool test rules`, made from the same rules: each fires when it should, and only then. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from channelwatch.app.alertrules.prometheus import (
    INTERVAL,
    WATCHER,
    annotations_of,
    duration,
    is_followed,
    labels_of,
    watcher,
)
from channelwatch.incidents.model import SubjectKind
from channelwatch.incidents.rules import Condition, Hours, OwnFault, Rule, RuleBook
from channelwatch.inventory.model import Bloc
from channelwatch.status.events import EventKind
from channelwatch.status.signals import SignalState
from channelwatch.status.states import Cause, Health, PairState, Protection

COMMUNES = 20
STEP_MS = 15_000
SETTLED_MS = 60_000
"""So long the fault is there before it must have been seen, beside the rule's own time to confirm."""

_NUMBER = {SignalState.OK: 0, SignalState.DEGRADED: 1, SignalState.FAILED: 2, SignalState.UNKNOWN: 3}
_OWN_FAULTY = {
    OwnFault.UNSENT: ("channelwatch_outbox_oldest_unsent_age_seconds", 61),
    OwnFault.UNHEARD: ("channelwatch_incidents_unheard", 1),
    OwnFault.DUTY_GAP: ("channelwatch_oncall_gaps", 1),
    OwnFault.UNWATCHED: ("channelwatch_heartbeat_receivers_silent", 1),
    OwnFault.PROJECTION: ("channelwatch_projection_differences", 1),
    OwnFault.BACKLOG: ('channelwatch_queue_length{queue="observations"}', 100),
}


def unit_tests(book: RuleBook, rule_file: str) -> dict[str, Any]:
    """The content of a unit test file for `promtool`: `rule_file` is the name of the compiled rules."""
    followed = [rule for rule in book.rules if is_followed(rule)]
    return {
        "rule_files": [rule_file],
        "evaluation_interval": INTERVAL,
        "tests": [_silence(followed), *_watcher(), *(test for rule in followed for test in _tests(rule))],
    }


def _tests(rule: Rule) -> Iterator[dict[str, Any]]:
    seen_at = rule.confirm_ms + SETTLED_MS
    series, subject = _series(rule, seen_at // STEP_MS + 2)
    expected = [{"exp_labels": {**subject, **labels_of(rule)}, "exp_annotations": annotations_of(rule)}]
    checks: list[dict[str, Any]] = [{"eval_time": "0s", "alertname": rule.id, "exp_alerts": []}] * bool(
        rule.confirm_ms
    )
    checks.append({"eval_time": duration(seen_at), "alertname": rule.id, "exp_alerts": expected})
    yield {
        "interval": INTERVAL,
        "name": f"{rule.id} fires",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": checks,
    }


def _silence(rules: Sequence[Rule]) -> dict[str, Any]:
    """While all is well nothing fires; without any series, only the watcher does."""
    every = [{"eval_time": "5m", "alertname": rule.id, "exp_alerts": []} for rule in rules]
    names = [{"eval_time": "5m", "alertname": WATCHER, "exp_alerts": []}]
    series = {**_well(30), "channelwatch_heartbeat_timestamp_seconds": "0+15x30"}
    return {
        "interval": INTERVAL,
        "name": "all is well",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [*names, *every],
    }


def _watcher() -> Iterator[dict[str, Any]]:
    """The watcher fires without a heartbeat, and with one that has stopped."""
    entry = watcher()
    alert = {"exp_labels": entry["labels"], "exp_annotations": entry["annotations"]}
    beats = {"series": "channelwatch_heartbeat_timestamp_seconds", "values": "0+15x4 60x20"}
    for name, series, at in (
        (f"{WATCHER} without a heartbeat", [], "1m"),
        (f"{WATCHER} stale", [beats], "3m"),
    ):
        yield {
            "interval": INTERVAL,
            "name": name,
            "input_series": series,
            "alert_rule_test": [{"eval_time": at, "alertname": WATCHER, "exp_alerts": [alert]}],
        }


def _series(rule: Rule, steps: int) -> tuple[dict[str, str], dict[str, str]]:
    """Series in which the rule's condition holds, and the labels of the subject that it is about."""
    bloc = min(rule.when.bloc or set(Bloc))
    match rule.subject:
        case SubjectKind.DEVICE:
            return _faulty_device(rule, bloc, steps), {"device": "d1", "bloc": bloc, "unit": "u1"}
        case SubjectKind.GROUP:
            pair = min(rule.when.pair - {PairState.UNKNOWN} or rule.when.pair)
            subject = {"group": "g1", "bloc": bloc, "unit": "u1"}
            return {**_member("d1", bloc, steps), **_pair_series(bloc, pair, steps)}, subject
        case SubjectKind.BLOC:
            return _faulty_bloc(rule, bloc, steps), {"bloc": bloc}
        case SubjectKind.CIRCUIT:
            subject = {"circuit": "c1", "bloc": bloc}
            return {_name("channelwatch_circuit_lost", subject): f"1x{steps}"}, subject
        case SubjectKind.COLLECTOR:
            return _faulty_watch(rule, bloc, steps), {}


def _faulty_device(rule: Rule, bloc: Bloc, steps: int) -> dict[str, str]:
    when = rule.when
    own = {"device": "d1", "bloc": bloc, "unit": "u1"}
    states: dict[str, str] = _identity(own, {"hub": "true" if when.hub else ""}, steps)
    health = min(when.health, default=Health.UP)
    protection = min(when.protection, default=Protection.SECURED)
    cause = min(when.cause, default=Cause.NONE)
    states |= _axis("channelwatch_device_health", own, Health, health, steps)
    states |= _axis("channelwatch_device_protection", own, Protection, protection, steps)
    states[_name("channelwatch_device_cause", {**own, "cause": cause})] = f"1x{steps}"
    if when.events:
        came = {**own, "kind": min(when.events), "hours": when.hours or Hours.INSIDE}
        states[_name("channelwatch_device_events_total", came)] = _coming(when, steps)
        states["channelwatch_start_time_seconds"] = f"0x{steps}"
    if when.flag is not None:
        states[_name("channelwatch_device_flag", {**own, "flag": when.flag})] = f"1x{steps}"
    if when.signal:
        signal, state = min(when.signal), max(when.signal_states, key=lambda item: _NUMBER.get(item, 0))
        states[_name("channelwatch_signal_state", {**own, "signal": signal, "component": "c"})] = (
            f"{_NUMBER[state]}x{steps}"
        )
    return states


def _faulty_bloc(rule: Rule, bloc: Bloc, steps: int) -> dict[str, str]:
    when, series = rule.when, dict[str, str]()
    part = -(-COMMUNES * (when.percent_down or 0) // 100)
    fallen = max(when.communes_down or 0, part)
    # A greater share would be another rule's affair.
    communes = COMMUNES if when.percent_down is not None else fallen * 20
    for number in range(communes):
        own = {"device": f"d{number}", "bloc": bloc, "unit": f"u{number}"}
        series |= _identity(own, {"upstream": "g1"}, steps)
        state = Health.DOWN if number < fallen else Health.UP
        series |= _axis("channelwatch_device_health", own, Health, state, steps)
        since = {**own, "axis": "health"}
        series[_name("channelwatch_device_state_since_timestamp_seconds", since)] = f"0x{steps}"
    return series


def _faulty_watch(rule: Rule, bloc: Bloc, steps: int) -> dict[str, str]:
    if rule.when.events:
        came = {"hours": rule.when.hours or Hours.INSIDE}
        return {
            _name("channelwatch_unknown_source_messages_total", came): _coming(rule.when, steps),
            "channelwatch_start_time_seconds": f"0x{steps}",
        }
    fault = min(rule.when.own)
    series = {'channelwatch_queue_limit{queue="observations"}': f"100x{steps}"}
    if fault in _OWN_FAULTY:
        name, value = _OWN_FAULTY[fault]
        return {**series, name: f"{value}x{steps}"}
    for number in (1, 2):
        own = {"device": f"d{number}", "bloc": bloc, "unit": "u1"}
        cause = Cause.MONITORING if fault is OwnFault.LOST or number == 1 else Cause.NONE
        series |= _identity(own, {}, steps)
        series[_name("channelwatch_device_cause", {**own, "cause": cause})] = f"1x{steps}"
    return series


def _coming(when: Condition, steps: int) -> str:
    """A counter that grows by as many at each step as the rule asks for."""
    return f"0+{when.times}x{steps}"


def _well(steps: int) -> dict[str, str]:
    own = {"device": "d1", "bloc": Bloc.PARTY, "unit": "u1"}
    return {
        **_identity(own, {"upstream": "g1"}, steps),
        **_axis("channelwatch_device_health", own, Health, Health.UP, steps),
        **_axis("channelwatch_device_protection", own, Protection, Protection.SECURED, steps),
        _name("channelwatch_device_cause", {**own, "cause": Cause.NONE}): f"1x{steps}",
        _name("channelwatch_signal_state", {**own, "signal": "crypto.tamper"}): f"0x{steps}",
        **_pair_series(Bloc.PARTY, PairState.REDUNDANT, steps),
        # What was counted before this was looked at: it came at no known time.
        **{
            _name(
                "channelwatch_device_events_total", {**own, "kind": kind, "hours": Hours.OUTSIDE}
            ): f"9x{steps}"
            for kind in EventKind
        },
        "channelwatch_outbox_oldest_unsent_age_seconds": f"0x{steps}",
        "channelwatch_incidents_unheard": f"0x{steps}",
        "channelwatch_oncall_gaps": f"0x{steps}",
        'channelwatch_queue_length{queue="observations"}': f"0x{steps}",
        'channelwatch_queue_limit{queue="observations"}': f"100x{steps}",
    }


def _member(device: str, bloc: Bloc, steps: int) -> dict[str, str]:
    return _identity({"device": device, "bloc": bloc, "unit": "u1"}, {"ha_group": "g1"}, steps)


def _pair_series(bloc: Bloc, state: PairState, steps: int) -> dict[str, str]:
    own = {"group": "g1", "bloc": bloc, "unit": "u1"}
    return _axis("channelwatch_pair_state", own, PairState, state, steps)


def _identity(own: Mapping[str, str], more: Mapping[str, str], steps: int) -> dict[str, str]:
    info = {**own, **{name: value for name, value in more.items() if value}}
    return {
        _name("channelwatch_device_info", info): f"1x{steps}",
        _name("channelwatch_device_in_service", own): f"1x{steps}",
    }


def _axis(
    metric: str, own: Mapping[str, str], states: type[Health | Protection | PairState], now: str, steps: int
) -> dict[str, str]:
    return {_name(metric, {**own, "state": state}): f"{int(state == now)}x{steps}" for state in states}


def _name(metric: str, pairs: Mapping[str, str]) -> str:
    inner = ", ".join(f'{name}="{value}"' for name, value in pairs.items())
    return f"{metric}{{{inner}}}"
