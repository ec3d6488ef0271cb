"""A snippet is called by code in each class of isolation, with the rights of its caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onehop import ExecutionResult, SandboxConfig, Tool, Tools, tool
from onehop.config import AuditConfig
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.types import Isolation

pytestmark = pytest.mark.asyncio(loop_scope="module")


@tool(effect="read")
def age(name: str) -> int:
    """Say how old somebody is."""
    return len(name)


@tool(effect="write")
def note(text: str) -> str:
    """Write something down."""
    return f"noted {text}"


TOOLS = Tools(age, crm=[note])
AGES = """
interface Person { name: string; years: number }
const people: Person[] = await Promise.all(
  context.names.map(async (name: string) => ({ name, years: await tools.age({ name }) })),
);
return people;
"""


@asynccontextmanager
async def server(
    folder: Path, isolation: Isolation = "process", tools: Tools = TOOLS, **more: Any
) -> AsyncIterator[Executor]:
    audit = AuditConfig(store=f"sqlite:///{folder / 'onehop.db'}", journal=str(folder / "journal"))
    config = SandboxConfig(pool_size=1, isolation=isolation)
    async with open_executor(config, audit=audit, tools=tools, **more) as executor:
        yield executor


async def saved(executor: Executor, name: str, code: str, **more: Any) -> None:
    """Run the code as the agent ``bot``, and save it."""
    language = more.pop("language", "javascript")
    context = more.pop("context", None)
    result = await executor.execute(
        code, language, context=context, agent_id="bot", request_id=f"of {name}"
    )
    assert result.success, result.error
    await executor.flush()
    await executor.snippets.save(name, f"of {name}", by="ann", agent_id="bot", **more)


ONE = pytest.mark.sample(1, over="executor")


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=[pytest.param("process", marks=ONE), pytest.param("realm", marks=ONE)],
)
async def executor(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Executor]:
    folder = tmp_path_factory.mktemp("snippets")
    async with server(folder, request.param) as opened:
        context = {"names": ["Ada"]}
        await saved(opened, "ages", AGES, language="typescript", context=context)
        await saved(opened, "noted", "return tools.crm.note({text: context.text})",
                    context={"text": "x"}, for_all=True)  # fmt: skip
        await saved(opened, "thrower", "if (context.deep > 0) null.field;\nreturn 1",
                    context={"deep": 0})  # fmt: skip
        await saved(opened, "outer", "return [await snippets.noted({text: context.a}), 2]",
                    context={"a": "b"})  # fmt: skip
        yield opened


async def bot(executor: Executor, code: str, **more: Any) -> ExecutionResult:
    return await executor.execute(code, agent_id="bot", **more)


async def value(executor: Executor, code: str, **more: Any) -> Any:
    result = await bot(executor, code, **more)
    assert result.success, result.error
    return result.output


async def test_it_gives_what_its_code_returns_for_the_input(executor: Executor) -> None:
    result = await bot(executor, 'return snippets.ages({names: ["Ada", "Grace"]})')
    assert result.output == [{"name": "Ada", "years": 3}, {"name": "Grace", "years": 5}]
    calls = [(call.tool, call.outcome) for call in result.tool_calls or ()]
    assert calls == [("$snippets.ages", "ok"), ("age", "ok"), ("age", "ok")]
    assert result.avoided is not None
    assert result.avoided.turns == 1  # the call of the snippet would have been none


async def test_it_works_in_typescript_and_among_others_at_once(executor: Executor) -> None:
    code = """
    const all: string[] = ["a", "bb", "ccc"];
    const found = await Promise.all(all.map((name) => snippets.ages({ names: [name] })));
    return found.flat().map((each: { years: number }) => each.years);
    """
    result = await executor.execute(code, "typescript", agent_id="bot")
    assert result.output == [1, 2, 3], result.error


async def test_a_snippet_may_call_another(executor: Executor) -> None:
    assert await value(executor, 'return snippets.outer({a: "z"})') == ["noted z", 2]


async def test_it_works_in_each_call_of_a_session(tmp_path: Path) -> None:
    async with server(tmp_path) as executor:
        await saved(executor, "ages", AGES, language="typescript", context={"names": ["Ada"]})
        first = await value(
            executor, 'var call = (n) => snippets.ages({names: [n]}); return call("A")', session="s"
        )
        second = await value(executor, 'return call("Bo")', session="s")
        assert (first[0]["years"], second[0]["years"]) == (1, 2)


async def test_it_has_the_input_as_context_and_the_caller_keeps_its_own(executor: Executor) -> None:
    code = 'await snippets.noted({text: "t"}); return context'
    assert await value(executor, code, context={"mine": 1}) == {"mine": 1}


async def test_input_that_does_not_fit_is_refused_before_anything_runs(executor: Executor) -> None:
    result = await bot(executor, "const a = 1;\nreturn await snippets.ages({names: 3})")
    assert result.error_info is not None
    assert result.error_info.name == "ToolError"
    assert result.error_info.line == 2
    assert "names" in result.error_info.message
    assert [call.tool for call in result.tool_calls or ()] == ["$snippets.ages"]
    for wrong in ('"text"', "[1]", "{}, {}", "() => 1"):
        code = f"return snippets.ages({wrong}).catch((e) => [e.code, e.tool])"
        assert await value(executor, code) == ["invalid_arguments", "$snippets.ages"]


async def test_an_error_in_it_stands_at_the_line_of_the_call(executor: Executor) -> None:
    result = await bot(executor, "const a = 1;\n\nreturn await snippets.thrower({deep: 1})")
    assert result.error_info is not None
    assert result.error_info.name == "TypeError"
    assert result.error_info.line == 3


async def test_a_name_that_is_not_there_names_what_is_close(executor: Executor) -> None:
    code = "return snippets.agess({}).catch((e) => [e.code, e.message, e.nearest])"
    assert await value(executor, code) == [
        "unknown_tool", "no snippet is called agess; did you mean ages?", ["ages"],
    ]  # fmt: skip


async def test_nobody_takes_the_object_for_a_promise_or_for_more(executor: Executor) -> None:
    code = """
    return [typeof snippets, await snippets === snippets, snippets.then, snippets.toJSON,
      snippets.__proto__, Object.keys(snippets), snippets.ages.name, Object.isFrozen(snippets.ages),
      Reflect.set(snippets, "x", 1), Reflect.setPrototypeOf(snippets, {}),
      await tools.$snippets.ages({names: []}).catch((e) => e.message)]
    """
    assert await value(executor, code) == [
        "object", True, None, None, None, [], "ages", True, False, False,
        "a snippet is not a tool: write snippets.ages(input)",
    ]  # fmt: skip


async def test_an_agent_calls_its_own_and_those_for_all_only(executor: Executor) -> None:
    code = """
    const mine = await snippets.ages({names: []}).catch((e) => e.code);
    return [mine, await snippets.noted({text: "x"})];
    """
    result = await executor.execute(code, agent_id="other")
    assert result.output == ["unknown_tool", "noted x"], result.error
    hits = await executor.execute('return tools.$search("ages noted")', agent_id="other")
    paths = [hit["path"] for hit in hits.output]
    assert "$snippets.noted" in paths
    assert "$snippets.ages" not in paths


async def test_it_has_no_more_rights_than_its_caller(executor: Executor) -> None:
    code = 'return snippets.noted({text: "x"}).catch((e) => [e.code, e.message])'
    granted = await bot(executor, code, tools=["age"])
    assert granted.output[0] == "denied"
    assert "crm.note, which is not granted here" in granted.output[1]
    denied = await bot(executor, code, rules={"deny": ["crm.note"]})
    assert denied.output[0] == "denied"
    assert "crm.note, which is denied here by a rule" in denied.output[1]
    partly = await bot(
        executor, code, rules={"deny": [{"tool": "crm.note", "when": 'text == "x"'}]}
    )
    assert partly.output[0] == "denied"
    assert "a rule denies crm.note" in partly.output[1]
    asked = await bot(executor, code, rules={"ask": ["*"]})
    assert asked.output[0] == "blocked"  # nobody can be asked here, and it was about the tool
    assert "crm.note" in asked.output[1]


async def test_its_calls_count_against_the_budget_of_the_run(executor: Executor) -> None:
    code = """
    let made = 0;
    try { for (;;) { await snippets.noted({text: "x"}); made++ } }
    catch (e) { return [made, e.code] }
    """
    assert await value(executor, code) == [100, "budget"]  # of 200, two for each


async def test_search_describe_and_list_find_it_and_none_of_them_is_a_call(
    executor: Executor,
) -> None:
    code = """
    return [await tools.$search("write something down", {limit: 4}),
      await tools.$describe("$snippets.noted"), await tools.$list(),
      await tools.$list("$snippets"), await tools.$describe("snippets.noted")]
    """
    result = await bot(executor, code)
    found, described, spaces, paths, again = result.output
    assert result.tool_calls is None
    paths_found = [hit["path"] for hit in await value(executor, 'return tools.$search("noted")')]
    assert "$snippets.noted" in paths_found
    assert found[0]["path"] == "crm.note"
    assert described["declarations"].startswith("declare const snippets: {")
    assert "noted(args: {text: string}): Promise<unknown>;" in described["declarations"]
    assert described["inputSchema"]["required"] == ["text"]
    assert (described["effect"], described["asks"]) == ("write", False)
    assert again == described
    assert {"namespace": "$snippets", "count": 4} in spaces
    assert paths == [f"$snippets.{name}" for name in ("ages", "noted", "outer", "thrower")]


async def test_the_check_of_types_knows_its_input(executor: Executor) -> None:
    code = "const found = await snippets.ages({names: 3});\nreturn found"
    result = await executor.execute(code, "typescript", agent_id="bot", typecheck="strict")
    assert result.error_info is not None
    assert result.error_info.type == "validation"
    assert result.error_info.line == 1
    fine = "const found = await snippets.ages({names: ['a']});\nreturn found"
    result = await executor.execute(fine, "typescript", agent_id="bot", typecheck="strict")
    assert result.success, result.error


async def test_the_description_says_what_may_be_called(executor: Executor) -> None:
    mine, others = await executor.view("bot"), await executor.view("other")
    assert "\nsnippets.ages(args: {names: string[]}): Promise<unknown>\n" in mine.offer
    assert "snippets.ages" not in others.offer
    assert "snippets.noted" in others.offer


async def test_hostile_globals_of_the_caller_harm_the_caller_alone(executor: Executor) -> None:
    code = """
    Promise.prototype.then = () => { throw new Error("mine") };
    Array.prototype[Symbol.iterator] = undefined;
    globalThis.context = "mine";
    const found = await snippets.noted({text: "x"}).catch((e) => e.name);
    return found;
    """
    result = await bot(executor, code)
    assert result.output == "noted x" or result.error_info is not None
    assert await value(executor, 'return snippets.noted({text: "y"})') == "noted y"


async def test_a_snippet_of_changed_or_missing_tools_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as executor:
        await saved(executor, "noted", "return tools.crm.note({text: context.text})",
                    context={"text": "x"})  # fmt: skip

    def other(text: str, to: str) -> str:
        return text + to

    call = 'return snippets.noted({text: "x"}).catch((e) => [e.code, e.message])'
    changed = Tools(age, crm=[Tool("note", other, "Another one.")])
    async with server(tmp_path, tools=changed) as executor:
        code, words = await value(executor, call)
        assert code == "unavailable"
        assert "with the tool crm.note, which was changed since; a person must look" in words
        (hit,) = [
            hit
            for hit in await value(executor, 'return tools.$search("noted")')
            if hit["path"] == "$snippets.noted"
        ]
        assert "was changed since" in hit["refused"]
        assert "snippets.noted" not in (await executor.view("bot")).offer
    async with server(tmp_path, tools=Tools(age)) as executor:
        code, words = await value(executor, call)
        assert code == "denied"
        assert "crm.note, which is not granted here, or is not there" in words


async def test_without_any_tool_a_snippet_that_needs_none_is_called(tmp_path: Path) -> None:
    async with server(tmp_path, tools=Tools()) as executor:
        assert await value(executor, "return snippets.sum({}).catch((e) => e.code)") == (
            "unknown_tool"
        )
        await saved(executor, "sum", "return context.a + context.b", context={"a": 1, "b": 2})
        assert await value(executor, "return snippets.sum({a: 20, b: 22})") == 42
        assert (await executor.execute("return 1", agent_id="bot")).tool_calls is None


async def test_a_new_version_and_a_removal_count_from_the_next_run_on(tmp_path: Path) -> None:
    async with server(tmp_path) as executor:
        call = "return snippets.one({}).catch((e) => e.code)"
        await saved(executor, "one", "return 1")
        assert await value(executor, call) == 1
        await executor.execute("return 2", agent_id="bot", request_id="second")
        await executor.flush()
        await executor.snippets.save("one", "second", by="ann", agent_id="bot", replace=True)
        assert await value(executor, call, request_id="with 2") == 2
        await executor.flush()
        record = await executor.store.get("with 2")
        assert record is not None
        (told,) = record.details["snippets"].values()
        assert (told["name"], told["version"]) == ("one", 2)
        await executor.snippets.remove("one")
        assert await value(executor, call) == "unknown_tool"
