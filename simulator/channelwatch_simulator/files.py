"""What a simulation writes for whoever watches it: the inventory, the secrets, the boot count."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from pathlib import Path

from channelwatch.base.secrets import Secret
from channelwatch_simulator.inventory_file import render_inventory
from channelwatch_simulator.province import SimulatedProvince
from channelwatch_simulator.simulation import Keys

USER = "cw"
SECRETS = "secrets"
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_SECRET_BYTES = 24


class RunFolder:
    """A folder of one simulation. Secrets that are there already are kept, so that a collector stays in step."""

    def __init__(self, root: Path, *, secret_seed: int | None = None) -> None:
        self.root = root
        self._secret_seed = secret_seed
        (root / SECRETS).mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
        (root / SECRETS).chmod(_PRIVATE_FOLDER)

    def keys(self) -> Keys:
        """The pass phrases of the agents, made at the first call and kept in files that only the owner reads."""
        return Keys(USER, self.secret("auth"), self.secret("priv"), self.secret("community"))

    def secret(self, name: str, make: Callable[[], str] | None = None) -> Secret:
        """The secret in `secrets/NAME`; made by `make` (default: 24 random octets) where there is none."""
        path = self.root / SECRETS / name
        if self._secret_seed is not None:
            rng = random.Random(f"secret {self._secret_seed} {name}")
            self.write_private(path, rng.randbytes(_SECRET_BYTES).hex())
        elif not path.exists():
            self.write_private(path, make() if make is not None else secrets.token_urlsafe(_SECRET_BYTES))
        return Secret(path.read_text().strip())

    def write_inventory(self, province: SimulatedProvince) -> Path:
        """Write `inventory.yaml`."""
        path = self.root / "inventory.yaml"
        path.write_text(render_inventory(province.inventory), encoding="utf-8")
        return path

    def next_boot(self) -> int:
        """How many times agents were started from this folder: engine boots must never fall (RFC 3414 2.2)."""
        path = self.root / "boots"
        boots = int(path.read_text()) + 1 if path.exists() else 1
        path.write_text(f"{boots}\n")
        return boots

    @staticmethod
    def write_private(path: Path, text: str) -> None:
        """Write `text` so that only the owner can read it, from the first octet on."""
        path.touch(mode=_PRIVATE_FILE)
        path.chmod(_PRIVATE_FILE)
        path.write_text(f"{text}\n")
