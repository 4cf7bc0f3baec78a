"""The configuration file as frozen typed settings: the only reader of the environment and of secret files."""

from channelwatch.app.settings.collector import (
    CollectorSettings,
    RelpSettings,
    SnmpSettings,
    SyslogSettings,
    SyslogTlsSettings,
    TlsFiles,
    TrapSettings,
)
from channelwatch.app.settings.credentials import CredentialSettings, V2cCredential, V3Credential
from channelwatch.app.settings.http import AccountSettings, HttpSettings, HttpTlsSettings
from channelwatch.app.settings.instance import InstanceSettings, InventorySettings, StoreSettings
from channelwatch.app.settings.notify import NotifySettings, SmtpSettings, WebhookSettings
from channelwatch.app.settings.oncall import OncallSettings
from channelwatch.app.settings.parts import Listen, SecretRef, read_secret
from channelwatch.app.settings.whole import Settings, load_settings, masked

__all__ = [
    "AccountSettings",
    "CollectorSettings",
    "CredentialSettings",
    "HttpSettings",
    "HttpTlsSettings",
    "InstanceSettings",
    "InventorySettings",
    "Listen",
    "NotifySettings",
    "OncallSettings",
    "RelpSettings",
    "SecretRef",
    "Settings",
    "SmtpSettings",
    "SnmpSettings",
    "StoreSettings",
    "SyslogSettings",
    "SyslogTlsSettings",
    "TlsFiles",
    "TrapSettings",
    "V2cCredential",
    "V3Credential",
    "WebhookSettings",
    "load_settings",
    "masked",
    "read_secret",
]
