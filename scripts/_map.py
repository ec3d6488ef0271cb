"""Print docs/contributing/map.md from the first sentence of each module, for scripts/docs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent / "src" / "onehop"
_PAGE = """\
# The map of modules

Made by `scripts/docs` from the first sentence of each module; do not edit.

[How one execution works](../explanation/overview.md) tells how these parts work together. A name
that starts with an underscore is private to its folder.

{rooms}
"""


def main() -> None:
    """Print the page."""
    files = sorted([*_ROOT.rglob("*.py"), *_ROOT.glob("guest/*.js")], key=_order)
    rooms = [_room(folder, list(inside)) for folder, inside in groupby(files, lambda f: f.parent)]
    print(_PAGE.format(rooms="\n\n".join(rooms)), end="")


def _order(file: Path) -> tuple[str, bool, str]:
    return str(file.parent), file.name != "__init__.py", file.name


def _room(folder: Path, files: list[Path]) -> str:
    name = Path("src/onehop", folder.relative_to(_ROOT))
    rows = [f"| `{file.name}` | {_words(file)} |" for file in files]
    return "\n".join([f"## `{name}/`", "", "| file | what it is |", "| --- | --- |", *rows])


def _words(file: Path) -> str:
    text = file.read_text("utf-8")
    words = _python(text) if file.suffix == ".py" else " ".join(_comment(text))
    paragraph = " ".join(words.split("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
    return re.split(r"(?<=[.?!]) (?=[A-Z`])", paragraph)[0]


def _python(text: str) -> str:
    return ast.get_docstring(ast.parse(text)) or ""


def _comment(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("// "):
            return
        yield line[3:]


if __name__ == "__main__":
    main()
