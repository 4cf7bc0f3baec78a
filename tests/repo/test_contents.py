"""What no file of the repository may hold: machines, persons, secrets, real addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

import pytest

from tests.repo.tree import lines

# Written in parts, because this file is searched as well.
MACHINE_PATH = re.compile(
    r"(?<![\w.~}$-])/(?:"
    + "|".join(["wo" + "rk", "ro" + "ot", "ho" + r"me/(?!operator\b)\w+", "Us" + "ers"])
    + r")\b/?"
)
REGISTRY_HOST = re.compile(
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.(?:org|com)", "gh" + r"cr\.io"])
)
PRIVATE_KEY = re.compile(r"""^\s*["']?-----BEGIN """ + r"(?:\w+ )*PRIVATE KEY-----(?:\\n|\W*$)")
ACCESS_TOKEN = re.compile(
    r"\b(?:gh[pousr]_\w{36}|AKIA[0-9A-Z]{16}|xox[abp]-[\w-]{20,}|eyJ[\w-]{20,}\.eyJ[\w-]{20,})"
)
PHONE = re.compile(r"(?<![\w.+:/-])(?:\+84|0)[35789]\d(?:[ .]?\d){7}(?![\w.-])")
MAIL = re.compile(r"[\w.+-]+@((?:[\w-]+\.)+[a-z]{2,})\b", re.IGNORECASE)
MAIL_DOMAINS = (".example", ".test", ".invalid", ".localhost", "example.org", "example.com", "example.net")
UNIT_FILES = (".service", ".timer", ".socket")

IPV4 = re.compile(r"(?<![\w.])(?<!section )(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:]|\.\d)", re.IGNORECASE)
OCTETS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})+", re.IGNORECASE)
SLICE = re.compile(r"\d{0,3}::\d{0,3}")
OBJECT_IDENTIFIER = re.compile(r"[012]\.\d{1,2}\.")
"""The beginning of an OID such as that of MIB-2: four of its numbers alone look like an address."""

DOCUMENTATION = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]
MASKS = {ipaddress.ip_address("255.255.255.255")}


def found(*patterns: re.Pattern[str]) -> Iterator[str]:
    """Yield the places where one of `patterns` occurs."""
    for place, line in lines():
        for pattern in patterns:
            for match in pattern.finditer(line):
                yield f"{place}: {match[0]}"


def may_appear(text: str) -> bool:
    """Whether this text, which looks like an address, is none or is of a range that nobody is reached by."""
    if OBJECT_IDENTIFIER.match(text) or SLICE.fullmatch(text) or OCTETS.fullmatch(text):
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_unspecified or address in MASKS:
        return True
    return any(address in network for network in DOCUMENTATION)


def foreign_addresses() -> Iterator[str]:
    """Yield the places of addresses that may belong to somebody."""
    return (hit for hit in found(IPV4, IPV6) if not may_appear(hit.partition(": ")[2]))


def foreign_mail() -> Iterator[str]:
    """Yield the places of mail addresses outside the domains kept for examples."""
    for hit in found(MAIL):
        if not hit.lower().endswith((*MAIL_DOMAINS, *UNIT_FILES)):
            yield hit


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "path of one machine": lambda: found(MACHINE_PATH),
    "host of a package registry": lambda: found(REGISTRY_HOST),
    "private key": lambda: found(PRIVATE_KEY),
    "access token": lambda: found(ACCESS_TOKEN),
    "phone number": lambda: found(PHONE),
    "mail address": foreign_mail,
    "network address": foreign_addresses,
}


@pytest.mark.parametrize("name", CHECKS)
def test_no_file_holds_a(name: str) -> None:
    assert list(CHECKS[name]()) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE_PATH, "/ho" + "me/someone/x"),
        (MACHINE_PATH, "file:///wo" + "rk/x"),
        (REGISTRY_HOST, "https://pypi" + ".org/simple"),
        (PRIVATE_KEY, "-----BEGIN " + "EC PRIVATE KEY-----"),
        (ACCESS_TOKEN, "AKIA" + "A" * 16),
        (PHONE, "call 09" + "12 345 678"),
        (PHONE, "+84" + "912345678"),
        (MAIL, "someone" + "@company.vn"),
        (IPV4, "10." + "0.0.1"),
        (IPV6, "fe80" + "::1"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("127.11.0.1", True), ("::1", True), ("198.51.100.7", True), ("2001:db8::7", True), ("0.0.0.0", True),
        ("::2", True), ("80:00:1f:88:80:aa:bb:cc", True), ("1.3.6.1", True), ("999.1.1.1", True),
        ("10." + "0.0.1", False), ("8.8" + ".8.8", False), ("fe80" + "::1", False), ("2a00" + ":1::1", False),
    ],
)  # fmt: skip
def test_only_reserved_addresses_may_appear(text: str, fine: bool) -> None:
    assert may_appear(text) is fine


SECRET_NAMES = "password|secret|community|auth_pass|priv_pass|token"
SECRET_KEY = re.compile(rf"""(?<![\w-])["']?({SECRET_NAMES})["']?\s*:\s*(\S.*)""")
REFERENCE = re.compile(r"""["']?(?:file:|env:|null\b|~)|#|\{|$""")


def literal_secrets(yaml_lines: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yield the places where a key that names a secret carries something else than a reference to one."""
    for place, line in yaml_lines:
        match = SECRET_KEY.search(line)
        if match and not REFERENCE.match(match[2]):
            yield place


def test_configuration_refers_to_secrets_and_never_holds_one() -> None:
    assert list(literal_secrets(lines(suffixes=(".yaml", ".yml")))) == []


def test_a_secret_written_out_is_found() -> None:
    sample = [
        ("a", "legacy: {version: 2c, community: pub" + "lic}"),
        ("b", 'password: "env:PASSWORD"'),
        ("c", "token: null"),
    ]
    assert list(literal_secrets(iter(sample))) == ["a"]
