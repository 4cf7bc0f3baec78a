"""Series of incidents: how many, the longest wait, the gravest by number, and never another bloc's."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import IncidentId, RuleId
from channelwatch.incidents.model import Incident, IncidentState, Severity, SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.metrics.incidents import INCIDENTS_TOLD, incident_lines

NOW = EpochMs(1_000_000)


def incident(
    number: int, *, state: IncidentState = IncidentState.OPEN, bloc: Bloc | None = Bloc.PARTY
) -> Incident:
    return Incident(
        IncidentId(number),
        RuleId("device-down"),
        SubjectKind.DEVICE,
        f"51-D-{number:05d}-1",
        bloc,
        Severity.P1 if number % 2 else Severity.P3,
        state,
        EpochMs(number * 1000),
        EpochMs(number * 1000),
        EpochMs(number * 1000),
        impacted=("x", "y") if number == 1 else (),
    )


def told(*incidents: Incident, blocs: tuple[Bloc, ...] = tuple(Bloc)) -> dict[tuple[str, str], float]:
    """Values by metric and all label values."""
    text = b"".join(incident_lines(incidents, blocs=blocs, now=NOW).values()).decode()
    return {
        (item.name.removeprefix("channelwatch_"), "/".join(item.labels.values())): item.value
        for family in text_string_to_metric_families(text)
        for item in family.samples
    }


def test_incidents_are_counted_by_bloc_severity_and_state_and_over_ones_are_not() -> None:
    found = told(incident(1), incident(3, state=IncidentState.ACKED), incident(5, state=IncidentState.CLOSED))
    assert found["incidents", "party/p1/open"] == 1
    assert found["incidents", "party/p1/acked"] == 1
    assert found["incidents", "party/p1/restored"] == 0
    assert ("incident_opened_timestamp_seconds", "SC-000005") not in {(name, key[:9]) for name, key in found}


def test_the_longest_wait_is_of_those_that_nobody_has_taken() -> None:
    found = told(incident(1, state=IncidentState.ACKED), incident(2), incident(4))
    assert found["incident_oldest_unacknowledged_seconds", "party"] == 998
    assert found["incident_oldest_unacknowledged_seconds", "gov"] == 0


def test_what_an_incident_takes_with_it_is_told() -> None:
    found = told(incident(1), incident(2))
    assert {key: value for (name, key), value in found.items() if name == "incident_impacted"} == {
        "SC-000001/party": 2
    }


def test_only_the_gravest_have_a_series_of_their_own_and_the_rest_is_counted() -> None:
    found = told(*(incident(number) for number in range(1, INCIDENTS_TOLD + 12)))
    numbers = [key for name, key in found if name == "incident_opened_timestamp_seconds"]
    assert len(numbers) == INCIDENTS_TOLD
    assert all("/p1/" in key for key in numbers[:100])
    assert found["incidents_omitted", ""] == 11


def test_an_incident_of_another_bloc_is_not_told_and_the_collectors_own_is() -> None:
    found = told(incident(1), incident(2, bloc=None), blocs=(Bloc.GOV,))
    assert "SC-000001" not in str(found)
    assert "SC-000002" in str(found)
