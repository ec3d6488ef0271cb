"""What is not loaded before it is needed, each seen in a process of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest

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


@pytest.mark.thorough
def test_the_store_in_sqlite_loads_nothing_for_postgresql() -> None:
    script = (
        "import sys, onehop.stores.sql; "
        "sys.exit(any(name.startswith(('asyncpg', 'sqlalchemy.dialects.postgresql'))"
        " for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


SAYS = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
"""
COMMAND = f"{SAYS}from onehop.cli import main; sys.argv[0] = 'onehop'; main()"
RUN = """
import asyncio
from onehop import Sandbox
async def run():
    async with Sandbox() as sandbox:
        assert (await sandbox.execute("return 1 + 1")).output == 2
asyncio.run(run())
"""
HEAVY = "sqlalchemy aiosqlite tree_sitter rich jsonschema httpx2 mcp fastapi opentelemetry".split()
UNUSED = (
    "tools compiler sandbox.calls._desk sandbox.checks._check sandbox.snippets sandbox.approvals"
).split()


def loaded(code: str, *words: str, **env: str) -> set[str]:
    """The modules of a process at its end."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def heavy(modules: set[str], *more: str) -> list[str]:
    """Those of them that nothing needs for a plain run."""
    unused = [f"onehop.{name}." if "." not in name else f"onehop.{name}" for name in UNUSED]
    names = (*HEAVY, *unused, *more)
    return sorted(name for name in modules if f"{name}.".startswith(names))


def test_the_package_alone_loads_nothing() -> None:
    modules = loaded(f"{SAYS}import onehop")
    assert not modules & {"asyncio", "pydantic", "onehop.sandbox", "onehop.config"}


def test_processes_start_before_pydantic_is_loaded() -> None:
    begun = """
import json, sys
def see(event, _):
    if event == "subprocess.Popen":  # the first is the spawner
        seen.append(sorted(sys.modules))
seen = []
sys.addaudithook(see)
"""
    modules = loaded(f"{begun}{RUN}print(json.dumps(seen[0]), file=sys.stderr)")
    assert heavy(modules, "pydantic", "pydantic_core", "onehop.types._models", "seccompy") == []
    assert heavy(modules, "onehop.workers", "onehop.requests") == []


def test_a_first_result_loads_neither_stores_nor_tools_nor_what_checks() -> None:
    assert heavy(loaded(SAYS + RUN), "onehop.stores.", "onehop.execution", "onehop.cli") == []


def test_a_run_of_the_command_keeps_its_record_with_little_loaded(tmp_path: Path) -> None:
    env = {
        "ONEHOP_STORE": f"sqlite:///{tmp_path / 'store.db'}",
        "ONEHOP_JOURNAL": str(tmp_path / "journal"),
    }
    assert "sqlalchemy" in loaded(COMMAND, "run", "-c", "return 1", **env)  # makes the tables
    modules = loaded(COMMAND, "run", "-c", "return 2", **env)
    assert heavy(modules) == []
    assert "onehop.stores._sqlite_appends" in modules
    repairs = {f"onehop.corrections.{name}" for name in ("_code", "_missing", "_spelling")}
    assert not modules & repairs
    assert "pydantic.type_adapter" not in modules
    with closing(sqlite3.connect(tmp_path / "store.db")) as file:
        found = file.execute("SELECT sequence, output FROM executions ORDER BY sequence")
        assert found.fetchall() == [(1, "1"), (2, "2")]


def test_a_run_with_plain_words_is_read_without_typer() -> None:
    modules = loaded(COMMAND, "run", "--no-record", "-c", "return 1")
    assert "onehop.cli._once" in modules
    assert heavy(modules, "typer") == []


def test_a_first_result_needs_no_look_for_plugins_of_pydantic() -> None:
    assert "pydantic.plugin._loader" not in loaded(SAYS + RUN)


def test_a_command_loads_itself_and_no_other() -> None:
    modules = loaded(COMMAND, "--version")
    assert heavy(modules, "pydantic", "onehop.sandbox", "onehop.cli._run") == []
    modules = loaded(COMMAND, "run", "--help")
    assert heavy(modules, "onehop.sandbox", "onehop.cli._history", "onehop.cli._mcp") == []


@pytest.mark.parametrize(
    "room",
    "analysis backends compiler config corrections execution execution.webhooks jail sandbox "
    "sandbox.calls sandbox.checks sandbox.recordings sandbox.snippets stores tools tools.observed "
    "types".split(),
)
def test_a_room_that_loads_its_parts_late_has_all_that_it_names(room: str) -> None:
    module = import_module(f"onehop.{room}")
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert not hasattr(module, "what_nobody_named")
