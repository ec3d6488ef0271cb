"""TypeScript's own compiler and its declarations of the language, as npm has them. They are used in
a jailed process, never in this one."""

from __future__ import annotations

import json
from importlib.resources import files

from onehop.guest import globals_declared

_GLOBALS = "guest.d.ts"


def library() -> bytes:
    """Its text, 9 MB. Few programs need it, so it is read when one does, and not kept."""
    return (files(__package__) / "typescript" / "typescript.js").read_bytes()


def declarations() -> bytes:
    """What a checker knows beside a program, by file name, as JSON: 600 KB."""
    folder = files(__package__) / "typescript" / "lib"
    texts = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    named = {name: text for name, text in texts.items() if name.endswith(".d.ts")}
    return json.dumps({**named, _GLOBALS: globals_declared()}).encode()
