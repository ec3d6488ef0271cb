"""The documents say what is so: their snippets, tables, links and numbers are tried."""

from __future__ import annotations

import asyncio
import functools
import html
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import onehop.errors
from onehop import ExecutionResult, Sandbox, SandboxConfig
from onehop.config import SECTIONS
from tests import copies
from tests.copies import ONEHOP
from tests.users import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md")])
SNIPPET_PAGES = (
    "README.md",
    "docs/how-to/embed-the-library.md",
    "docs/how-to/keep-secrets-out.md",
    "docs/how-to/python-tools.md",
    "docs/how-to/rules-for-tools.md",
    "docs/how-to/verify-the-trail.md",
    "docs/how-to/write-a-rule.md",
    "docs/reference/validation.md",
    "docs/reference/values.md",
)
MADE = {
    "docs/contributing/map.md": "_map",
    "docs/reference/cli.md": "_commands",
    "docs/reference/configuration.md": "_configuration",
    "docs/reference/metrics.md": "_metrics",
    "deploy/grafana/onehop.json": "_grafana",
    "docs/reference/openapi.md": "_openapi",
    "docs/reference/validation.md": "_rules",
}
"""The pages that scripts/docs writes, and what writes each."""
TOGETHER = """
import contextlib, io, json, runpy, sys

names, found = sys.argv[1:], {}
sys.argv[1:] = []
for name in names:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(f"scripts/{name}.py", run_name="__main__")
    found[name] = printed.getvalue()
print(json.dumps(found))
"""
BLOCKS = re.MULTILINE | re.DOTALL
SNIPPET = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```(?:text|json)\n(?P<output>.*?)^```$)?", BLOCKS
)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", BLOCKS)
FENCED = re.compile(r"^```.*?^```$", BLOCKS)
NAMED_PATH = re.compile(
    r"`((?:src|tests|docs|scripts|examples|benchmarks|deploy|\.ci)/[\w./-]+"
    r"|(?!lib/)[\w-]+/[\w./-]+\.(?:py|js|md|ts)"
    r"|Dockerfile|compose\.yaml|pyproject\.toml)(?:[ :][^`]*)?`"
)
"""A path in backticks: from the root, or from src/onehop. lib/ is in npm's package."""
MEASURED = re.compile(r'("(?:time|executionTime|memory|cpuTime)": )[\d.]+')
SETTINGS = ("setting", "environment", "default", "allowed", "meaning")
NEEDS_SHELL = re.compile(r"[|&;<>()$`\\*?\[\]#~%{}!\n]")
"""Outside of single quotes."""
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "src"), "ONEHOP_POOL_SIZE": "1"}
EXAMPLES = {
    "agent_test.py": "the agent passed, in 2 runs of nothing\n",
    "mcp_client.py": "  line 1:  3 of 4 requests were slow\n",
    "one_liner.py": "[2, 5]\n",
    "five.py": '  output:  ["Ada", "Grace", "Edsger"]\n',
    "audited.py": "2 of 4 succeeded\n4 records, 0 problems in the chain\n",
    "errors.py": "an endless loop → timeout: TimeoutError: ",
    "large_output.py": "characters 40000 to 48891 of 48891\n",
    "pattern_calculation.py": "B saves 570.52\n",
    "pattern_decision.py": "refund 204 (silver)\n",
    "pattern_loop.py": "2 of 8 sensors raise an alarm\n",
    "pattern_transform.py": "FR: 265\nUS: 213\nDE: 177\n",
    "openapi.py": "{'item': 'chair', 'count': 4}, {'item': 'table', 'count': 0}",
    "mcp_servers.py": "Asia/Tokyo 21:00",
    "session.py": "large.csv ['b,20', 'c,30']\ndeclared anew: 3\nstored: ['b', 'c']\n",
    "tools.py": "order 3: sent 400 cents\norder 4: failed: nobody is called bob\n",
    "rewards.py": "  reward 1.00\n  reward 0.67\n  reward 0.00  (TimeoutError",
    "served.py": "  6 x code:execution:completed\n",
}


def python(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """What a new Python prints."""
    return shell([sys.executable, *map(str, arguments)], cwd)


def shell(command: list[str], cwd: Path, path: str = os.environ["PATH"]) -> str:
    """What ``command`` prints on both streams; it must succeed."""
    done = copies.run(
        command,
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout
    printed: str = done.stdout
    return printed


def shell_words(line: str) -> list[str]:
    """What starts the command of a line of a terminal. Only what needs a shell gets one: ``onehop``
    by itself can be a copy."""
    program, *words = shlex.split(line)
    if program == "onehop" and not NEEDS_SHELL.search(re.sub(r"'[^']*'", "", line)):
        return [*ONEHOP, *words]
    return ["/bin/sh", "-c", line]


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


# --- snippets ---


def snippets() -> Iterator[Any]:
    for page in SNIPPET_PAGES:
        for number, found in enumerate(SNIPPET.finditer(read(page)), 1):
            yield pytest.param(found, id=f"{page}-{number}")


@pytest.mark.sample(2)
@pytest.mark.parametrize("snippet", list(snippets()))
def test_a_snippet_runs_and_prints_what_the_page_shows(
    snippet: re.Match[str], tmp_path: Path
) -> None:
    assert snippet["output"] is not None, "the page does not show what the snippet prints"
    (tmp_path / "snippet.py").write_text(snippet["code"], "utf-8")
    printed = python("snippet.py", cwd=tmp_path)
    assert stable(printed) == stable(snippet["output"])


def stable(text: str) -> str:
    """The text without what differs from run to run and from machine to machine."""
    return MEASURED.sub(r"\g<1>0", text).replace('    "namespaces",\n', "")


MANY_COMMANDS = pytest.param("docs/how-to/use-the-command-line.md", marks=pytest.mark.thorough)


@pytest.mark.parametrize("page", ["README.md", MANY_COMMANDS])
def test_the_commands_of_a_page_print_what_it_shows(page: str, tmp_path: Path) -> None:
    command = tmp_path / "bin" / "onehop"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m onehop "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    for block in CONSOLE.findall(read(page)):
        for line, expected in commands(block):
            assert shell(shell_words(line), tmp_path, path) == expected, line


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a block of a terminal, with what it printed."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        yield line, output


# --- tables of runs ---


def rows(page: str, *head: str) -> list[list[str]]:
    """The rows of the tables with these columns, without the marks of code."""
    found = []
    inside = False
    for line in read(page).splitlines():
        cells = [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if inside and cells:
            found.append(cells)
        inside = bool(cells) and (inside or cells == list(head))
    table = [row for row in found if set(row[0]) != {"-"}]
    assert table, f"{page} has no table of {head}"
    return table


async def results(codes: list[str], config: SandboxConfig) -> list[ExecutionResult]:
    async with Sandbox(config) as sandbox:
        return await asyncio.gather(*map(sandbox.execute, codes))


def matches(shown: Any, seen: Any) -> bool:
    """Whether ``seen`` is what a page shows, where ``…`` stands for anything."""
    pattern = ".*".join(map(re.escape, str(shown).split("…")))
    return re.fullmatch(pattern, str(seen), re.DOTALL) is not None


@pytest.mark.parametrize("column", ["output", "warnings", "logs"])
async def test_values_and_console_come_back_as_the_page_shows(column: str) -> None:
    table = rows("docs/reference/values.md", "code", column)
    runs = await results([code for code, _ in table], SandboxConfig(pool_size=2, max_concurrency=4))
    for (code, shown), run in zip(table, runs, strict=True):
        assert run.success, (code, run.error)
        seen = json.dumps(getattr(run, column), ensure_ascii=False)
        assert matches(shown, seen), (code, seen)


async def test_errors_come_back_as_the_page_shows() -> None:
    table = rows("docs/reference/errors.md", "code", "type", "error")
    config = SandboxConfig(timeout=2000, memory_limit=64, pool_size=2, max_concurrency=2)
    runs = await results([code for code, *_ in table], config)
    for (code, kind, error), run in zip(table, runs, strict=True):
        assert run.error_info is not None, code
        assert run.error_info.type == kind, (code, run.error)
        assert matches(error, run.error), (code, run.error)


# --- examples, links, settings ---


def test_every_example_is_tested() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str) -> None:
    assert EXAMPLES[name] in example(name)


@functools.cache
def example(name: str) -> str:
    return python(f"examples/{name}")


def test_the_demo_prints_what_the_picture_of_the_readme_shows() -> None:
    printed = without_numbers(example("served.py"))
    command, *lines = without_numbers(seen(read("docs/_static/demo.svg"))).splitlines()
    assert (command, lines.pop()) == ("$ scripts/demo", "…")
    assert len(lines) > 20
    assert printed.startswith("\n".join(lines))


def seen(picture: str) -> str:
    """The lines of a terminal in a picture that rich made."""
    parts = re.findall(r'<text class="demo-r\d+" x="[\d.]+" y="([\d.]+)"[^>]*>([^<]*)', picture)
    rows: dict[float, str] = {}
    for height, text in parts:
        rows[float(height)] = rows.get(float(height), "") + html.unescape(text)
    return "".join(rows[height] for height in sorted(rows)).replace("\xa0", " ")


def without_numbers(text: str) -> str:
    """The text without what is measured, and what differs from one server to the next."""
    return re.sub(r"oh_\w+|localhost:\d+|\d+\.\d+ (?=ms|MB)", "#", text)


def test_relative_links_lead_somewhere() -> None:
    links = [(page, target) for page in PAGES for target in relative_links(page)]
    assert len(links) > 200
    assert [(str(page), target) for page, target in links if not leads(page, target)] == []


def relative_links(page: Path) -> list[str]:
    text = FENCED.sub("", page.read_text("utf-8"))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]


def leads(page: Path, target: str) -> bool:
    """Whether there is such a file, with such a title."""
    path, _, anchor = target.partition("#")
    linked = page.parent / path if path else page
    return linked.exists() and (not anchor or anchor in anchors(linked))


@functools.cache
def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_paths_that_a_document_names_exist() -> None:
    named = [
        (page, name)
        for page in PAGES
        for name in NAMED_PATH.findall(FENCED.sub("", page.read_text("utf-8")))
    ]
    assert len(named) > 200
    assert [(str(page), name) for page, name in named if not is_there(page, name)] == []


def is_there(page: Path, name: str) -> bool:
    places = [ROOT / name, ROOT / "src/onehop" / name, page.parent / name]
    return any(place.exists() for place in places)


@pytest.mark.parametrize("page", MADE)
def test_a_page_that_is_made_from_the_source_is_current(page: str) -> None:
    alone = MADE[page] == "_configuration"  # it sets what others read when they are imported
    written = python(f"scripts/{MADE[page]}.py") if alone else written_together()[MADE[page]]
    assert written == read(page), "run scripts/docs"


@functools.cache
def written_together() -> dict[str, str]:
    """What the scripts print; one Python imports for all of them."""
    names = sorted({*MADE.values()} - {"_configuration"})
    found: dict[str, str] = json.loads(python("-c", TOGETHER, *names))
    return found


def test_every_setting_is_documented_with_its_default_and_what_lies_beyond_it() -> None:
    page = "docs/reference/configuration.md"
    defaults = {row[0]: row[2] for row in rows(page, *SETTINGS)}
    assert set(defaults) == {name for section in SECTIONS for name in section.model_fields}
    for what, setting, default, _ in rows(page, "what", "setting", "default", "beyond it"):
        if setting:
            assert defaults[setting] == default, what


def test_the_page_of_the_library_has_every_public_name() -> None:
    page = read("docs/reference/library.md")
    errors = vars(onehop.errors)
    missing = {name for name in onehop.__all__ if not re.search(rf"\b{name}\b", page)}
    assert {name for name in missing if name not in errors} == set()
