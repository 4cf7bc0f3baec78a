"""What the configuration may say of syslog."""

from __future__ import annotations

from pathlib import Path

import pytest

from channelwatch.app.settings import Listen, SyslogSettings, load_settings
from channelwatch.base.errors import InputError
from tests.support.files import CONFIG, ENVIRON, write_config


def load(folder: Path, syslog: str) -> SyslogSettings:
    text = CONFIG.replace("  id: col-1\n", f"  id: col-1\n  syslog: {{{syslog}}}\n")
    return load_settings(write_config(folder, text), ENVIRON).collector.syslog


TLS = "certificate: own.crt, key: own.key, clients: clients.pem"


def test_everything_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert (settings.udp, settings.tcp, settings.tls, settings.relp) == (None, None, None, None)


def test_tls_and_relp_have_ports_and_files_of_their_own(tmp_path: Path) -> None:
    settings = load(
        tmp_path, f'tls: {{{TLS}}}, relp: {{listen: "[::1]:2514", tls: {{{TLS}, only_tls13: true}}}}'
    )
    assert settings.tls is not None and settings.relp is not None and settings.relp.tls is not None
    assert (settings.tls.listen, settings.tls.clients) == (Listen("0.0.0.0", 6514), Path("clients.pem"))
    assert (settings.tls.only_tls13, settings.relp.tls.only_tls13) == (False, True)
    assert settings.relp.listen == Listen("::1", 2514)


def test_zones_relays_packs_and_rates(tmp_path: Path) -> None:
    relays = '["2001:DB8:0::7", "' + ":".join(["AB"] * 32) + '"]'
    settings = load(
        tmp_path,
        'zones: {51-D-21548-1: UTC, "2001:db8::5": Asia/Bangkok}, relays: ' + relays + ", packs: packs,"
        " rate_per_s: 50, burst: 100, total_rate_per_s: 20000, total_burst: 9000",
    )
    assert settings.zones == {"51-D-21548-1": "UTC", "2001:db8::5": "Asia/Bangkok"}
    assert settings.relays == ("2001:db8::7", "ab" * 32)
    assert (settings.packs, settings.rate_per_s, settings.burst) == (Path("packs"), 50, 100)


@pytest.mark.parametrize(
    ("syslog", "problem"),
    [
        ("zone: Asia/Hanoi", "zone: unknown time zone 'Asia/Hanoi'"),
        ("zones: {51-D-21548-1: ../../etc/passwd}", "unknown time zone"),
        ("relays: [relay.example.test]", "must be an IP address or the SHA-256 fingerprint"),
        ("tls: {certificate: own.crt, key: own.key}", "tls.clients"),
        ("rate_per_s: 0", "rate_per_s"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, syslog: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, syslog)
    assert any(problem in line for line in caught.value.problems), caught.value.problems
