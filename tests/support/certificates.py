"""A certificate authority of a test's own, and what it issues."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_UNLOCKED = serialization.NoEncryption()


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, in PEM files."""

    certificate: Path
    key: Path
    fingerprint: str


class Authority:
    """A certificate authority for one test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}.pem"
        self._certificate = self._sign(name, self._key.public_key(), authority=True, days=2)
        self.certificate.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, *, days: int = 2, address: str = "127.0.0.1", pass_phrase: bytes = b""
    ) -> Issued:
        """A certificate for `name` and `address`; with negative `days` it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key.public_key(), authority=False, days=days, address=address)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        lock = serialization.BestAvailableEncryption(pass_phrase) if pass_phrase else _UNLOCKED
        pem = serialization.Encoding.PEM
        files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, lock))
        der = certificate.public_bytes(serialization.Encoding.DER)
        return Issued(*files, hashlib.sha256(der).hexdigest())

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        *,
        authority: bool,
        days: int,
        address: str = "127.0.0.1",
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._name)])
        ends = datetime.now(UTC) + timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - timedelta(days=10))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address(address)), x509.DNSName(name)]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
