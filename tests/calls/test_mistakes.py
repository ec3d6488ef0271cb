"""Mistakes that a program makes with tools are told, with what to write instead."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from onehop import ConfigError, Sandbox, ToolError, ToolLimits, Tools, tool

pytestmark = pytest.mark.asyncio(loop_scope="module")


@tool(effect="read")
def find(name: str = "Ada") -> dict[str, str]:
    """Find somebody."""
    return {"name": name}


@tool(effect="read")
async def people() -> list[str]:
    """Everybody."""
    await asyncio.sleep(0.01)
    return ["Ada", "Bob"]


@tool(effect="read")
def serial() -> dict[str, int]:
    """A long number."""
    return {"id": 2**60 + 1, "small": 1}


@tool(effect="read")
def hidden() -> int:
    """Nobody may."""
    return 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    tools = Tools(find, serial, hidden, crm=[people, find])
    async with Sandbox(tools=tools, rules={"deny": ["hidden"]}) as opened:
        yield opened


def at_run_time(told: list[str]) -> list[str]:
    """What the run itself has seen; the check before it may have warned of the same."""
    return [each for each in told if "from the promise of" in each or "was made JSON" in each]


async def warnings(sandbox: Sandbox, code: str, language: str = "javascript") -> list[str]:
    result = await sandbox.execute(code, language)
    assert result.success, result.error
    return result.warnings or []


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("const r = tools.find({});\nreturn r.name", "line 2: `.name` was read from the promise"),
        (
            "const r = tools.crm.people(); return r.length",
            "write (await tools.crm.people(…)).length",
        ),
        ("const r = tools.crm.people(); return r[0]", 'write (await tools.crm.people(…))["0"]'),
        ("const {name} = tools.find(); return name", "line 1: `.name` was read"),
        ("return (tools.$list()).length", "write (await tools.$list(…)).length"),
        ("return JSON.stringify([tools.find()])", "was made JSON, not its answer"),
    ],
)
async def test_an_answer_that_was_not_awaited_is_told_with_its_line(
    sandbox: Sandbox, code: str, words: str
) -> None:
    told = at_run_time(await warnings(sandbox, code))
    assert len(told) == 1
    assert words in told[0]


async def test_in_typescript_the_line_is_that_of_the_source(sandbox: Sandbox) -> None:
    code = "interface A { name: string }\n\nconst r: any = tools.find({});\nreturn r.name"
    assert at_run_time(await warnings(sandbox, code, "typescript"))[0].startswith("line 4: ")


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "code",
    [
        "return tools.find({})",
        "return (await tools.find()).name",
        "return await tools.find().then((found) => found.name).catch(() => 0).finally(() => 0)",
        "return await Promise.all([tools.find(), tools.crm.people()])",
        "return await Promise.resolve(tools.find())",
        "const p = tools.find(); await p; return [p instanceof Promise, `${p}`, 'x' in p]",
        "const p = tools.find(); p.mine = 1; await p; return p.mine + p[Symbol.iterator]",
        "console.log(tools.find()); await tools.find()",
        "async function f() { return tools.find() } return (await f()).name",
        "const p = tools.find(); return [await p, Object.keys(p), p.constructor === Promise]",
        "for await (const each of [tools.find(), tools.find()]) each.name",
    ],
)
async def test_honest_code_hears_nothing_and_gets_what_it_always_got(
    sandbox: Sandbox, code: str
) -> None:
    assert at_run_time(await warnings(sandbox, code)) == []


async def test_the_same_mistake_is_told_once(sandbox: Sandbox) -> None:
    code = "let n = 0; for (let i = 0; i < 20; i++) { const p = tools.find(); n += p.name ? 1 : 0 }"
    told = at_run_time(await warnings(sandbox, f"{code} return n"))
    assert len(told) == 1


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("return find({})", "await tools.find({…}) or await tools.crm.find({…})"),
        ("return await people()", "await tools.crm.people({…})"),
        ("return await crm.people()", "tools.crm"),
    ],
)
async def test_a_tool_that_is_called_like_a_function_has_a_hint(
    sandbox: Sandbox, code: str, words: str
) -> None:
    result = await sandbox.execute(code)
    assert result.error is not None
    assert result.error_info is not None
    assert f"the code calls tools by `tools`: {words}" in result.error
    assert words in result.error_info.message


@pytest.mark.sample(1)
@pytest.mark.parametrize("code", ["return hidden()", "return nothing()", "null.find"])
async def test_other_errors_have_no_such_hint(sandbox: Sandbox, code: str) -> None:
    result = await sandbox.execute(code)
    assert "the code calls tools by" not in (result.error or "")


@pytest.mark.sample(1)
@pytest.mark.parametrize("code", ["{name: 3}", "{nam: 'x'}"])
async def test_an_error_of_arguments_names_the_tool(sandbox: Sandbox, code: str) -> None:
    hidden = f"const wrong = JSON.parse(JSON.stringify({code})); return tools.crm.find(wrong)"
    result = await sandbox.execute(hidden)
    assert "ToolError: crm.find: nam" in (result.error or "")
    result = await sandbox.execute(f"return tools.crm.find({code})")  # seen before it runs
    assert "tools.crm.find: nam" in (result.error or "")


async def test_an_integer_that_came_as_text_is_told(sandbox: Sandbox) -> None:
    result = await sandbox.execute("return [await tools.serial(), await tools.serial()]")
    assert result.output[0] == {"id": str(2**60 + 1), "small": 1}
    told = [each for each in result.warnings or () if "2^53" in each]
    assert len(told) == 1
    assert told[0].startswith("serial answered an integer beyond 2^53 at id: it came as text")


@pytest.mark.parametrize("given", [{"find": find}, "find", 3, [3], [{"name": "find"}]])
async def test_what_is_not_tools_is_answered_with_what_is(given: object) -> None:
    with pytest.raises(ConfigError, match=r"a Tool, |functions and Tool objects"):
        Sandbox(tools=given)  # type: ignore[arg-type]


async def test_functions_of_one_agent_that_hang_leave_other_agents_theirs() -> None:
    release = threading.Event()

    @tool(effect="read")
    def hang() -> int:
        release.wait(60)
        return 1

    @tool(effect="read")
    def quick() -> int:
        return 2

    limits = ToolLimits(timeout=1500)
    async with Sandbox(tools=[hang, quick], tool_limits=limits) as sandbox:
        code = (
            "return (await Promise.allSettled(Array.from({length: 40}, () => tools.hang()))).length"
        )
        held = asyncio.ensure_future(sandbox.execute(code, agent_id="eve", timeout=20_000))
        try:
            began = time.monotonic()
            result = await sandbox.execute("return await tools.quick()", agent_id="ada")
            assert result.output == 2
            await held
            assert time.monotonic() - began < 20
            with pytest.raises(ToolError, match="do not end"):
                await sandbox.call_tool("quick", agent_id="eve")
            assert await sandbox.call_tool("quick", agent_id="ada") == 2
        finally:
            release.set()


async def test_code_that_swallows_the_errors_of_tools_that_it_was_not_granted_is_warned_of() -> (
    None
):
    code = "const [one] = await Promise.allSettled([tools.find({})]); return one.status"
    async with Sandbox() as bare:
        result = await bare.execute(code)
        assert (result.output, result.warnings) == (
            "rejected",
            ["no tools are granted to this code, and it tried to call one"],
        )
        assert (await bare.execute("return 1")).warnings is None
