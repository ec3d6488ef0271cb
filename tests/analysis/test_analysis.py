"""Texts of agents are parsed in jailed processes: no text ends or stalls the host."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from onehop import Executor, Sandbox, SandboxConfig
from onehop.config import ValidationConfig
from onehop.types import Language, ValidationReport
from onehop.validation import Validator
from tests.analysis.rules import FORGERIES
from tests.analysis.shapes import SHAPES
from tests.processes import descendants
from tests.users import User, run_as

LANGUAGES: list[Language] = ["javascript", "typescript"]
DEEP = "{a:" * 100_000
"""Ends a parser that recurses in C."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def executor(sandbox: Sandbox) -> AsyncIterator[Executor]:
    async with Executor(sandbox) as opened:
        yield opened


def named(rule: str) -> Validator:
    return Validator(ValidationConfig(rules=(f"tests.analysis.rules:{rule}",)))


def found(report: ValidationReport, rule: str) -> list[str]:
    return [each.message for each in report.issues if each.pattern == rule]


# --- no text is too much for the host ---


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_text_that_ends_a_parser_has_a_result_at_every_entry(
    executor: Executor, sandbox: Sandbox, language: Language
) -> None:
    validated = Validator().validate(DEEP, language)
    assert [each.pattern for each in validated.issues] == ["too_complex"]
    for run in (executor, sandbox):
        result = await run.execute(DEEP, language)
        assert result.error_info is not None
        assert result.error_info.type in ("runtime", "resource_limit")
    assert (await executor.execute("return 1")).output == 1


@pytest.mark.parametrize(
    ("shapes", "size"),
    [
        (SHAPES[::16], 300_000),
        pytest.param(SHAPES[1::5], 2_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)]),
    ],
)
async def test_no_shape_ends_the_host_or_costs_it_much(
    executor: Executor, shapes: tuple[str, ...], size: int
) -> None:
    before = time.process_time()
    for shape in shapes:
        await executor.execute((shape * size)[:size], LANGUAGES[len(shape) % 2], timeout=100)
    assert time.process_time() - before < size / 1.5e6 * len(shapes)
    assert (await executor.execute("return 1")).output == 1


async def test_a_text_that_is_slow_to_examine_holds_up_its_own_agent_only(
    sandbox: Sandbox,
) -> None:
    async with Executor(sandbox, named("slow")) as executor:
        await executor.execute("return 0", agent_id="quick")
        slow = asyncio.create_task(executor.execute("return 'slow'", agent_id="slow"))
        await asyncio.sleep(0.2)
        assert (await executor.execute("return 1", agent_id="quick")).output == 1
        assert not slow.done()
        assert (await slow).output == "slow"


def long_program(number: int) -> str:
    """About 90 KB that need a repair; its value is one more than ``number``."""
    guarded = "if (context.a > 1) { console.log([context.a, `t${1}`]); }\n" * 700
    helpers = (
        f"function f{i}(a, b) {{ return [a * {i}, b + 'x'].map((v) => v + 1); }}\n"
        for i in range(700)
    )
    return f"```js\n{guarded}{''.join(helpers)}f1({number}, 2)[0]\n```"


async def test_how_busy_the_machine_is_decides_no_value(sandbox: Sandbox) -> None:
    async with Executor(sandbox) as executor:
        calls = (executor.execute(long_program(n), agent_id=f"agent {n}") for n in range(24))
        results = await asyncio.gather(*calls)
    assert [result.output for result in results] == [n + 1 for n in range(24)]


# --- what a parser that was taken over can do ---


def test_an_analysis_process_can_do_nothing_but_compute() -> None:
    assert found(named("attempts").validate("return 1"), "attempts") == []


def test_an_analysis_process_holds_two_descriptors() -> None:
    assert found(named("descriptors").validate("return 1"), "descriptors") == ["0", "1"]


def test_an_analysis_process_collects_its_garbage() -> None:
    assert found(named("collector").validate("return 1"), "collector") == ["True"]


@pytest.mark.sample(3)
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_answer_is_no_verdict(sandbox: Sandbox, forgery: str) -> None:
    async with Executor(sandbox, named("forge")) as executor:
        result = await executor.execute(f"return 1 //{forgery}", agent_id="forger")
        assert [each.pattern for each in result.findings or ()] == ["too_complex"]
        assert (await executor.execute("return 2", agent_id="forger")).output == 2


# --- whose process it is ---


async def test_each_agent_has_a_process_of_its_own_and_keeps_it(sandbox: Sandbox) -> None:
    async with Executor(sandbox, named("who")) as executor:
        await executor.execute("return 0", agent_id="bob")
        seen: list[str] = []
        for agent in ("ada", "bob", "ada"):
            result = await executor.execute(f"return {len(seen)}", agent_id=agent)
            seen += [each.message for each in result.findings or () if each.pattern == "who"]
    assert seen[0] == seen[2] != seen[1]


async def test_a_verdict_of_one_agent_is_not_given_to_another(sandbox: Sandbox) -> None:
    async with Executor(sandbox, named("who")) as executor:
        results = [await executor.execute("return 'same'", agent_id=name) for name in "ab"]
    first, second = (result.findings for result in results)
    assert first != second


async def test_no_more_processes_are_kept_than_stated(sandbox: Sandbox) -> None:
    async with Executor(sandbox) as executor:
        for number in range(24):
            await executor.execute("return 1", agent_id=f"agent {number}")
        assert len(analysts(os.getpid())) <= 1 + 16


async def test_a_process_that_was_killed_is_replaced(sandbox: Sandbox) -> None:
    async with Executor(sandbox) as executor:
        for _ in range(3):
            assert (await executor.execute("6 * 7", agent_id="killed")).output == 42
            for pid in analysts(os.getpid()):
                os.kill(pid, signal.SIGKILL)


def analysts(root: int) -> list[int]:
    return [pid for pid in descendants(root) if b"onehop.examiner" in command(pid)]


def command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


# --- the end ---


async def test_closing_the_sandbox_ends_every_process() -> None:
    before = set(analysts(os.getpid()))
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox, Executor(sandbox) as executor:
        await executor.execute("1 + 1", agent_id="a")
        await executor.execute("1 + 1", agent_id="b")
        assert len(analysts(os.getpid())) == len(before) + 3
    assert set(analysts(os.getpid())) <= before


HOST = """
import asyncio, os, time
from onehop import Executor, Sandbox, SandboxConfig
async def main():
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox, Executor(sandbox) as executor:
        print((await executor.execute("6 * 7", agent_id="a")).output, flush=True)
        FORK
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.sample(1)
@pytest.mark.parametrize("fork", ["", "if os.fork() == 0: time.sleep(15); os._exit(0)"])
def test_the_end_of_the_host_is_the_end_of_its_analysis_processes(fork: str) -> None:
    """Also where a copy of the host by fork holds its descriptors."""
    program = HOST.replace("FORK", fork)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"42\n"
        processes = analysts(host.pid)
        assert len(processes) == 2
        host.kill()
    deadline = time.monotonic() + 10
    while any(map(command, processes)):
        assert time.monotonic() < deadline, "analysis processes outlive their host"
        time.sleep(0.02)


def test_any_user_can_have_texts_parsed(user: User) -> None:
    program = "from onehop import validate_code; print(validate_code('eval(String(1))').safe)"
    assert run_as(user, "-c", program).stdout == "False\n"


PARSES = """
import asyncio, sys
from onehop import Executor, Sandbox, SandboxConfig, Validator
PROGRAMS = sys.argv[1:]
async def main():
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox, Executor(sandbox) as executor:
        for code in PROGRAMS:
            for language in ("javascript", "typescript"):
                await executor.execute(code, language)
                await sandbox.execute(code, language)
asyncio.run(main())
validator = Validator()
for code in PROGRAMS:
    validator.validate(code)
print([name for name in sys.modules if name.startswith("tree_sitter")])
"""
PROGRAMS = (
    "6 * 7",
    "null.x",
    "return (",
    "<a>b</a>",
    "import x from 'y'; return x",
    "interface A {} async function main(a: A) { return 1 }",
    "const a: number = (",
    "```js\nreturn 1\n```",
    "export const a = 1",
    "enum E { A } throw E.A",
    "eval('1')",
    "x => await x",
    "def f(): pass",
)


def test_the_host_never_loads_a_parser() -> None:
    assert run_as("whoever runs the tests", "-c", PARSES, *PROGRAMS).stdout == "[]\n"
