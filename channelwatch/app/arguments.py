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
