"""What this installation is and where it keeps what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from channelwatch.app.settings.parts import Model
from channelwatch.inventory.model import Bloc


class InstanceSettings(Model):
    """What this installation is. More than one bloc is allowed only for a simulation.

    `security_events`: the blocs whose security events are watched; that is done where it was asked for.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    province: str = Field(pattern="^[0-9]{2}$")
    blocs: tuple[Bloc, ...] = Field(min_length=1)
    simulated: bool = False
    language: Literal["vi", "en"] = "vi"
    security_events: tuple[Bloc, ...] = ()

    @model_validator(mode="after")
    def _one_bloc(self) -> InstanceSettings:
        if len(set(self.blocs)) > 1 and not self.simulated:
            raise ValueError("a real instance holds one bloc; several blocs need simulated: true")
        if foreign := set(self.security_events) - set(self.blocs):
            raise ValueError(f"security_events names {min(foreign)}, which is not one of blocs")
        return self


class StoreSettings(Model):
    """Where the status store is: an SQLAlchemy URL; a relative SQLite path counts from the configuration file."""

    url: str = "sqlite:///data/channelwatch.db"
    event_retention_days: int = Field(default=366, ge=1)
    message_retention_days: int = Field(default=366, ge=2)


class InventorySettings(Model):
    """An inventory file that is applied at each start."""

    file: Path
