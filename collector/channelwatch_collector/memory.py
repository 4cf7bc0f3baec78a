"""What the collector itself must not forget between two runs: one small file beside the store.

Our own SNMP engine's boots, since an authoritative engine must never go back (RFC 3414 section 2.2), and which
hardware answered at each device's address, so that a unit swapped while we were not running is noticed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from channelwatch.app.settings import Settings
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import DeviceCode
from channelwatch_collector.poll.watched import Box

log = logging.getLogger(__name__)

_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Remembered:
    """`boots` of our engine in the last run, and the boxes by device."""

    boots: int = 0
    boxes: Mapping[DeviceCode, Box] = field(default_factory=dict)


def memory_path(settings: Settings) -> Path:
    """`collector-ID.json` in the folder of a SQLite store, else in `data` beside the configuration."""
    url = settings.store.url
    folder = Path(url.removeprefix(_SQLITE)).parent if url.startswith(_SQLITE) else Path("data")
    return settings.resolve(folder) / f"collector-{settings.collector.id}.json"


def recall(path: Path) -> Remembered:
    """What the file holds. One that cannot be understood is set aside as `.broken`, and nothing is remembered."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        boxes = {DeviceCode(code): Box(**box) for code, box in document["boxes"].items()}
        return Remembered(int(document["boots"]), boxes)
    except FileNotFoundError:
        return Remembered()
    except (ValueError, TypeError, KeyError, AttributeError):
        log.error("memory file is broken; set aside", extra={"path": str(path)})
        path.replace(path.with_suffix(".broken"))
        return Remembered()
    except OSError as error:
        raise Permanent(str(error), operation="read", subject=str(path)) from error


def remember(path: Path, what: Remembered) -> None:
    """Replace the file as a whole. Permanent when it cannot be written."""
    document = {"boots": what.boots, "boxes": {code: asdict(box) for code, box in what.boxes.items()}}
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise Permanent(str(error), operation="write", subject=str(path)) from error
