"""Layouts: the fast way must find what the plain way does, and step aside where it does not pay."""

from __future__ import annotations

from channelwatch_collector.snmp import ber, bindings
from channelwatch_collector.snmp.layout import MIN_BINDINGS, AnswerReader, Layouts, Place
from channelwatch_collector.snmp.port import Oid, SnmpType, Value, VarBind

ROOT: Oid = (1, 3, 6, 1, 4, 1, 55_555)
MIXED = [
    Value(SnmpType.INTEGER, -5),
    Value(SnmpType.COUNTER64, 2**40),
    Value(SnmpType.OCTET_STRING, b"tunnel-7"),
    Value(SnmpType.GAUGE32, 200),
    Value(SnmpType.IP_ADDRESS, "192.0.2.1"),
    Value(SnmpType.TIME_TICKS, 123_456_789),
    Value(SnmpType.NO_SUCH_INSTANCE, None),
    Value(SnmpType.OBJECT_IDENTIFIER, ROOT),
]


def octets_of(varbinds: list[VarBind]) -> bytes:
    encoded = ber.encode_varbinds(varbinds)
    start, stop = ber.expect(encoded, 0, len(encoded), ber.SEQUENCE)
    return encoded[start:stop]


def named(values: list[Value]) -> list[VarBind]:
    return [((*ROOT, at), value) for at, value in enumerate(values)]


MESSAGE_ID = b"\x10\x20\x30\x40"


def take(reader: AnswerReader, octets: bytes, message_id: bytes = MESSAGE_ID) -> bindings.Bindings:
    """What the engine does with a list that is in the middle of something else, as in a datagram."""
    message = b"\xff\xff" + message_id + octets + b"\xff"
    found = reader.again(message, message_id)
    return found or reader.read(message, Place((2, 6), 6, 6 + len(octets)), without_error=True)


def read(reader: AnswerReader, varbinds: list[VarBind]) -> list[VarBind]:
    found = take(reader, octets_of(varbinds))
    return list(zip(found.names.oids, found.values, strict=True))


def changed(value: Value) -> Value:
    """Another value of the same length."""
    if isinstance(value.value, int):
        return Value(value.type, value.value ^ 1)
    if isinstance(value.value, bytes):
        return Value(value.type, value.value[::-1])
    return value


def test_values_that_change_within_their_lengths_are_read_by_the_layout() -> None:
    layouts = Layouts(1)
    reader = layouts.reader()
    before, after = named(MIXED), named([changed(value) for value in MIXED])
    assert read(reader, before) == before
    assert reader._layout is not None
    for varbinds in (after, before, after):
        assert read(reader, varbinds) == varbinds
    assert (reader._hits, reader._misses) == (3, 0)


def test_absent_objects_keep_their_positions() -> None:
    reader = Layouts(1).reader()
    octets = octets_of(named(MIXED))
    assert [take(reader, octets).absent for _ in range(3)] == [(6,)] * 3


def test_a_counter_of_nine_octets_is_read_whole() -> None:
    """The leading octet is part of the number, though it should be zero."""
    reader = Layouts(1).reader()
    names = [ber.encode_oid((*ROOT, at)) for at in range(4)]
    for lead in (0, 1):
        value = ber.tlv(SnmpType.COUNTER64, bytes((lead, 255, 255, 255, 255, 255, 255, 255, 255)))
        octets = b"".join(ber.tlv(ber.SEQUENCE, name + value) for name in names)
        found = take(reader, octets)
        assert [item.value for item in found.values] == [(lead << 64) + 2**64 - 1] * 4


def test_lengths_that_change_all_the_time_are_soon_read_in_full() -> None:
    reader = Layouts(1).reader()
    layouts = set()
    for turn in range(60):
        read(reader, named([Value(SnmpType.GAUGE32, 100 << 8 * (turn % 3))] * 6))
        layouts.add(reader._layout)
    assert len(layouts - {None}) <= 5


def test_a_layout_that_served_long_is_replaced_at_once() -> None:
    reader = Layouts(2).reader()
    for _ in range(100):
        read(reader, named(MIXED))
    served = reader._layout
    longer = named([Value(SnmpType.COUNTER64, 2**50)] * 8)
    for _ in range(45):
        read(reader, longer)
    assert reader._layout is not None
    assert reader._layout is not served
    assert reader._hits > 0


def test_whoever_comes_after_the_limit_reads_in_full() -> None:
    layouts = Layouts(1)
    first, second = layouts.reader(), layouts.reader()
    for _ in range(3):
        assert read(first, named(MIXED)) == named(MIXED)
        assert read(second, named(MIXED)) == named(MIXED)
    assert first._layout is not None
    assert second._layout is None
    del first
    read(second, named(MIXED))
    assert second._layout is not None


def test_a_short_list_has_no_layout() -> None:
    reader = Layouts(1).reader()
    read(reader, named(MIXED[: MIN_BINDINGS - 1]))
    assert reader._layout is None


def test_only_what_moves_is_read_each_time() -> None:
    reader = Layouts(1).reader()
    for turn in range(20):
        varbinds = named([*MIXED, Value(SnmpType.COUNTER64, 2**40 + turn)])
        assert read(reader, varbinds) == varbinds
    assert reader._layout is not None
    assert reader._layout._kinds == (SnmpType.COUNTER64,)


def test_a_value_that_wavers_between_two_lengths_finds_either_layout() -> None:
    reader = Layouts(2).reader()
    short, long = (named([*MIXED, Value(SnmpType.GAUGE32, number)]) for number in (100, 1_000))
    for _ in range(20):
        assert read(reader, short) == short
    for _ in range(30):
        assert read(reader, long) == long
        assert read(reader, short) == short
    assert reader._misses <= 2


def test_an_answer_with_another_id_is_not_taken_for_one_read_before() -> None:
    reader = Layouts(1).reader()
    octets = octets_of(named(MIXED))
    take(reader, octets)
    message = b"\xff\xff" + b"\x11\x11\x11\x11" + octets + b"\xff"
    assert reader.again(message, MESSAGE_ID) is None
    assert reader.again(message, b"\x11\x11\x11\x11") is not None


def test_nothing_is_learnt_from_errors_or_from_other_names_than_were_asked() -> None:
    octets = octets_of(named(MIXED))
    message, place = MESSAGE_ID + octets, Place((0, 4), 4, 4 + len(octets))
    asked = tuple(name for name, _ in named(MIXED))
    for wanted, without_error, learns in (
        (asked, True, True),
        (asked, False, False),
        (asked[:-1], True, False),
    ):
        reader = Layouts(1).reader(wanted)
        reader.read(message, place, without_error=without_error)
        assert (reader.again(message, MESSAGE_ID) is not None) is learns
