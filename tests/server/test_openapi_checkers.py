"""Programs that others wrote find nothing wrong with the OpenAPI document, and clients that they
make of it make every call."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.served import PATIENCE, Served

CHECKERS = Path(sys.prefix) / "openapi-checkers"
GENERATED = Path(__file__).parent / "generated"
MISSING = "checkers of OpenAPI documents are not installed: scripts/openapi-checkers"
QUESTIONS = {
    "resources": "ResourceUse",
    "code-lengths": "CodeLengths",
    "repeated-code": "RepeatedCodes",
    "slowest": "Slowest",
    "security": "SecurityProfile",
    "tools": "ToolUse",
    "agents": "AgentCounts",
    "timeline": "Timeline",
    "failure-causes": "FailureCauses",
    "pauses": "PauseStats",
}
UNASKED = {"decide", "replay"}
"""Nothing waits here that they could decide about, and no run is kept to be made again."""
TYPESCRIPT = {
    "strict": True,
    "target": "es2022",
    "module": "nodenext",
    "lib": ["es2022", "dom", "dom.iterable"],
    "types": [],
}


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if not (CHECKERS / "installed").exists():
        pytest.skip(MISSING)


@pytest.fixture(scope="module")
def document(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document of a server, as a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(httpx2.get(f"{served.url}/openapi.json", timeout=PATIENCE).content)
    return path


def checked(folder: Path, program: str, *arguments: str, **environment: str) -> str:
    """What a program prints; it must be content."""
    programs = CHECKERS / "node_modules" / ".bin"
    python = CHECKERS / "python" / "bin"
    path = os.pathsep.join([str(programs), str(python), os.environ["PATH"]])
    found = shutil.which(program, path=path)
    assert found is not None, program
    done = subprocess.run(
        [found, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "HOME": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def operations(document: Path) -> set[str]:
    """The names of all calls."""
    paths: dict[str, Any] = json.loads(document.read_text())["paths"]
    return {call["operationId"] for calls in paths.values() for call in calls.values()}


@pytest.mark.thorough
def test_spectral_finds_no_error(document: Path) -> None:
    (document.parent / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    checked(document.parent, "spectral", "lint", "--fail-severity", "error", document.name)


@pytest.mark.thorough
def test_redocly_finds_no_error(document: Path) -> None:
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    checked(document.parent, "redocly", "lint", document.name, **quiet)


@pytest.mark.thorough
def test_a_generated_python_client_makes_every_call(
    served: Served, admin: httpx2.Client, document: Path
) -> None:
    folder = document.parent
    (folder / "generator.yaml").write_text("post_hooks: []\n")
    words = ("--path", str(document), "--output-path", "made", "--meta", "none")
    printed = checked(
        folder, "openapi-python-client", "generate", *words, "--config", "generator.yaml"
    )
    assert "warning" not in printed.lower(), printed
    shutil.copy(GENERATED / "calls.py", folder)
    key = admin.headers["authorization"].split()[1]
    told = checked(folder, str(CHECKERS / "python/bin/python"), "calls.py", served.url, key)
    lines = [line.split() for line in told.splitlines()]
    assert {line[-3] for line in lines} == operations(document) - UNASKED
    assert {line[0]: line[-1] for line in lines if len(line) == 4} == QUESTIONS
    assert all(line[-2] in ("200", "201", "204") for line in lines), told
    silent = {line[-3] for line in lines if line[-1] == "NoneType"}
    assert silent <= {"execution_stream", "revoke_agent", "answer_call"}


@pytest.mark.thorough
def test_generated_types_fit_every_call(
    served: Served, admin: httpx2.Client, document: Path
) -> None:
    folder = document.parent
    checked(folder, "openapi-typescript", document.name, "--output", "schema.ts")
    shutil.copy(GENERATED / "calls.ts", folder)
    (folder / "node_modules").symlink_to(CHECKERS / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": TYPESCRIPT}))
    checked(folder, "tsc", "--project", "tsconfig.json")
    key = admin.headers["authorization"].split()[1]
    told = checked(folder, "node", "calls.js", served.url, key)
    names = {line.split()[0] for line in told.splitlines()}
    questions = {"tool-use", *QUESTIONS} - {"tools"}
    assert names - questions == operations(document) - {"question"} - UNASKED
    assert questions < names


def test_each_field_that_is_asked_for_has_an_example_and_words(document: Path) -> None:
    found = json.loads(document.read_text())
    schemas = found["components"]["schemas"]
    fields = [
        (f"{name}.{field}", schema)
        for name in (
            "ExecuteBody",
            "ValidateBody",
            "AddAgentBody",
            "AgentLimits",
            "HandedTools",
            "HandedTool",
            "ToolAnswer",
            "ToolFailure",
        )
        for field, schema in schemas[name]["properties"].items()
    ]
    for path, calls in found["paths"].items():
        for call in calls.values():
            asked = call.get("parameters", ())
            fields += [(f"{path} {one['name']}", {**one["schema"], **one}) for one in asked]
            if "requestBody" in call:
                assert call["requestBody"]["content"]["application/json"]["example"]
    for name, schema in fields:
        assert schema.get("description"), name
        assert schema.get("examples"), name
