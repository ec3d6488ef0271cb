"""The core is light, and each optional part that is missing says how to get it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

CORE_SANDBOX = "import onehop; print(onehop.run('return 1 + 1').output)"
OPTIONAL = (
    "aiosqlite anyio asyncpg docstring_parser fastapi greenlet httpx2 jsonschema mcp mcp_types "
    "opentelemetry prometheus_client pymongo referencing rich sqlalchemy starlette typer uvicorn"
)
MISSING = {
    "client": ("import onehop; onehop.AgentClient", "onehop's client: ", "httpx2"),
    "audit": (
        "from onehop.stores import make_store; make_store('sqlite:///x.db')",
        "a store in SQLite: ",
        "sqlalchemy",
    ),
    "postgresql": (
        "from onehop.stores import make_store; make_store('postgresql://h/d')",
        "a store in PostgreSQL: ",
        "asyncpg",
    ),
    "mongodb": (
        "from onehop.stores import make_store; make_store('mongodb://h/d')",
        "a store in MongoDB: ",
        "pymongo",
    ),
    "tools": (
        "import onehop.tools; onehop.tools.Catalogue.of([print, id])",
        "onehop's tools: ",
        "jsonschema",
    ),
    "metrics": (
        "import onehop.telemetry; onehop.telemetry.Metrics()",
        "metrics: ",
        "prometheus_client",
    ),
    "otel": (
        "import onehop.telemetry; onehop.telemetry.Tracing()",
        "traces: ",
        "opentelemetry",
    ),
    "cli": ("from onehop.cli import main; main()", "onehop: ", "typer"),
    "server": (
        "import sys; sys.argv = ['onehop', 'serve']; from onehop.cli import main; main()",
        "onehop: ",
        "uvicorn",
    ),
    "mcp": (
        "import sys; sys.argv = ['onehop', 'mcp']; from onehop.cli import main; main()",
        "onehop: ",
        "mcp",
    ),
}
"""By extra: what needs it, how the message begins, and the package that is not there."""


def without(modules: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run ``program`` where ``modules`` cannot be imported."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({modules!r}.split()))"
    return subprocess.run(
        [sys.executable, "-c", f"{blocked}\n{program}"], capture_output=True, text=True, timeout=60
    )


def test_the_core_runs_code_without_any_optional_package() -> None:
    done = without(OPTIONAL, CORE_SANDBOX)
    assert done.stdout == "2\n", done.stderr


def test_an_executor_needs_no_optional_package_where_records_stay_in_memory() -> None:
    program = (
        "import asyncio, onehop\n"
        "async def main():\n"
        "    audit = onehop.AuditConfig(store='memory:')\n"
        "    async with onehop.open_executor(audit=audit) as executor:\n"
        "        print((await executor.execute('return 6 * 7')).output)\n"
        "asyncio.run(main())"
    )
    done = without(OPTIONAL, program)
    assert done.stdout == "42\n", done.stderr


@pytest.mark.parametrize("extra", MISSING)
def test_a_missing_part_is_named_with_the_command_that_brings_it(extra: str) -> None:
    program, begins, package = MISSING[extra]
    done = without(package, program)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert begins in last
    assert f"pip install 'onehop[{extra}]'" in last


def test_the_client_needs_no_deno() -> None:
    program = "import onehop; print(onehop.AgentClient.__name__)"
    done = without("deno seccompy tree_sitter", program)
    assert done.stdout == "AgentClient\n", done.stderr


def test_the_core_is_at_most_twelve_packages_beside_deno() -> None:
    pending, found = ["onehop"], set[str]()
    while pending:
        for line in requires(pending.pop()) or []:
            requirement = Requirement(line)
            name = requirement.name.lower().replace("_", "-")
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and name not in found:
                found.add(name)
                pending.append(name)
    assert len(found - {"deno"}) <= 12, found
