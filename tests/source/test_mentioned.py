"""An error about a name is shown at the name, where the engine tells of the statement only."""

from __future__ import annotations

import pytest

from onehop import Sandbox

NAMES = [
    "return §name",
    "  return §name.length + 1",
    "return (\n  §name\n)",
    "if (§name) return 1",
    "switch (§name) {}",
    "throw §name",
    "return await §name(1)",
    "return x = §name; let x",
    "return 'name' + `name` /* name */ + §name",
    "return { name: 1, a: §name }",
    "const f = () => { return !§name }; return f()",
    "return §name; let name = 1",
    "return '\U0001f600' && §name",
]


@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_the_caret_stands_below_the_name(sandbox: Sandbox, language: str) -> None:
    for marked in NAMES:
        code = marked.replace("§", "")
        info = (await sandbox.execute(code, language)).error_info
        assert info is not None
        lines = marked[: marked.index("§")].split("\n")
        column = len(lines[-1].encode("utf-16-le")) // 2 + 1
        assert (info.name, info.line, info.column) == ("ReferenceError", len(lines), column), code
