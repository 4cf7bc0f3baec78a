"""Reading files that somebody names: never more of them than was agreed, whatever they are."""

from __future__ import annotations

from pathlib import Path

from channelwatch.base.errors import InputError


def read_at_most(path: Path, octets: int) -> bytes:
    """The content of `path`, which may be a pipe. OSError as `open`; InputError when it is longer than `octets`."""
    with path.open("rb") as file:
        content = file.read(octets + 1)
    if len(content) > octets:
        raise InputError([f"{path}: larger than {_size(octets)}"])
    return content


def _size(octets: int) -> str:
    return f"{octets >> 20} MiB" if octets >= 1 << 20 else f"{octets >> 10} KiB"
