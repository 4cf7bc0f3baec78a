"""Signatures of people under corrections: Ed25519 (RFC 8032), made and checked with keys in PEM files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from channelwatch.app.settings import Settings
from channelwatch.base.errors import InputError
from channelwatch.base.secrets import Secret
from channelwatch.uptime.corrections import Correction, Decision, decided_fact, requested_fact


def sign(key: Secret, fact: bytes) -> str:
    """The signature under `fact` in base64. InputError when `key` is no Ed25519 private key in PEM."""
    try:
        found = load_pem_private_key(key.reveal().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(["--key: is not a private key in PEM without a pass phrase"]) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise InputError(["--key: must be an Ed25519 key (openssl genpkey -algorithm ed25519)"])
    return base64.b64encode(found.sign(fact)).decode()


class Signers:
    """Whose signatures count. Without anybody, corrections need none."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = {name.strip().casefold(): key for name, key in keys.items()}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def has_signed(self, name: str, fact: bytes, signature: str) -> bool:
        """Is `signature` that of `name` under `fact`?"""
        key = self._keys.get(name.strip().casefold())
        if key is None:
            return False
        try:
            key.verify(base64.b64decode(signature, validate=True), fact)
        except (InvalidSignature, binascii.Error):
            return False
        return True

    def approve(self, item: Correction) -> bool:
        """Is it what the two people signed whose names it bears? Always, where nobody's signature is asked for."""
        if not self._keys:
            return True
        asked = self.has_signed(item.requested_by, requested_fact(item), item.signature)
        if item.decision is Decision.OPEN or not asked:
            return asked
        return self.has_signed(item.decided_by or "", decided_fact(item), item.decision_signature)


def signers(settings: Settings) -> Signers:
    """The signers of the configuration. InputError for a file that holds no Ed25519 public key."""
    keys: dict[str, Ed25519PublicKey] = {}
    for name, path in settings.signers.items():
        try:
            found = load_pem_public_key(settings.resolve(path).read_bytes())
        except OSError as error:
            raise InputError([f"signers.{name}: {path}: {error.strerror}"]) from None
        except (ValueError, UnsupportedAlgorithm):
            raise InputError([f"signers.{name}: {path}: is not a public key in PEM"]) from None
        if not isinstance(found, Ed25519PublicKey):
            raise InputError([f"signers.{name}: {path}: must be an Ed25519 key"])
        keys[name] = found
    return Signers(keys)
