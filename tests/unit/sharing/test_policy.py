"""The whole decision table, case by case."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from channelwatch.inventory.model import Category
from channelwatch.sharing.policy import (
    INSIDE,
    LEVELS,
    Decision,
    Destination,
    Enablement,
    Level,
    Reason,
    Result,
    ceiling,
    decide,
    effective_category,
    effective_level,
)

CASES = list(product(Category, LEVELS, Destination))
OWNER = "own-party"
ALL_ENABLED = tuple(
    Enablement(OWNER, destination, "12/QĐ", until=1_000, named_by_cipher_committee=True)
    for destination in Destination
)
SETTLED = ["bloc_central", "mil", "bcy", "assessor", "irt", "steering", "prov_csc", "nat_csc"]
# One letter per destination in the order of SETTLED: Share, Aggregate, Never. Written out from the domain model.
EXPECTED = {
    (Category.CIPHER, "12345"): "AASSAANN",
    (Category.STATE_SECRET, "12345"): "ANASAAAN",
    (Category.GENERAL, "12"): "ANNSSAAN",
    (Category.GENERAL, "345"): "ANNSSASS",
    (Category.MILITARY, "-12345"): "NSNNNNNN",
    (Category.DEFENCE, "-12345"): "NSNNNNNN",
    (Category.UNSET, "-12345"): "NNNNNNNN",
    (Category.CIPHER, "-"): "NNNNNNNN",
    (Category.STATE_SECRET, "-"): "NNNNNNNN",
    (Category.GENERAL, "-"): "NNNNNNNN",
}
LETTER = {"S": Result.SHARE, "A": Result.AGGREGATE, "N": Result.NEVER}


def opened(category: Category, level: Level, destination: Destination) -> Decision:
    return decide(category, level, destination, owner=OWNER, enablements=ALL_ENABLED, now=0)


def test_all_432_cases_add_up() -> None:
    results = Counter(opened(*case).result for case in CASES)
    assert len(CASES) == 432
    assert results == {Result.SHARE: 115, Result.AGGREGATE: 57, Result.NEVER: 260}
    inside = [case for case in CASES if case[2] in INSIDE]
    assert len(inside) == 72
    assert all(opened(*case).result is Result.SHARE for case in inside)


def test_every_case_is_as_the_domain_model_says() -> None:
    seen = 0
    for (category, levels), letters in EXPECTED.items():
        for level, (name, letter) in product(levels, zip(SETTLED, letters, strict=True)):
            case = (category, None if level == "-" else int(level), Destination(name))
            assert opened(*case).result is LETTER[letter], case
            seen += 1
    never = [Destination.OTHER_BLOC, Destination.ELSEWHERE]
    assert all(opened(*case).result is Result.NEVER for case in CASES if case[2] in never)
    assert seen == 432 - 6 * 6 * 4


def test_the_national_centre_gets_general_systems_of_level_three_and_up_only() -> None:
    shared = [
        case[:2] for case in CASES if case[2] is Destination.NAT_CSC and opened(*case).result is Result.SHARE
    ]
    assert shared == [(Category.GENERAL, 3), (Category.GENERAL, 4), (Category.GENERAL, 5)]


def test_the_deciding_rule_is_named() -> None:
    rules = Counter(ceiling(*case).rule for case in CASES)
    assert rules == {1: 72, 2: 72, 3: 2 * 6 * 8, 4: 48 + 3 * 8, 5: 40, 6: 40, 7: 40}
    assert ceiling(Category.MILITARY, None, Destination.MIL).rule == 3
    assert ceiling(Category.CIPHER, None, Destination.BCY).rule == 4


def test_in_factory_state_nothing_leaves() -> None:
    for case in CASES:
        found = decide(*case, now=0)
        assert found.result is (
            Result.SHARE if case[2] in INSIDE - {Destination.OTHER_BLOC} else Result.NEVER
        )
        if opened(*case).result is not Result.NEVER and case[2] not in INSIDE:
            assert found.reason is Reason.NOT_ENABLED


def test_a_permission_opens_its_own_destination_until_its_end_date() -> None:
    given = (Enablement(OWNER, Destination.BCY, "7/CV", until=100),)
    while_valid = decide(Category.CIPHER, 4, Destination.BCY, owner=OWNER, enablements=given, now=99)
    assert while_valid == Decision(Destination.BCY, Result.SHARE, 5, Reason.RULE, "7/CV")
    ended = decide(Category.CIPHER, 4, Destination.BCY, owner=OWNER, enablements=given, now=100)
    assert (ended.result, ended.reason, ended.document) == (Result.NEVER, Reason.EXPIRED, None)
    other = decide(Category.CIPHER, 4, Destination.STEERING, owner=OWNER, enablements=given, now=0)
    assert (other.result, other.reason) == (Result.NEVER, Reason.NOT_ENABLED)


def test_a_permission_covers_the_systems_of_the_owner_who_gave_it() -> None:
    for owner in ("own-gov", None):
        found = decide(Category.CIPHER, 4, Destination.BCY, owner=owner, enablements=ALL_ENABLED, now=0)
        assert (found.result, found.reason) == (Result.NEVER, Reason.NOT_ENABLED)


def test_no_permission_lifts_the_ceiling() -> None:
    found = opened(Category.CIPHER, 5, Destination.NAT_CSC)
    assert (found.result, found.rule, found.reason) == (Result.NEVER, 5, Reason.RULE)


def test_an_assessor_of_cipher_systems_is_named_by_the_cipher_committee() -> None:
    unnamed = (Enablement(OWNER, Destination.ASSESSOR, "9/HĐ", until=100),)
    refused = decide(Category.CIPHER, 4, Destination.ASSESSOR, owner=OWNER, enablements=unnamed, now=0)
    assert (refused.result, refused.reason) == (Result.NEVER, Reason.ASSESSOR_NOT_NAMED)
    assert (
        decide(Category.GENERAL, 4, Destination.ASSESSOR, owner=OWNER, enablements=unnamed, now=0).result
        is Result.SHARE
    )


def test_a_permission_needs_a_document_number() -> None:
    with pytest.raises(ValueError, match="document"):
        Enablement(OWNER, Destination.BCY, " ", until=1)


@pytest.mark.parametrize("level", [0, 6, -1])
def test_a_level_that_does_not_exist_is_refused(level: int) -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        ceiling(Category.GENERAL, level, Destination.LOCAL)


def test_the_most_restrictive_category_and_the_highest_level_hold() -> None:
    assert effective_category([Category.GENERAL, Category.CIPHER, Category.STATE_SECRET]) is Category.CIPHER
    assert effective_category([Category.MILITARY, Category.UNSET]) is Category.UNSET
    assert effective_category([Category.DEFENCE, Category.MILITARY]) is Category.MILITARY
    assert effective_category([]) is Category.UNSET
    assert effective_level([2, 4, 3]) == 4
    assert effective_level([2, None]) is None
    assert effective_level([]) is None
