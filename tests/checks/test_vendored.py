"""The declarations of the language are those that were published."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onehop.compiler

LIBRARY = Path(onehop.compiler.__file__).parent / "typescript" / "lib"


def test_each_file_has_its_hash_and_nothing_else_is_there() -> None:
    lines = (LIBRARY / "SHA256SUMS").read_text().splitlines()
    listed = {name: hashed for hashed, name in (line.split("  ") for line in lines)}
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in LIBRARY.glob("*.d.ts")
    }
    assert found == listed
    assert not any("dom" in name for name in found)
