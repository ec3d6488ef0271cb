"""ES modules to one script: their import and export lines go, and what they declare is shared.

The rule is narrow, so that a line that is dropped means nothing to the script: imports stand at the
top and keep each name, and come from files that are joined before; ``export`` stands only before a
declaration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache
from typing import Final

_IMPORT = re.compile(r'import \{(\s*[\w$]+(?:,\s*[\w$]+)*,?\s*)\} from "\./([\w.]+)";\n')
_HEAD = re.compile(r"(?://[^\n]*\n|\n)*")
_EXPORT = re.compile(r"^export (?=(?:const|class|function|async function)\b)", re.MULTILINE)
_COMMENT = re.compile(r"//|/?\*(?!.*\*/.*\S)")
"""At the start of a line, without code behind it."""
_FOLDER: Final = os.path.dirname(__file__)
_MODULE_LINE = re.compile(r"^[ \t]*(?:import|export)\b.*", re.MULTILINE)


class Module:
    """A file: what it imports, as names by file, and its text without import and export."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.imports: dict[str, list[str]] = {}
        self.text = self._without_exports(self._without_imports(source))

    def _without_imports(self, source: str) -> str:
        at = _end_of_head(source, 0)
        while found := _IMPORT.match(source, at):
            names, file = found.groups()
            self.imports[file] = [name.strip() for name in names.split(",") if name.strip()]
            at = _end_of_head(source, found.end())
        return source[at:]

    def _without_exports(self, text: str) -> str:
        text = _EXPORT.sub("", text)
        found = _MODULE_LINE.search(text) if "import" in text or "export" in text else None
        if found:
            raise ValueError(
                f"{self.name}: cannot put {found[0].strip()!r} into one script: write imports "
                'at the top as `import { name } from "./file.js";`, and `export` before a '
                "declaration"
            )
        return text


def _end_of_head(source: str, at: int) -> int:
    found = _HEAD.match(source, at)
    return found.end() if found else at


@cache
def read_module(name: str) -> Module:
    return Module(name, read_text(name))


def read_text(name: str) -> str:
    """A file of this folder. ``importlib.resources`` would load archives and temporary files."""
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()


def join(modules: Iterable[Module], given: Iterable[str] = ()) -> str:
    """One script of the modules; each knows those before it and the files that are ``given``."""
    known = set(given)
    texts = []
    for module in modules:
        if unknown := module.imports.keys() - known:
            raise ValueError(f"{module.name} imports {sorted(unknown)}, not joined before it")
        known.add(module.name)
        texts.append(module.text)
    return _to_ascii(_without_comments("\n".join(texts)))


def _without_comments(source: str) -> str:
    """Drop indentation and lines that are comments: a quarter of the text to parse."""
    lines = filter(None, map(str.strip, source.splitlines()))
    return "\n".join([line for line in lines if line[0] not in "/*" or not _COMMENT.match(line)])


def _to_ascii(source: str) -> str:
    """V8 keeps and reads text with one character beyond Latin-1 as two bytes each. Such characters
    stand in strings only."""
    return source.encode("ascii", "backslashreplace").decode("ascii")
