"""The code calls the host's tools: values, errors, order, limits and what is kept of a call."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

import onehop
from onehop import (
    ExecutionResult,
    Rule,
    Sandbox,
    SandboxConfig,
    Tool,
    ToolContext,
    ToolError,
    ToolFailed,
    ToolLimits,
    Tools,
    tool,
)
from tests.isolation import isolation  # noqa: F401 - both classes
from tests.waiting import soon

ANYTHING = {"type": "object"}


@tool(effect="read")
def add(a: int, b: int = 1) -> int:
    """The sum of two numbers."""
    return a + b


@tool(effect="read")
async def sleep(ms: float) -> str:
    """Wait."""
    await asyncio.sleep(ms / 1000)
    return "slept"


@tool(effect="read")
def repeat(text: str, times: int) -> str:
    """A long text."""
    return text * times


@tool(effect="read")
def fail(message: str) -> None:
    """Raise what reaches the code."""
    raise ToolFailed(message)


@tool(effect="read")
def crash() -> None:
    """Raise what does not."""
    raise ZeroDivisionError("the password is hunter2")


@tool(effect="read")
def leave() -> None:
    """Try to end the host."""
    raise SystemExit(3)


@tool(effect="read")
def odd() -> object:
    """Return what is not JSON."""
    return {"a": [object()]}


@tool(effect="read")
async def who(context: ToolContext) -> list[str]:
    """Who calls."""
    return [context.agent_id, context.tool]


TOOLS = Tools(add, sleep, repeat, fail, crash, leave, odd, who, crm=[add])


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(pool_size=2), tools=TOOLS) as opened:
        yield opened


async def run(sandbox: Sandbox, code: str, **options: Any) -> ExecutionResult:
    result = await sandbox.execute(code, **options)
    assert result.success, result.error
    return result


async def caught(sandbox: Sandbox, call: str, **options: Any) -> dict[str, Any]:
    """The fields of the error that a call throws."""
    code = f"try {{ return await {call} }} catch (error) {{ return {{...error}} }}"
    output = (await run(sandbox, code, **options)).output
    assert isinstance(output, dict), output
    return output


# --- a call ---


async def test_a_tool_is_called_and_its_value_comes_back(sandbox: Sandbox) -> None:
    result = await run(
        sandbox, "return await tools.add({a: 40, b: 2}) + await tools.crm.add({a: 1})"
    )
    assert result.output == 44


async def test_typescript_calls_tools_too(sandbox: Sandbox) -> None:
    code = "const sum: number = await tools.add({a: 1} as {a: number}); return sum"
    assert (await run(sandbox, code, language="typescript")).output == 2


def test_one_run_without_a_sandbox_has_tools_and_rules_too() -> None:
    code = "return [await tools.add({a: 1}), await tools.crm.add({a: 1}).catch(e => e.code)]"
    assert onehop.run(code, tools=TOOLS, rules={"deny": ["crm.*"]}).output == [2, "denied"]


async def test_calls_at_the_same_time_run_at_the_same_time(sandbox: Sandbox) -> None:
    code = "return await Promise.all(Array.from({length: 50}, () => tools.sleep({ms: 300})))"
    result = await run(sandbox, code)
    assert result.output == ["slept"] * 50
    assert result.execution_time < 50 * 300 / 2


async def test_a_large_answer_arrives_whole(sandbox: Sandbox) -> None:
    code = (
        "const text = await tools.repeat({text: 'aé', times: 1_000_000});"
        "return [text.length, text.at(-1)]"
    )
    assert (await run(sandbox, code)).output == [2_000_000, "é"]


async def test_the_console_goes_on_while_a_tool_is_awaited(sandbox: Sandbox) -> None:
    code = (
        "const call = tools.sleep({ms: 200}); console.log('meanwhile');"
        "await call; console.log('after')"
    )
    result = await run(sandbox, code)
    times = [entry.time for entry in result.log_entries]
    assert times[1] - times[0] >= 150


async def test_a_timer_runs_while_a_tool_is_awaited(sandbox: Sandbox) -> None:
    code = (
        "const ticks = []; const timer = setInterval(() => ticks.push(1), 10);"
        "await tools.sleep({ms: 300}); clearInterval(timer); return ticks.length"
    )
    assert (await run(sandbox, code)).output > 5


async def test_a_tool_learns_who_calls(sandbox: Sandbox) -> None:
    result = await run(sandbox, "return await tools.who()", agent_id="ada")
    assert result.output == ["ada", "who"]


# --- what is in `tools` ---


async def test_tools_lists_what_there_is_and_is_fixed(sandbox: Sandbox) -> None:
    code = (
        "return [Object.keys(tools), Object.keys(tools.crm), 'add' in tools.crm, 'x' in tools.crm,"
        "Object.isFrozen(tools.crm), await tools === tools, tools.then === undefined]"
    )
    names = ["add", "sleep", "repeat", "fail", "crash", "leave", "odd", "who", "crm"]
    assert (await run(sandbox, code)).output == [names, ["add"], True, False, True, True, True]


async def test_without_tools_the_global_is_empty() -> None:
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        code = (
            "const missing = [tools.add({a: 1}), tools.$describe('add')];"
            "const codes = (await Promise.allSettled(missing)).map(each => each.reason.code);"
            "return [Object.keys(tools), await tools.$list(), await tools.$search('add'), codes]"
        )
        assert (await run(sandbox, code)).output == [[], [], [], ["unknown_tool"] * 2]


async def test_code_may_use_the_name_tools_for_its_own(sandbox: Sandbox) -> None:
    assert (await run(sandbox, "const tools = [1, 2]; return tools.length")).output == 2
    assert (await run(sandbox, "globalThis.tools = 5; return tools")).output == 5


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "name", ["then", "constructor", "toString", "class", "find-person", "__proto__", "valueOf"]
)
async def test_any_name_can_be_called(sandbox: Sandbox, name: str) -> None:
    odd_name = Tool(name, lambda: name, input_schema=ANYTHING, effect="read")
    path = "then_" if name == "then" else name
    result = await run(sandbox, f"return await tools[{path!r}]()", tools=[odd_name])
    assert result.output == name


async def test_javascript_calls_no_tool_by_itself(sandbox: Sandbox) -> None:
    called: list[str] = []
    names = "then toString valueOf inspect constructor next length".split()
    odd = [Tool(name, partial(called.append, name), input_schema=ANYTHING) for name in names]
    code = """
      const tried = [];
      for (const object of [tools, tools.odd, tools.none]) {
        for (const use of [JSON.stringify, String, Number, (each) => [each].toLocaleString(),
          structuredClone, async (each) => await each, console.log, (each) => each == 1,
          (each) => ({}).hasOwnProperty(each), (each) => new Date(each), Array.from]) {
          try { await use(object) } catch (error) { tried.push(error.name) }
        }
      }
      return tried"""
    result = await run(sandbox, code, tools=Tools(*odd, odd=odd))
    assert (set(result.output), called, result.tool_calls) == (
        {"TypeError", "DataCloneError"},
        [],
        None,
    )


async def test_a_tool_named_to_json_is_not_called_by_json(sandbox: Sandbox) -> None:
    called: list[str] = []
    odd = Tool("toJSON", lambda: called.append("toJSON"), input_schema=ANYTHING)
    code = "return JSON.stringify(tools.odd)"
    result = await sandbox.execute(code, tools=Tools(odd=[odd]), typecheck="off")
    assert called == []
    assert "a tool takes one argument, an object" in (result.error or "")


# --- errors ---


async def test_an_error_of_a_tool_is_caught_with_its_fields(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "tools.fail({message: 'no such person'})")
    assert (error["tool"], error["code"]) == ("fail", "failed")
    assert "no such person" in error["message"]
    assert error["effect"] == "none"


async def test_an_error_that_nobody_catches_names_the_line_of_the_call(sandbox: Sandbox) -> None:
    result = await sandbox.execute("const a = 1\nreturn await tools.fail({message: 'no'})")
    assert result.error_info is not None
    assert (result.error_info.name, result.error_info.line) == ("ToolError", 2)
    assert result.status == "failed"
    assert result.tool_calls is not None
    assert [call.outcome for call in result.tool_calls] == ["failed"]


async def test_the_class_of_the_error_is_global(sandbox: Sandbox) -> None:
    code = (
        "try { await tools.nope() } catch (e) {"
        " return [e instanceof ToolError, e instanceof Error, e.name] }"
    )
    assert (await run(sandbox, code)).output == [True, True, "ToolError"]


@pytest.mark.parametrize("call", ["tools.crash()", "tools.leave()"])
async def test_any_other_exception_reaches_the_code_as_an_id_only(
    sandbox: Sandbox, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = await caught(sandbox, call)
    assert error["code"] == "internal"
    assert "hunter2" not in str(error)
    words = [word.strip(".,:;()") for word in error["message"].split()]
    assert any(len(word) >= 8 and word in caplog.text for word in words)


async def test_an_unknown_tool_names_the_nearest(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "tools.crm.ad({a: 1})")
    assert error["code"] == "unknown_tool"
    assert "crm.add" in error["nearest"]
    error = await caught(sandbox, "tools.crn.add({a: 1})")
    assert "crm.add" in error["nearest"]


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("{}", "a"),
        ("{a: 'x'}", "a"),
        ("{a: 1, c: 2}", "c"),
        ("{a: NaN}", "a"),
        ("{a: () => 1}", "a"),
        ("{a: Promise.resolve(1)}", "a"),
        ("{a: [/x/]}", "a.0"),
        ("{a: new Error('x')}", "a"),
        ("{a: [1].values()}", "a"),
        ("{a: (async function* () {})()}", "a"),
        ("{a: new WeakMap()}", "a"),
        ("{a: new URLSearchParams('b=1')}", "a"),
        ("{a: new DataView(new ArrayBuffer(1))}", "a"),
        (r"{a: '\ud800'}", "a"),
        (r"{'\ud800': 1}", "\ufffd"),
        ("Promise.resolve({a: 1})", None),
        ("7", None),
        ("[1]", None),
        ("null", None),
        ("{a: 1}, {b: 2}", None),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_by_name(
    sandbox: Sandbox, arguments: str, field: str | None
) -> None:
    error = await caught(sandbox, f"tools.add({arguments})")
    assert error["code"] == "invalid_arguments"
    assert error.get("field") == field
    assert error["parameters"] == ["a*", "b"]


async def test_what_is_json_in_an_odd_object_still_arrives(sandbox: Sandbox) -> None:
    code = """
    class Amount { a = 40; #note = 1 }
    const boxed = Object.create(null, {a: {value: new Number(1), enumerable: true}});
    return [await tools.add(new Amount()), await tools.add(new Map([["a", 2]])),
      await tools.add(boxed), await tools.repeat({text: new URL("http://x/"), times: 1})];
    """
    assert (await run(sandbox, code)).output == [41, 3, 2, "http://x/"]


async def test_arguments_that_contain_themselves_are_refused(sandbox: Sandbox) -> None:
    code = "const a = {}; a.a = a; return await tools.add(a).catch(error => error.code)"
    assert (await run(sandbox, code)).output == "invalid_arguments"


async def test_a_value_that_is_not_json_is_refused(sandbox: Sandbox) -> None:
    assert (await caught(sandbox, "tools.odd()"))["code"] == "invalid_result"


async def test_what_is_asked_about_may_stand_in_an_object(sandbox: Sandbox) -> None:
    code = (
        "return [(await tools.$search({query: 'sum', limit: 1}))[0].path,"
        "(await tools.$describe({path: 'add'})).path, await tools.$list({namespace: 'crm'})]"
    )
    assert (await run(sandbox, code)).output == ["add", "add", ["crm.add"]]


@pytest.mark.sample(2)
@pytest.mark.parametrize("call", ["$search()", "$search({})", "$describe(7)", "$describe(['a'])"])
async def test_a_question_about_nothing_is_refused(sandbox: Sandbox, call: str) -> None:
    assert (await caught(sandbox, f"tools.{call}"))["code"] == "invalid_arguments"


# --- limits ---


async def limited(code: str, *given: Any, **limits: float) -> ExecutionResult:
    bounds = ToolLimits(**limits)  # type: ignore[arg-type]
    tools = given or (TOOLS,)
    async with Sandbox(
        SandboxConfig(pool_size=1), tools=Tools(*tools), tool_limits=bounds
    ) as sandbox:
        return await sandbox.execute(code)


async def test_calls_beyond_their_number_are_refused_and_the_run_goes_on() -> None:
    code = (
        "const all = Array.from({length: 10_000},"
        " (_, a) => tools.add({a}).then(() => 'ok', e => e.code));"
        "const seen = {};"
        "for (const each of await Promise.all(all)) seen[each] = (seen[each] ?? 0) + 1;"
        "return seen"
    )
    result = await limited(code, calls=20)
    assert result.output == {"ok": 20, "budget": 9980}
    assert len(result.tool_calls or ()) == 20


@pytest.mark.sample(2)
@pytest.mark.parametrize("code", ["tools.add()", "tools.$list()", "tools.nope()"])
async def test_each_error_says_whether_to_try_again_and_what_was_done(code: str) -> None:
    many = f"for (let i = 0; i < 1100; i++) try {{ await {code} }} catch (e) {{ return {{...e}} }}"
    several = many.replace("{ return {...e} }", "{ last = {...e} }")
    error = (await limited(f"let last; {several} return last", calls=5)).output
    assert (error["retryable"], error["effect"]) == (False, "none")
    assert error["code"] == "budget"


async def test_a_tool_that_does_not_answer_in_time_is_a_timeout() -> None:
    code = "try { await tools.sleep({ms: 60_000}) } catch (e) { return [e.code, e.retryable] }"
    assert (await limited(code, timeout=200)).output == ["timeout", True]


async def test_an_answer_that_is_too_large_is_refused() -> None:
    code = "return await tools.repeat({text: 'x', times: 5000}).catch(e => e.code)"
    assert (await limited(code, result=1000)).output == "too_large"


async def test_all_answers_together_are_bounded() -> None:
    code = (
        "const seen = []; for (let i = 0; i < 4; i++)"
        " seen.push(await tools.repeat({text: 'x', times: 900}).then(() => 'ok', e => e.code));"
        "return seen"
    )
    assert (await limited(code, total=2000)).output == ["ok", "ok", "budget", "budget"]


@pytest.mark.thorough
async def test_arguments_over_their_limit_are_refused() -> None:
    code = "return await tools.repeat({text: 'x'.repeat(5000), times: 1}).catch(e => e.code)"
    assert (await limited(code, arguments=1000)).output == "invalid_arguments"


async def test_no_more_calls_than_stated_are_at_work_at_once() -> None:
    at_work, most = 0, 0

    async def count() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.02)
        at_work -= 1

    counting = Tool("count", count, input_schema=ANYTHING, effect="read")
    code = "await Promise.all(Array.from({length: 30}, () => tools.count()))"
    assert (await limited(code, counting, concurrent=5)).success
    assert most == 5


# --- three clocks ---


async def test_the_deadline_stands_still_while_the_code_only_waits(sandbox: Sandbox) -> None:
    result = await run(sandbox, "return await tools.sleep({ms: 900})", timeout=300)
    assert result.output == "slept"
    assert result.resource_usage.tool_time >= 800


async def test_the_deadline_goes_on_for_code_that_computes_meanwhile(sandbox: Sandbox) -> None:
    began = time.monotonic()
    result = await sandbox.execute("tools.sleep({ms: 20_000}); for (;;) {}", timeout=300)
    assert result.error_info is not None
    assert result.error_info.type == "timeout"
    assert time.monotonic() - began < 15


async def test_the_deadline_goes_on_when_the_answers_are_there(sandbox: Sandbox) -> None:
    code = "await tools.sleep({ms: 10}); await new Promise(done => setTimeout(done, 20_000))"
    result = await sandbox.execute(code, timeout=300)
    assert result.error_info is not None
    assert result.error_info.type == "timeout"


async def test_when_the_time_for_tools_is_over_the_run_goes_on() -> None:
    code = (
        "const first = await tools.sleep({ms: 60_000}).catch(e => e.code);"
        "return [first, await tools.sleep({ms: 1}).catch(e => e.code)]"
    )
    assert (await limited(code, wait=300)).output == ["budget", "budget"]


@pytest.mark.thorough
async def test_a_queue_does_not_eat_the_time_of_a_tool() -> None:
    code = (
        "return await Promise.all(Array.from({length: 6}, () => tools.sleep({ms: 150})"
        ".then(() => 'ok', e => e.code)))"
    )
    assert (await limited(code, concurrent=1, timeout=600)).output == ["ok"] * 6


@pytest.mark.thorough
async def test_a_run_that_only_waits_leaves_its_place_to_others() -> None:
    release = asyncio.Event()
    waiting = Tool("wait", release.wait, input_schema=ANYTHING, effect="read")
    config = SandboxConfig(pool_size=1, max_concurrency=1)
    async with asyncio.timeout(30), Sandbox(config, tools=[waiting]) as sandbox:
        waiters = [asyncio.create_task(sandbox.execute("return await tools.wait()")) for _ in "ab"]
        while (await sandbox.execute("return 1")).output != 1:
            pass
        release.set()
        assert [result.output for result in await asyncio.gather(*waiters)] == [True, True]


@pytest.mark.thorough
async def test_a_run_that_computes_while_it_waits_is_not_kept_from_its_answer() -> None:
    config = SandboxConfig(pool_size=1, max_concurrency=1)
    code = (
        "const call = tools.sleep({ms: 900}); await new Promise(done => setTimeout(done, 300));"
        "const end = Date.now() + 300; while (Date.now() < end);"
        "return await call"
    )
    async with asyncio.timeout(30), Sandbox(config, tools=TOOLS) as sandbox:
        work = asyncio.create_task(sandbox.execute(code, timeout=10_000))
        await asyncio.sleep(0.2)
        assert (await sandbox.execute("return 1")).output == 1
        assert (await work).output == "slept"


# --- the end of a run ---


async def test_a_read_that_is_open_at_the_end_is_cancelled_and_named(sandbox: Sandbox) -> None:
    result = await run(sandbox, "tools.sleep({ms: 60_000}); return 1")
    assert result.output == 1
    assert [call.outcome for call in result.tool_calls or ()] == ["cancelled"]
    assert any("sleep" in warning for warning in result.warnings or ())


async def test_a_write_that_has_started_is_awaited_a_moment(sandbox: Sandbox) -> None:
    written = []

    async def write() -> None:
        await asyncio.sleep(0.5)
        written.append(True)

    result = await run(sandbox, "tools.write(); return 1", tools=[Tool("write", write)])
    assert written
    assert [call.outcome for call in result.tool_calls or ()] == ["ok"]


async def test_a_write_that_nobody_knows_the_end_of_is_unknown(sandbox: Sandbox) -> None:
    async def write() -> None:
        await asyncio.sleep(60)

    result = await run(sandbox, "tools.write(); return 1", tools=[Tool("write", write)])
    assert [call.outcome for call in result.tool_calls or ()] == ["unknown"]


async def test_cancelling_a_run_cancels_its_calls(sandbox: Sandbox) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    work = asyncio.create_task(
        sandbox.execute("await tools.hang()", tools=[Tool("hang", hang, effect="read")])
    )
    async with asyncio.timeout(20):
        await started.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await ended.wait()


async def test_a_function_that_blocks_holds_up_nobody_else(sandbox: Sandbox) -> None:
    release = threading.Event()
    block = Tool("block", lambda: release.wait(20), input_schema=ANYTHING, effect="read")
    work = asyncio.create_task(sandbox.execute("return await tools.block()", tools=[block]))
    try:
        assert (await run(sandbox, "return await tools.add({a: 1})")).output == 2
    finally:
        release.set()
    assert (await work).output is True


# --- rules and grants ---


async def test_a_rule_that_denies_is_an_error_of_that_call(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "tools.crm.add({a: 1})", rules=[Rule("deny", "crm.*")])
    assert error["code"] == "denied"
    assert "crm.*" in error["message"]


async def test_a_rule_that_asks_says_that_nobody_can_be_asked(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "tools.add({a: 5})", rules=[Rule("ask", "add", when="a > 3")])
    assert error["code"] == "blocked"
    result = await run(
        sandbox, "return await tools.add({a: 2})", rules=[Rule("ask", "add", when="a > 3")]
    )
    assert result.output == 3


async def test_a_call_may_be_granted_less(sandbox: Sandbox) -> None:
    code = "return [Object.keys(tools), await tools.sleep({ms: 1}).catch(e => e.code)]"
    assert (await run(sandbox, code, tools=["add"])).output == [["add"], "unknown_tool"]


async def test_a_direct_call_follows_the_same_rules() -> None:
    async with Sandbox(
        SandboxConfig(pool_size=1), tools=TOOLS, rules=[Rule("deny", "crm.*")]
    ) as sandbox:
        assert await sandbox.call_tool("add", {"a": 1}) == 2
        for path, code in (("crm.add", "denied"), ("nope", "unknown_tool")):
            with pytest.raises(ToolError) as error:
                await sandbox.call_tool(path, {"a": 1})
            assert error.value.code == code
        with pytest.raises(ToolError) as error:
            await sandbox.call_tool("add", {"a": "x"})
        assert error.value.field == "a"
        loop: dict[str, Any] = {}
        loop["loop"] = loop
        not_objects: list[Any] = [[], 0, "", "x", False, [("a", 1)]]
        not_json: list[Any] = [{"a": object()}, {"a": {1}}, {"a": float("nan")}, loop]
        for wrong in [*not_objects, *not_json]:
            with pytest.raises(ToolError) as error:
                await sandbox.call_tool("add", wrong)
            assert error.value.code == "invalid_arguments"
            assert error.value.parameters == ["a*", "b"]


# --- what is kept ---


async def test_the_result_tells_of_each_call(sandbox: Sandbox) -> None:
    result = await run(sandbox, "await tools.add({a: 1, b: 2}); await tools.add({b: 2, a: 1})")
    assert result.tool_calls is not None
    first, second = result.tool_calls
    assert (first.tool, first.outcome, first.effect) == ("add", "ok", "read")
    assert first.arguments_hash == second.arguments_hash
    assert (first.bytes_in, first.bytes_out) == (len('{"a":1,"b":2}'), 1)
    assert first.id != second.id
    assert result.avoided is not None
    assert result.avoided.turns == 1


async def test_code_that_calls_nothing_has_no_calls(sandbox: Sandbox) -> None:
    wire = (await run(sandbox, "return 1")).to_dict()
    assert "toolCalls" not in wire
    assert wire["status"] == "completed"
    assert wire["isolation"] == sandbox.get_config().isolation


async def test_many_runs_leave_no_task_behind(sandbox: Sandbox) -> None:
    for _ in range(3):
        await run(sandbox, "tools.sleep({ms: 60_000}); return await tools.add({a: 1})")
    await soon(lambda: not [t for t in asyncio.all_tasks() if "_carry_out" in repr(t)])


LOOKS = (
    "return Object.keys(tools).sort()",
    'return Object.keys(globalThis["too" + "ls"]).sort()',
    """Object.prototype.names = {roots: ["evil"], namespaces: {}, aliases: {}};
    return Object.keys(globalThis["too" + "ls"]).sort();""",
)


@pytest.mark.parametrize("count", [3, 2000])  # names that come with the job, and those that do not
async def test_code_finds_the_tools_however_it_looks(count: int) -> None:
    tools = [Tool(f"a_tool_{i:04}", lambda: None, effect="read") for i in range(count)]
    async with Sandbox(tools=tools) as sandbox:
        for result in await asyncio.gather(*map(sandbox.execute, LOOKS)):
            assert result.output == [each.name for each in tools]
