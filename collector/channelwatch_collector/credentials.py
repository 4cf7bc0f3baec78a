"""From the settings' credentials to those that the SNMP engines take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from channelwatch.app.settings import V2cCredential, V3Credential
from channelwatch_collector.snmp.port import V3, AuthProtocol, Credential, PrivProtocol, V2c

AUTH: Mapping[str, AuthProtocol | None] = {
    "none": None,
    "MD5": AuthProtocol.MD5,
    "SHA-1": AuthProtocol.SHA1,
    "SHA-224": AuthProtocol.SHA224,
    "SHA-256": AuthProtocol.SHA256,
    "SHA-384": AuthProtocol.SHA384,
    "SHA-512": AuthProtocol.SHA512,
}
PRIV: Mapping[str, PrivProtocol | None] = {
    "none": None,
    "DES": PrivProtocol.DES,
    "3DES": PrivProtocol.TRIPLE_DES,
    "AES-128": PrivProtocol.AES128,
    "AES-192": PrivProtocol.AES192_BLUMENTHAL,
    "AES-256": PrivProtocol.AES256_BLUMENTHAL,
    "AES-192-C": PrivProtocol.AES192_REEDER,
    "AES-256-C": PrivProtocol.AES256_REEDER,
}
"""The settings' words. `-C` is Reeder's way to stretch a key, which Cisco ships."""


def credential_of(settings: V2cCredential | V3Credential) -> Credential:
    """The same credential for an engine."""
    match settings:
        case V2cCredential():
            return V2c(settings.community)
        case V3Credential():
            return V3(
                user=settings.user,
                auth_protocol=AUTH[settings.auth],
                auth_pass=settings.auth_pass,
                priv_protocol=PRIV[settings.priv],
                priv_pass=settings.priv_pass,
            )
        case _:
            assert_never(settings)
