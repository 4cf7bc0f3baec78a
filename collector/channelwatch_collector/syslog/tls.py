"""The TLS settings of a syslog listener (RFC 5425, cipher suites as RFC 9662 has them)."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from channelwatch.base.errors import InputError

_TLS12_SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""RFC 9662 section 5 asks for TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; nothing without forward secrecy is left."""


def server_context(
    certificate: Path, key: Path, *, clients: Path, only_tls13: bool = False
) -> ssl.SSLContext:
    """A context that lets in only clients whose certificate chains to one in the PEM file `clients`.

    TLS 1.3 is spoken with all who can, and 1.2 with the others unless `only_tls13`. Python's servers never take
    early data, which RFC 9662 section 6 forbids. InputError when a file is missing or no usable PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if only_tls13 else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_SUITES)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except OSError as error:
        raise InputError([f"{certificate} with {key}: {error}"], operation="load TLS certificate") from None
    try:
        context.load_verify_locations(clients)
    except OSError as error:
        raise InputError([f"{clients}: {error}"], operation="load TLS client authorities") from None
    return context


def _no_pass_phrase() -> str:
    """OpenSSL would ask at the terminal, where nobody sits."""
    return ""
