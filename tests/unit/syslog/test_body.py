"""CEF, LEEF and key=value texts."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.parse.body import MAX_PAIRS, Form, read_body
from hypothesis import given, settings
from hypothesis import strategies as st


def pairs(text: str, app_name: str | None = None) -> dict[str, str]:
    body = read_body(text, app_name)
    assert body is not None
    return body.pairs


def test_a_cef_header_has_six_parts_and_its_extension_values_have_blanks() -> None:
    body = read_body("CEF:0|Maker|Gate \\| way|1.0|100|went down|7|src=192.0.2.1 msg=a b c dst=198.51.100.1")
    assert body is not None and body.form is Form.CEF
    assert body.pairs == {
        "deviceVendor": "Maker",
        "deviceProduct": "Gate | way",
        "deviceVersion": "1.0",
        "signatureId": "100",
        "name": "went down",
        "severity": "7",
        "src": "192.0.2.1",
        "msg": "a b c",
        "dst": "198.51.100.1",
    }


def test_a_cef_text_may_have_no_extension() -> None:
    assert pairs("CEF:0|Maker|Gate|1|2|down|9|")["name"] == "down"
    assert pairs("CEF:0|Maker|Gate|1|2|down|9")["severity"] == "9"


def test_cef_escapes_are_undone_once() -> None:
    found = pairs(r"CEF:0|a\\|b|c|d|e|5|msg=one\=two path=C:\\new request=x\ny cs1=hub-a cs1Label=peer name")
    assert found["deviceVendor"] == "a\\"
    assert found["deviceProduct"] == "b"
    assert (found["msg"], found["path"], found["request"]) == ("one=two", "C:\\new", "x\ny")
    assert found["peer name"] == "hub-a", "a custom field is known by its label too"


@pytest.mark.parametrize("text", ["CEF:0|a|b|c", "CEF:0|", "LEEF:1.0|a|b"])
def test_a_header_that_breaks_off_is_no_such_text(text: str) -> None:
    assert read_body(text) is None


def test_a_tag_that_took_the_format_name_is_put_back() -> None:
    assert pairs("0|Maker|Gate|1|2|n|3|act=up", "CEF")["act"] == "up"


def test_leef_1_is_delimited_by_tabs() -> None:
    body = read_body("LEEF:1.0|Maker|Gate|1|login|src=192.0.2.1\tusrName=a b\tmsg=x=y")
    assert body is not None and body.form is Form.LEEF
    assert body.pairs["eventId"] == "login"
    assert (body.pairs["src"], body.pairs["usrName"], body.pairs["msg"]) == ("192.0.2.1", "a b", "x=y")


def test_leef_1_without_a_tab_is_delimited_by_pipes() -> None:
    found = pairs("LEEF:1.0|Maker|Gate|1|login|src=192.0.2.1|usrName=a b")
    assert (found["src"], found["usrName"]) == ("192.0.2.1", "a b")


@pytest.mark.parametrize(
    ("named", "used"), [("^", "^"), ("x5E", "^"), ("0x7C", "|"), ("", "\t"), ("0x09", "\t")]
)
def test_leef_2_names_its_delimiter(named: str, used: str) -> None:
    found = pairs(f"LEEF:2.0|Maker|Gate|1|login|{named}|src=192.0.2.1{used}usrName=a b")
    assert (found["src"], found["usrName"]) == ("192.0.2.1", "a b")


def test_pairs_stand_in_quotes_or_without() -> None:
    found = pairs(
        'date=2026-11-22 msg="say \\"no\\", twice" user=\'a b\' empty="" last=N/A, ui=ssh(192.0.2.9)'
    )
    assert found == {
        "date": "2026-11-22",
        "msg": 'say "no", twice',
        "user": "a b",
        "empty": "",
        "last": "N/A",
        "ui": "ssh(192.0.2.9)",
    }
    assert pairs("Recorded. (Ip=192.0.2.9, User=operator)") == {"Ip": "192.0.2.9", "User": "operator"}


def test_pairs_between_pipes_may_hold_blanks() -> None:
    assert pairs("time=1795318923|operation=Log In|administrator=a b|") == {
        "time": "1795318923",
        "operation": "Log In",
        "administrator": "a b",
    }
    assert pairs('msg="a|b=c" user=d') == {"msg": "a|b=c", "user": "d"}


def test_brackets_with_colons() -> None:
    body = read_body(
        '[action:"Key Install"; encryption failure:"no response: \\"x\\""; peer_gateway:"198.51.100.1"]'
    )
    assert body is not None and body.form is Form.COLON
    assert body.pairs["action"] == "Key Install"
    assert body.pairs["encryption failure"] == 'no response: "x"'


def test_plain_speech_lists_nothing() -> None:
    assert read_body("Tunnel hub-a is down") is None


def test_only_so_many_pairs_are_read() -> None:
    assert len(pairs(" ".join(f"k{at}=v" for at in range(2 * MAX_PAIRS)))) == MAX_PAIRS


@settings(max_examples=60)
@given(
    st.text(st.sampled_from('CEF:0|\\=[];" \tLx19ab'), max_size=80),
    st.sampled_from(["", "CEF:0|", "CEF:0|a|b|c|d|e|f|", "LEEF:2.0|", "["]),
)
def test_no_text_breaks_the_reader(text: str, start: str) -> None:
    body = read_body(start + text)
    assert body is None or len(body.pairs) <= MAX_PAIRS + 16
