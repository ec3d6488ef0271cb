"""What is not loaded before it is needed, each seen in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.users import ROOT

FORBIDDEN = (
    "fastapi starlette uvicorn mcp sqlalchemy aiosqlite tree_sitter deno typer rich seccompy "
    "onehop.sandbox onehop.execution onehop.workers onehop.jail onehop.validation onehop.server"
).split()


def test_the_client_loads_neither_the_server_nor_the_sandbox() -> None:
    code = "import json, sys, onehop.client; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=True,
    )
    loaded = json.loads(done.stdout)
    assert "httpx2" in loaded
    assert not [name for name in loaded if name.startswith(tuple(FORBIDDEN))]


def test_text_without_modules_and_types_loads_no_parser() -> None:
    script = (
        "import sys; from onehop.source import prepare; "
        "prepare('const a = 1; importer(a)', 'typescript'); "
        "sys.exit('tree_sitter' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_store_in_sqlite_loads_nothing_for_postgresql() -> None:
    script = (
        "import sys, onehop.stores.sql; "
        "sys.exit(any(name.startswith(('asyncpg', 'sqlalchemy.dialects.postgresql'))"
        " for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
