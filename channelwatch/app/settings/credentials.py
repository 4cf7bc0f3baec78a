"""What devices are asked with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from channelwatch.app.settings.parts import Model, PassPhrase, SecretRef


class V2cCredential(Model):
    """A community. Unauthenticated: what it proves is little, and traps under it only trigger polls."""

    version: Literal["2c"]
    community: SecretRef


class V3Credential(Model):
    """A USM user (RFC 3414, 7860). AES-192/256 exist in two key-extension forms; `-C` is the Reeder one."""

    version: Literal["3"]
    user: str = Field(min_length=1, max_length=32)
    auth: Literal["none", "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    auth_pass: PassPhrase | None = None
    priv: Literal["none", "AES-128", "AES-192", "AES-256", "AES-192-C", "AES-256-C", "DES", "3DES"] = (
        "AES-128"
    )
    priv_pass: PassPhrase | None = None

    @model_validator(mode="after")
    def _passes(self) -> V3Credential:
        if (self.auth == "none") != (self.auth_pass is None):
            raise ValueError("auth_pass is given exactly when auth is not none")
        if (self.priv == "none") != (self.priv_pass is None):
            raise ValueError("priv_pass is given exactly when priv is not none")
        if self.priv != "none" and self.auth == "none":
            raise ValueError("priv needs auth (RFC 3411 section 3.4.3)")
        return self


CredentialSettings = Annotated[V2cCredential | V3Credential, Field(discriminator="version")]
