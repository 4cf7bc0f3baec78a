"""Where the service tells that it lives, and the second process that listens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from channelwatch.app.settings.notify import HttpAddress, NotifySettings
from channelwatch.app.settings.parts import Listen, ListenText, Model, SecretRef
from channelwatch.app.yamlfile import YamlFile


class WatchdogTarget(Model):
    """The second process: `channelwatch watchdog` on another machine."""

    url: HttpAddress
    secret: SecretRef


class CheckinTarget(Model):
    """A check-in receiver: `url` is asked at each beat that proves life, `fail_url`, if any, at each that does not."""

    url: HttpAddress
    fail_url: HttpAddress | None = None


class HeartbeatSettings(Model):
    """Who is told that the service lives."""

    every_s: float = Field(default=15.0, ge=0.2, le=300)
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    watchdog: WatchdogTarget | None = None
    checkins: Mapping[str, CheckinTarget] = {}


class WatchedInstance(Model):
    """Which instance is watched, and in which language the watchdog speaks."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    language: Literal["vi", "en"] = "vi"


class WatchdogSettings(Model):
    """The configuration file of the watchdog. Its ways out are its own: it shares nothing with what it watches."""

    instance: WatchedInstance
    listen: ListenText = Listen("127.0.0.1", 9810)
    secret: SecretRef
    dead_after_s: float = Field(default=45.0, ge=0.5, le=3600)
    repeat_s: float = Field(default=900.0, ge=1, le=86400)
    notify: NotifySettings
    tell: tuple[str, ...] = Field(min_length=1, max_length=32)
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _ways_exist(self) -> WatchdogSettings:
        for way in self.tell:
            channel, _, destination = way.partition(":")
            if not destination or not self.notify.has(channel, destination):
                raise ValueError(f"tell: {way!r} is no way of notify")
        return self

    def resolve(self, path: Path) -> Path:
        """`path` counted from the configuration file's folder."""
        return path if path.is_absolute() else self.folder / path


def load_watchdog(path: Path, environ: Mapping[str, str] | None = None) -> WatchdogSettings:
    """Read and check the watchdog's configuration. InputError names file, line and key of each problem."""
    context = {"folder": path.parent, "environ": os.environ if environ is None else environ}
    found = YamlFile(path).validate(WatchdogSettings, context)
    return found.model_copy(update={"folder": path.parent})
