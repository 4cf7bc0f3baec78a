"""Write every dashboard in both languages into `dashboards/vi` and `dashboards/en`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from dashboards.builder.catalogue import BOARDS
from dashboards.builder.model import dashboard
from dashboards.builder.text import LANGUAGES

FOLDER = Path(__file__).resolve().parents[1]


def files() -> Iterator[tuple[str, str]]:
    """Path below `dashboards`, and content."""
    for language in LANGUAGES:
        for board in BOARDS:
            made = dashboard(board, language, BOARDS)
            text = json.dumps(made, ensure_ascii=False, indent=2, sort_keys=True)
            yield f"{language}/{board.uid}.json", f"{text}\n"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, text in files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
