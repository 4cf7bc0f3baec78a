"""The whole configuration file: read, checked, printed with secrets masked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from channelwatch.app.settings.collector import CollectorSettings
from channelwatch.app.settings.credentials import CredentialSettings
from channelwatch.app.settings.heartbeat import HeartbeatSettings
from channelwatch.app.settings.http import HttpSettings
from channelwatch.app.settings.instance import InstanceSettings, InventorySettings, StoreSettings
from channelwatch.app.settings.notify import NotifySettings
from channelwatch.app.settings.oncall import OncallSettings
from channelwatch.app.settings.parts import Listen, Model
from channelwatch.app.yamlfile import YamlFile
from channelwatch.base.errors import InputError
from channelwatch.base.secrets import Secret


class Settings(Model):
    """The whole configuration file.

    Not of the file: the folder it lies in, and the secret files (as they are named) that everybody may read.
    """

    instance: InstanceSettings
    store: StoreSettings = StoreSettings()
    inventory: InventorySettings | None = None
    collector: CollectorSettings
    credentials: Mapping[str, CredentialSettings] = {}
    notify: NotifySettings = NotifySettings()
    oncall: OncallSettings = OncallSettings()
    http: HttpSettings | None = None
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    alert_rules: Path | None = None
    signers: Mapping[str, Path] = {}
    folder: Path = Field(default=Path(), exclude=True)
    loose_secrets: tuple[str, ...] = Field(default=(), exclude=True)

    def resolve(self, path: Path) -> Path:
        """`path` counted from the configuration file's folder."""
        return path if path.is_absolute() else self.folder / path


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the configuration. InputError names file, line and key of each problem."""
    source = YamlFile(path)
    if not isinstance(source.data, dict):
        raise InputError([source.problem((), "must be a mapping")])
    ours = [
        source.problem((name,), "unknown key") for name in ("folder", "loose_secrets") if name in source.data
    ]
    if ours:
        raise InputError(ours)
    loose: list[str] = []
    context = {
        "folder": path.parent,
        "environ": os.environ if environ is None else environ,
        "loose": loose,
    }
    found = source.validate(Settings, context)
    return found.model_copy(update={"folder": path.parent, "loose_secrets": tuple(dict.fromkeys(loose))})


def masked(settings: Settings) -> dict[str, Any]:
    """The effective settings as plain data for printing, each secret as `***`."""
    plain: dict[str, Any] = _plain(settings.model_dump(by_alias=True))
    return plain


def _plain(value: Any) -> Any:
    match value:
        case Secret():
            return "***"
        case Listen() | Path():
            return str(value)
        case dict() | Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return getattr(value, "value", value)
