"""Refuse files and functions that outgrew their room: `check_sizes.py [folder ...]`.

Complexity and the number of parameters are ruff's (C901, PLR0913).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("channelwatch", "collector", "api", "simulator", "tests", "tools", "bench", "deploy", "dashboards")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70


def oversize(path: Path) -> Iterator[str]:
    """Yield one `file:line: what` for each thing in `path` that is too long."""
    source = path.read_text(encoding="utf-8")
    lines = len(source.splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{path}:1: file has {lines} lines, at most {MAX_FILE_LINES}"
    for node in ast.walk(ast.parse(source, str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


def main(arguments: list[str]) -> int:
    """Check the named folders, or all of them; the exit status says whether anything is too long."""
    folders = [Path(name) for name in arguments or FOLDERS]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    found = [line for path in files for line in oversize(path)]
    print("\n".join(found) or "sizes: nothing too long")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
