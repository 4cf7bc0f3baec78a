"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

DEFAULT_CONFIG = Path("channelwatch.yaml")
MAX_DIGITS = 16
"""A number of a row is shorter: it fits into what every database and JSON reader takes (2^53)."""


def config_argument(parser: argparse.ArgumentParser) -> None:
    """`-c`, `--config`: which configuration file."""
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        help=f"configuration file (default: {DEFAULT_CONFIG})",
    )


def show_acts(parser: argparse.ArgumentParser, *acts: argparse.ArgumentParser) -> None:
    """Show how each act of a command is called in the help of the command itself."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(act.format_usage().removeprefix("usage: ") for act in acts)


def person(text: str) -> str:
    """Somebody's name, without blanks around it: who does or approves something is never nobody."""
    name = text.strip()
    if not (name and name.isprintable()):
        raise argparse.ArgumentTypeError("must be somebody's name")
    return name


def number(text: str) -> int:
    """The number of an entry, as the lists show it."""
    if not (text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text[:MAX_DIGITS]!r} is no number of an entry")
    return int(text)
