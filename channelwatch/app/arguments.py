"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

DEFAULT_CONFIG = Path("channelwatch.yaml")


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
