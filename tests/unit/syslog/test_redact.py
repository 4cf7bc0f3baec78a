"""What may never be kept does not survive redaction; what an operator needs does."""

from __future__ import annotations

import base64
import unicodedata

import pytest
from channelwatch_collector.syslog.parse.redact import MASK, MAX_TEXT_CHARS, Refusal, redact, refuse
from hypothesis import assume, example, given
from hypothesis import strategies as st

KEYS = st.sampled_from([16, 20, 24, 32, 48, 64]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
"""Octets of the sizes that keys and digests have."""
WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\\"), max_size=40)
PASSWORDS = st.text(
    alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%*+./:@^_~-",
    min_size=12,
    max_size=30,
)


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("password=hunter2 next", "password=[masked] next"),
        ('{"password": "hun ter2", "a": 1}', '{"password": [masked], "a": 1}'),
        ("Password for admin: hunter2", "Password for admin: [masked]"),
        ("mật khẩu: hunter2", "mật khẩu: [masked]"),
        ("password is hunter2", "password is [masked]"),
        ("username admin password 7 0822455D0A16", "username admin password 7 [masked]"),
        ("enable secret 5 $1$abcd$efghijklmnop", "enable secret 5 [masked]"),
        ("snmp-server community public RO", "snmp-server community [masked] RO"),
        ("community=public,version=2", "community=[masked],version=2"),
        ("auth sha S3cr3tt priv aes 128 Pr1v4te", "auth sha [masked] priv aes 128 [masked]"),
        ("set psksecret ENC abcdef", "set psksecret ENC [masked]"),
        ("pre-shared-key k3yk3y", "pre-shared-key [masked]"),
        ("pre-shared-key key k3yk3y", "pre-shared-key key [masked]"),
        ("pre-shared-key address 192.0.2.1 key simple k3yk3y", "pre-shared-key address 192.0.2.1 key simple [masked]"),
        ("local-user bob password irreversible-cipher %^%#x", "local-user bob password irreversible-cipher [masked]"),
        ("community read cipher k3yk3y", "community read cipher [masked]"),
        ("ntp authentication-key 1 md5 k3yk3y", "ntp authentication-key 1 md5 [masked]"),
        ("ip nhrp authentication k3yk3y", "ip nhrp authentication [masked]"),
        ("standby 1 authentication text k3yk3y", "standby 1 authentication text [masked]"),
        ("standby 1 authentication k3yk3y", "standby 1 authentication [masked]"),
        ("vrrp 1012 authentication k3yk3y", "vrrp 1012 authentication [masked]"),
        ("standby authentication md5 key-string 7 k3yk3y", "standby authentication md5 [masked] 7 [masked]"),
        ('cfgattr="psksecret[k3y->y3k]remote-gw[192.0.2.1]"', 'cfgattr="psksecret[[masked]]remote-gw[192.0.2.1]"'),
        ("apiKey=abc; sharedSecret: xyz", "apiKey=[masked]; sharedSecret: [masked]"),
        ("<password>hunter2</password>", "<password>[masked]</password>"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [masked]"),
        ("https://admin:hunter2@gw.example.test/x", "https://admin:[masked]@gw.example.test/x"),
        ("key id 17 expired", "key id [masked] expired"),
        ("MKA session stopped, CKN:1234", "MKA session stopped, CKN:[masked]"),
        ("secured, CKN 1000", "secured, CKN [masked]"),
        ("keyid=0a0b0c", "keyid=[masked]"),
        ("session_id=99887766", "session_id=[masked]"),
        ('cookies="ab12/cd34" in_spi="1a2b3c4d"', 'cookies=[masked] in_spi="[masked]"'),
        ("SPIs c1a2b3c4_i 09e5f6a7_o and TS 192.0.2.0/24", "SPIs [masked] [masked] and TS 192.0.2.0/24"),
        ("received SPI (0xDEADBEEF) from 192.0.2.1", "received SPI ([masked]) from 192.0.2.1"),
        ("spi=3735928559", "spi=[masked]"),
        ("no SA for SPI 12345678 found", "no SA for SPI [masked] found"),
        ("ED25519 SHA256:dGhpcyBpcyBub3QgYSByZWFsIGZpbmdlcnByaW50IQ", "ED25519 [masked]"),
        ("root:$6$salt$hashhashhash:19000", "root:[masked]"),
        ("0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07", "[masked]"),
        ("dump 000102030405060708090a0b0c0d0e0f end", "dump [masked] end"),
        ("dump 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f end", "dump [masked] end"),
        ("a\x1b[31mb\nc", "a [31mb c"),
    ],
)  # fmt: skip
def test_secrets_are_masked_and_the_rest_stays(line: str, clean: str) -> None:
    assert redact(line).text == clean


@pytest.mark.parametrize(
    "line",
    [
        "Failed password for root from 2001:db8::7 port 50522 ssh2",
        "Failed password for invalid user test from 192.0.2.7 port 40111 ssh2",
        "key exchange failed: no proposal chosen",
        "password expired for operator",
        "bypass=on passive: true mapping: x shipping=1 side=left inside: 4",
        "Interface TenGigabitEthernet1/0/24, changed state to down",
        "2001:0db8:0000:0000:0000:0000:0000:0001 is at aa:bb:cc:dd:ee:ff",
        "started /usr/lib/systemd/system/strongswan.service in 20 ms",
        "IKE_SA hub-a[3] established between 192.0.2.1[gw-01]...192.0.2.2[hub-a]",
        "tunnel hub-a to 51-D-T0001-A is up",
        "mất kênh mã hóa, thiết bị 51-D-21548-1",
        "SPI added",
    ],
)
def test_ordinary_lines_lose_nothing(line: str) -> None:
    assert redact(line).text == line
    assert redact(line).masked == 0


@given(key=KEYS, before=WORDS, after=WORDS)
def test_a_key_in_hex_never_survives(key: bytes, before: str, after: str) -> None:
    for form in (key.hex(), key.hex().upper(), "0x" + key.hex(), key.hex(":"), key.hex(" "), key.hex("-")):
        clean = redact(f"{before} {form} {after}").text
        assert form not in clean
        assert key.hex() not in clean.replace(":", "").replace(" ", "").replace("-", "").lower()


@given(key=KEYS, before=WORDS, after=WORDS)
@example(key=bytes(32), before="", after="")
def test_a_key_in_base64_never_survives(key: bytes, before: str, after: str) -> None:
    form = base64.b64encode(key).decode()
    if form.rstrip("=").isdecimal():
        return
    assert form not in redact(f"{before} {form} {after}").text


@given(
    secret=PASSWORDS,
    name=st.sampled_from(
        ["password", "Secret", "PSK", "community", "auth_key", "token", "key", "mật khẩu", "pwd"]
    ),
    joint=st.sampled_from(["=", ": ", " = ", ":", '="', "='", " => "]),
    before=WORDS,
)
def test_a_named_secret_never_survives(secret: str, name: str, joint: str, before: str) -> None:
    assume(secret not in before)
    closing = joint[-1] if joint[-1] in "\"'" else ""
    clean = redact(f"{before} {name}{joint}{secret}{closing}").text
    assert secret not in clean
    assert MASK in clean


@given(st.text(max_size=300))
@example("password=password=x")
@example("key=[masked]key=abc")
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text).text
    assert redact(once).text == once


@given(st.text(max_size=6000))
def test_redacted_text_is_printable_and_bounded(text: str) -> None:
    clean = redact(text).text
    assert len(clean) <= MAX_TEXT_CHARS
    assert not any(unicodedata.category(char) == "Cc" for char in clean)


@pytest.mark.parametrize(
    "line",
    [
        "Báo cáo TỐI MẬT số 12",
        "TUYỆT  MẬT",
        "MẬT",
        "Công văn số 15-CV/TU MẬT ngày 01/11",
        "Độ mật: Mật",
        "độ mật = tối mật",
        "[mật] báo cáo",
        "(Tuyệt mật)",
        "TUYET MAT",
        "BAO CAO TOI MAT",
        r'{"t":"T\u1ed0I M\u1eacT"}',
        unicodedata.normalize("NFD", "TÀI LIỆU TỐI MẬT"),
    ],
)
def test_a_secrecy_stamp_refuses_the_line(line: str) -> None:
    assert refuse(f"<13>Nov 22 10:42:03 gw app: {line}") is Refusal.SECRECY_STAMP


@pytest.mark.parametrize(
    "line",
    [
        "sai mật khẩu",
        "SAI MẬT KHẨU",
        "THIẾT BỊ BẢO MẬT KÊNH TRUYỀN",
        "hệ thống bảo mật",
        "KHÓA BÍ MẬT hết hạn",
        "mật mã dân sự",
        "Bảo mật (mật mã)",
        "Độ mật: (người có thẩm quyền xác định)",
        "format matters: MAT file",
        "tuổi thọ, tốc độ",
    ],
)
def test_words_that_contain_the_stamp_refuse_nothing(line: str) -> None:
    assert refuse(f"<13>Nov 22 10:42:03 gw app: {line}") is None


def test_pem_and_long_base64_blocks_refuse_the_line() -> None:
    assert refuse("x -----BEGIN RSA PRIVATE KEY----- MIIE") is Refusal.PEM_BLOCK
    assert refuse("-----END CERTIFICATE-----") is Refusal.PEM_BLOCK
    assert refuse("data " + base64.b64encode(bytes(range(256))).decode()) is Refusal.BASE64_BLOCK
    assert refuse("---- not a block ----") is None
