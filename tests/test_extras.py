"""The core is light, and each optional part that is missing says how to get it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import metadata, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import onehop
from onehop._extras import COMMANDS, FEATURES

ROOT = Path(__file__).parent.parent

CORE_SANDBOX = "import onehop; print(onehop.run('return 1 + 1').output)"
OPTIONAL = (
    "aiosqlite anyio asyncpg docstring_parser fastapi greenlet httpx2 jsonschema mcp mcp_types "
    "opentelemetry prometheus_client pymongo referencing rich sqlalchemy starlette typer uvicorn"
)


def command(*words: str) -> str:
    """A program that runs this command of ``onehop``."""
    argv = ["onehop", *words]
    return f"import sys; sys.argv = {argv!r}; from onehop.cli import main; main()"


def store(url: str) -> str:
    """A program that needs this store."""
    return f"from onehop.stores import make_store; make_store({url!r})"


CLIENT = "import onehop; onehop.AgentClient"
OPENAPI = "import onehop; onehop.OpenApi('x.json')"
YAML = "from onehop.upstreams.openapi._yaml import read_yaml; read_yaml(b'a: 1')"
PATCH = "from onehop.upstreams.openapi._patches import patched; patched({}, [{}])"
UPSTREAM = "import onehop; onehop.McpUpstream(command='x')"
TOOLS = "import onehop.tools; onehop.tools.Catalogue.of([print, id])"
SEALING = "from onehop.sandbox.recordings._sealing import Sealer; Sealer(bytes(32))"
KEYRING = "from onehop.upstreams._secrets import resolve; resolve('keyring:a/b', 'x', {})"
METRICS = "import onehop.telemetry; onehop.telemetry.Metrics()"
TRACING = "import onehop.telemetry; onehop.telemetry.Tracing()"
MISSING = [
    ("onehop's client: ", CLIENT, "httpx2", "client"),
    ("onehop's client: ", CLIENT, "anyio", "client"),
    ("a store in SQLite: ", store("sqlite:///x.db"), "sqlalchemy", "audit"),
    ("a store in PostgreSQL: ", store("postgresql://h/d"), "asyncpg", "postgresql"),
    ("a store in PostgreSQL: ", store("postgresql://h/d"), "sqlalchemy", "postgresql"),
    ("a store in MongoDB: ", store("mongodb://h/d"), "pymongo", "mongodb"),
    ("onehop's tools: ", TOOLS, "jsonschema", "tools"),
    ("OpenAPI documents: ", OPENAPI, "httpx2", "openapi"),
    ("OpenAPI documents: ", OPENAPI, "jsonschema", "openapi"),
    ("OpenAPI documents: ", OPENAPI, "anyio", "openapi"),
    ("OpenAPI documents in YAML: ", YAML, "yaml", "openapi"),
    ("patches of OpenAPI documents: ", PATCH, "jsonpatch", "openapi"),
    ("upstream MCP servers: ", UPSTREAM, "mcp", "mcp,tools"),
    ("upstream MCP servers: ", UPSTREAM, "jsonschema", "mcp,tools"),
    ("secrets in the keyring: ", KEYRING, "keyring", "keyring"),
    ("keeping what runs were answered: ", SEALING, "cryptography", "recordings"),
    ("metrics: ", METRICS, "prometheus_client", "metrics"),
    ("traces: ", TRACING, "opentelemetry", "otel"),
    ("onehop: ", command("validate", "return 1"), "typer", "cli"),
    ("onehop: ", command("--help"), "typer", "cli"),
    ("onehop: ", command("serve"), "typer", "server"),
    ("onehop: ", command("serve"), "uvicorn", "server"),
    ("onehop: ", command("serve"), "fastapi", "server"),
    ("onehop: ", command("serve"), "markupsafe", "server"),
    ("onehop: ", command("agents", "list"), "typer", "server"),
    ("onehop: ", command("mcp"), "typer", "mcp"),
    ("onehop: ", command("mcp"), "mcp", "mcp"),
    ("onehop: ", command("mcp"), "anyio", "mcp"),
    ("onehop: ", command("top"), "typer", "cli,client"),
    ("onehop's client: ", command("tail"), "httpx2", "client"),
]
"""How the message begins, what needs the part, the package that is not there, and the extras that
are named: all that the feature takes, whichever package of them is missed."""


def without(modules: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run ``program`` where ``modules`` cannot be imported."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({modules!r}.split()))"
    return subprocess.run(
        [sys.executable, "-c", f"{blocked}\n{program}"], capture_output=True, text=True, timeout=60
    )


def test_the_core_runs_code_without_any_optional_package() -> None:
    done = without(OPTIONAL, CORE_SANDBOX)
    assert done.stdout == "2\n", done.stderr


@pytest.mark.thorough
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


@pytest.mark.sample(3)
@pytest.mark.parametrize(("begins", "program", "package", "extras"), MISSING)
def test_a_missing_part_is_named_with_the_command_that_brings_its_feature(
    begins: str, program: str, package: str, extras: str
) -> None:
    done = without(package, program)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert begins in last
    assert f"pip install 'onehop[{extras}]'" in last


def words_of_needs(text: str) -> Iterator[str]:
    """What ``needed_for`` gets in this source: words, or a constant of words in the same file."""
    constants = dict(re.findall(r"^(\w+): Final = \"([^\"]+)\"$", text, re.MULTILINE))
    for words, name in re.findall(r"needed_for\((?:\"([^\"]+)\"|(\w+))\)", text):
        if words or name in constants:
            yield words or constants[name]


def test_every_feature_names_extras_that_exist_and_every_import_a_feature() -> None:
    there = {*metadata("onehop").get_all("Provides-Extra", [])}
    named = {extra for extras in (*FEATURES.values(), *COMMANDS.values()) for extra in extras}
    assert named <= there
    source = Path(onehop.__file__).parent
    texts = [path.read_text() for path in source.rglob("*.py")]
    used = {name for text in texts for name in words_of_needs(text)}
    # Those that are put together:
    used |= {f"a store in {database}" for database in ("SQLite", "PostgreSQL", "MongoDB")}
    assert used == {*FEATURES}


def test_the_documents_name_the_extras_that_the_messages_name() -> None:
    pages = "\n".join(path.read_text() for path in (ROOT / "docs/how-to").rglob("*.md"))
    for extras in ("mcp,tools", "openapi", "tools", "keyring", "zstd", "metrics", "otel", "ray"):
        assert f"pip install 'onehop[{extras}]'" in pages


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
