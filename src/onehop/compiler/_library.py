"""TypeScript's own compiler, as npm has it. It runs in a compiler's process, never in this one."""

from __future__ import annotations

from importlib.resources import files


def library() -> bytes:
    """Its text, 9 MB. Few programs need it, so it is read when one does, and not kept."""
    return (files(__package__) / "typescript" / "typescript.js").read_bytes()
