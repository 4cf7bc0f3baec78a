"""Received short messages as the network writes them."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from channelwatch.base.errors import InputError
from channelwatch.notify.gsm.pdu import SEVEN_BIT, delivered
from tests.support.modem import received


def test_a_message_of_seven_bit_letters_is_read() -> None:
    """`hellohello`, behind the number of a service centre."""
    message = "06914800000000040A9148000000000000621122010000820AE8329BFD4697D9EC37"
    assert delivered(message) == ("+8400000000", "hellohello")


@pytest.mark.parametrize("text", ["NHAN 4821", "Nhận 4821 nhé", "hai dòng\r\nNHAN 4821", "", SEVEN_BIT])
@pytest.mark.parametrize("number", ["+8400000000", "84000000", "191"])
def test_number_and_text_come_as_they_were_sent(number: str, text: str) -> None:
    assert delivered(received(number, text)) == (number, text)


def test_a_part_of_a_long_message_is_read_without_its_header() -> None:
    """Header of six octets (parts, TS 23.040 section 9.2.3.24.1), filled up to the next septet."""
    septets = [0] * 7 + [SEVEN_BIT.index(letter) for letter in "NHAN 4821"]
    bits = sum(code << 7 * place for place, code in enumerate(septets))
    data = bytes.fromhex("050003AA0201") + bits.to_bytes(14, "little")[6:]
    head = "0044038191F10000" + "62112201000082"
    assert delivered(head + f"{len(septets):02X}" + data.hex()) == ("191", "NHAN 4821")


def test_a_sender_that_is_a_word_has_no_number() -> None:
    assert delivered("000408D0D4323B9D0600" + "00" + "62112201000082" + "00")[0] == ""


@pytest.mark.parametrize("text", ["", "00", "zz", "0", "0001000B91", "0791", "07917283010010F5040BC8"])
def test_what_is_no_received_message_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        delivered(text)


def test_any_octets_are_read_or_refused() -> None:
    chance = random.Random(6)
    for _ in range(2_000):
        with suppress(InputError):
            delivered(chance.randbytes(chance.randrange(60)).hex())
