"""Links and codes: what was made here and has not expired counts, nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.base.secrets import Secret
from channelwatch.incidents.ack import AckClaim, AckRefusal, AckSigner, code_in, refusal
from tests.contract.store.examples import incident
from tests.support.province import START

SIGNER = AckSigner(Secret("the secret of links in a test"))
CLAIM = AckClaim(IncidentId(7), 1, ContactCode("truc.so-1"), EpochMs(START + 3_600_000))
NOW = EpochMs(START)


def test_a_link_comes_back_as_the_claim_that_it_was_made_of() -> None:
    assert SIGNER.read(SIGNER.token(CLAIM), NOW) == CLAIM


def test_a_link_that_was_changed_anywhere_is_forged() -> None:
    token = SIGNER.token(CLAIM)
    for place in range(len(token)):
        for letter in ("A", "z", "."):
            changed = token[:place] + letter + token[place + 1 :]
            if changed != token:
                found = SIGNER.read(changed, NOW)
                # The last letter of a base64 text has bits that mean nothing.
                assert found is AckRefusal.FORGED or found == CLAIM
    assert AckSigner(Secret("another secret of a test")).read(token, NOW) is AckRefusal.FORGED


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "x" * 10_000, "7.1.9999999999.watch"])
def test_what_is_no_link_is_forged(text: str) -> None:
    assert SIGNER.read(text, NOW) is AckRefusal.FORGED


def test_a_link_expires() -> None:
    token = SIGNER.token(CLAIM)
    assert SIGNER.read(token, EpochMs(CLAIM.expires_at - 1)) == CLAIM
    assert SIGNER.read(token, CLAIM.expires_at) is AckRefusal.EXPIRED


def test_a_code_is_of_one_contact_one_incident_and_one_round() -> None:
    codes = {
        SIGNER.code(number, round_, contact)
        for number in range(1, 6)
        for round_ in (0, 1)
        for contact in ("watch", "chief")
    }
    assert len(codes) >= 18
    assert all(len(code) == 4 and code.isdigit() for code in codes)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NHAN 4821", "4821"),
        ("nhan4821", "4821"),
        ("Nhận: 4821 nhé", "4821"),
        ("ack 0007", "0007"),
        ("4821", None),
        ("NHAN 48210", None),
        ("NHAN", None),
        ("xinhan 4821", None),
    ],
)
def test_the_code_of_a_reply_is_found(text: str, code: str | None) -> None:
    assert code_in(text) == code


def test_a_claim_counts_for_the_round_that_it_was_made_for() -> None:
    live = replace(incident(7), round=1)
    assert refusal(CLAIM, live) is None
    assert refusal(CLAIM, None) is AckRefusal.OVER
    assert refusal(CLAIM, replace(live, round=2)) is AckRefusal.OVER
    assert refusal(CLAIM, replace(live, restored_at=NOW)) is AckRefusal.OVER
