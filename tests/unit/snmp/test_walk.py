"""Reading columns: where they end, what spoils them, how much is asked."""

from __future__ import annotations

from channelwatch_collector.snmp.bindings import of
from channelwatch_collector.snmp.pdu import ErrorStatus
from channelwatch_collector.snmp.port import Oid, PollFailure, SnmpType, Value, VarBind
from channelwatch_collector.snmp.walk import ColumnReader, PageHint

A: Oid = (1, 3, 6, 1, 9, 1)
B: Oid = (1, 3, 6, 1, 9, 2)
END = Value(SnmpType.END_OF_MIB_VIEW, None)


def row(column: Oid, *suffix: int) -> VarBind:
    return (*column, *suffix), Value(SnmpType.INTEGER, suffix[0])


def reader(*columns: Oid, hint: PageHint | None = None, **limits: int) -> ColumnReader:
    return ColumnReader(
        columns,
        max_repetitions=limits.get("max_repetitions", 25),
        max_rows=limits.get("max_rows", 1000),
        max_pages=limits.get("max_pages", 100),
        hint=hint or PageHint(),
    )


def test_columns_of_different_length_end_each_at_its_own_place() -> None:
    walk = reader(A, B)
    assert walk.question() == (A, B)
    walk.take(of([row(A, 1), row(B, 1, 7), row(A, 2), row((1, 3, 6, 1, 9, 3), 1)]), 100)
    assert walk.question() == ((*A, 2),)
    walk.take(of([row(B, 1, 7)]), 50)
    assert walk.question() == ()
    assert walk.columns() == {
        A: {(1,): Value(SnmpType.INTEGER, 1), (2,): Value(SnmpType.INTEGER, 2)},
        B: {(1, 7): Value(SnmpType.INTEGER, 1)},
    }
    assert walk.failed == {}


def test_a_column_that_the_device_lacks_is_empty_and_no_failure() -> None:
    walk = reader(A)
    walk.take(of([(A, END)]), 40)
    assert (walk.question(), walk.columns(), walk.failed) == ((), {A: {}}, {})


def test_an_answer_cut_in_the_middle_of_a_row_loses_nothing() -> None:
    walk = reader(A, B)
    walk.take(of([row(A, 1), row(B, 1), row(A, 2)]), 100)
    assert walk.question() == ((*A, 2), (*B, 1))


def test_repeating_an_object_fails_its_column_alone() -> None:
    walk = reader(A, B)
    walk.take(of([row(A, 5), row(B, 1), row(A, 5), row(B, 2)]), 100)
    assert walk.failed == {A: PollFailure.WALK_NOT_INCREASING}
    assert walk.question() == ((*B, 2),)
    walk.take(of([(B, END)]), 30)
    assert list(walk.columns()) == [B]


def test_going_backwards_fails_the_column() -> None:
    walk = reader(A)
    walk.take(of([row(A, 5), row(A, 4)]), 100)
    assert walk.failed == {A: PollFailure.WALK_NOT_INCREASING}


def test_an_endless_column_stops_at_the_row_limit() -> None:
    walk = reader(A, max_rows=10)
    for page in range(5):
        if not walk.question():
            break
        walk.take(of([row(A, 1 + page * 4 + at) for at in range(4)]), 100)
    assert walk.failed == {A: PollFailure.WALK_TOO_LONG}
    assert walk.question() == ()


def test_an_endless_column_stops_at_the_page_limit() -> None:
    walk = reader(A, max_pages=3)
    pages = 0
    while walk.question():
        pages += 1
        walk.take(of([row(A, pages)]), 100)
    assert pages == 3
    assert walk.failed == {A: PollFailure.WALK_TOO_LONG}


def test_too_big_halves_the_page_then_goes_column_by_column_then_fails() -> None:
    walk = reader(A, B, max_repetitions=4)
    asked = []
    while names := walk.question():
        asked.append((len(names), walk.repetitions()))
        walk.refused(ErrorStatus.TOO_BIG, 0)
    assert asked == [(2, 4), (2, 2), (2, 1), (1, 1), (1, 1)]
    assert walk.failed == {A: PollFailure.TOO_BIG, B: PollFailure.TOO_BIG}


def test_an_error_that_names_a_column_fails_that_column() -> None:
    walk = reader(A, B)
    walk.refused(ErrorStatus.GEN_ERR, 2)
    assert walk.failed == {B: PollFailure.GEN_ERR}
    assert walk.question() == (A,)


def test_an_error_that_names_nothing_is_tracked_down_column_by_column() -> None:
    walk = reader(A, B)
    walk.refused(ErrorStatus.GEN_ERR, 0)
    assert walk.question() == (A,)
    walk.refused(ErrorStatus.GEN_ERR, 0)
    assert walk.question() == (B,)
    walk.take(of([(B, END)]), 30)
    assert walk.failed == {A: PollFailure.GEN_ERR}


def test_an_empty_answer_counts_as_too_big() -> None:
    walk = reader(A, max_repetitions=2)
    walk.take(of([]), 30)
    assert walk.repetitions() == 1
    walk.take(of([]), 30)
    assert walk.failed == {A: PollFailure.TOO_BIG}


def test_pages_are_kept_below_the_size_that_a_tunnel_carries() -> None:
    assert reader(A, hint=PageHint(octets=200)).repetitions() == 7
    assert reader(A, B, hint=PageHint(octets=200)).repetitions() == 3
    assert reader(A, hint=PageHint(octets=60_000)).repetitions() == 1


def test_the_next_walk_asks_for_the_rows_of_the_last_and_one_more() -> None:
    walk = reader(A)
    walk.take(of([row(A, 1), row(A, 2), row(A, 3), (A, END)]), 120)
    again = reader(A, hint=walk.learn())
    assert again.repetitions() == 4


def test_silence_after_a_large_page_is_first_met_with_a_smaller_page() -> None:
    walk = reader(A)
    before = walk.repetitions()
    walk.silent(PollFailure.NO_ANSWER)
    assert walk.question() == (A,)
    assert walk.repetitions() < before
    walk.silent(PollFailure.NO_ANSWER)
    assert walk.failed == {A: PollFailure.NO_ANSWER}


def test_a_failure_other_than_silence_is_not_tried_again() -> None:
    walk = reader(A)
    walk.silent(PollFailure.WRONG_KEY)
    assert walk.failed == {A: PollFailure.WRONG_KEY}


def test_a_column_asked_twice_is_read_once() -> None:
    assert reader(A, A).question() == (A,)


def test_a_walk_that_failed_teaches_nothing_about_rows() -> None:
    hint = PageHint(rows=8)
    walk = reader(A, hint=hint)
    walk.give_up(PollFailure.NO_ANSWER)
    assert walk.learn().rows == 8
