"""Credentials of the settings in the engines' words."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from channelwatch_collector.credentials import AUTH, PRIV, credential_of
from channelwatch_collector.part import trap_users
from channelwatch_collector.snmp.port import V3, AuthProtocol, PrivProtocol, V2c

from channelwatch.app.settings import V3Credential, load_settings
from channelwatch.base.secrets import Secret

CONFIG = """
instance: {id: i, province: "51", blocs: [party]}
collector: {id: c}
credentials:
  strong: {version: "3", user: cw, auth: SHA-512, auth_pass: "env:AUTH", priv: AES-256-C, priv_pass: "env:PRIV"}
  signed: {version: "3", user: reader, auth_pass: "env:AUTH", priv: none}
  legacy: {version: 2c, community: "env:COMMUNITY"}
"""


def test_every_word_of_the_settings_has_its_protocol() -> None:
    for table, name in ((AUTH, "auth"), (PRIV, "priv")):
        words = get_args(V3Credential.model_fields[name].annotation)
        assert set(words) == set(table)
    assert set(AUTH.values()) - {None} == set(AuthProtocol)
    assert set(PRIV.values()) - {None} == set(PrivProtocol)


def test_credentials_are_handed_on_whole(tmp_path: Path) -> None:
    path = tmp_path / "channelwatch.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    environ = {"AUTH": "authentic-phrase", "PRIV": "private-phrase", "COMMUNITY": "shibboleth"}
    found = {name: credential_of(item) for name, item in load_settings(path, environ).credentials.items()}
    auth, priv = Secret("authentic-phrase"), Secret("private-phrase")
    assert found == {
        "strong": V3("cw", AuthProtocol.SHA512, auth, PrivProtocol.AES256_REEDER, priv),
        "signed": V3("reader", AuthProtocol.SHA256, auth),
        "legacy": V2c(Secret("shibboleth")),
    }
    assert {user.credential.user for user in trap_users(found)} == {"cw", "reader"}


def test_traps_of_a_cipher_that_cannot_be_read_are_left_out() -> None:
    des = V3("old", AuthProtocol.MD5, Secret("a" * 8), PrivProtocol.TRIPLE_DES, Secret("b" * 8))
    signed = V3("cw", AuthProtocol.SHA256, Secret("a" * 8))
    other = V3("cw", AuthProtocol.SHA256, Secret("c" * 8))
    users = trap_users({"des": des, "one": signed, "again": signed, "two": other})
    assert [user.credential for user in users] == [signed, other]
