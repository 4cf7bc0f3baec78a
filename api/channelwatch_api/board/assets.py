"""The board's own style sheet, script and icon: read once, served with a name that changes with the content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

MEDIA_TYPES: Mapping[str, str] = {
    "board.css": "text/css; charset=utf-8",
    "board.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file. `tag` is the digest that its address carries."""

    body: bytes
    media_type: str
    tag: str


def load_assets() -> dict[str, Asset]:
    """Every static file of this package."""
    folder = files("channelwatch_api") / "static"
    bodies = {name: (folder / name).read_bytes() for name in MEDIA_TYPES}
    return {
        name: Asset(body, MEDIA_TYPES[name], sha256(body).hexdigest()[:12]) for name, body in bodies.items()
    }
