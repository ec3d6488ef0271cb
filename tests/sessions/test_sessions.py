"""Sessions as the library's users have them: what stays, what is told, and what ends them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from onehop import InvalidRequestError, Overloaded, Sandbox, tool
from onehop.config import SandboxConfig, SessionConfig
from onehop.errors import RunNotFoundError, TooManySessionsError
from onehop.runs.session_scope import SessionScope
from onehop.types import ExecutionResult
from tests.waiting import PATIENCE, soon


@pytest_asyncio.fixture
async def session(sandbox: Sandbox) -> AsyncIterator[SessionScope]:
    async with sandbox.session() as opened:
        yield opened


BOMBS = (
    "kept = new Map(); for (let i = 0; ; i++) kept.set(i, new Array(1000).fill(i))",
    "for (;;) kept.push(new Uint8Array(1 << 20).fill(1))",
    "for (;;) kept.push(new Blob(['x'.repeat(1 << 20)]))",
    "for (;;) kept.push(JSON.parse(JSON.stringify('ab'.repeat(1 << 19))))",
)
"""Each fills the memory in its own way. The kernel may refuse a Uint8Array before the worker is
over its limit: then the code gets V8's RangeError, and the worker lives."""


async def outputs(session: SessionScope, *codes: str, language: str = "javascript") -> list[Any]:
    """What each call gives; a failure is its message."""
    results = [await session.execute(code, language) for code in codes]
    return [each.output if each.success else each.error for each in results]


async def test_what_a_call_declares_is_there_in_the_next(session: SessionScope) -> None:
    code = """
      let count = 1; const { rows: [first], ...rest } = { rows: [{ n: 5 }], more: 2 };
      var total = 3; function twice(n) { return 2 * n } class Point { x = 7 }
      async function* numbers() { yield 1 } const arrow = () => count;
      if (true) { var inner = 8 } for (var i = 0; i < 3; i++); for (var key in { k: 1 });"""
    await session.execute(code)
    seen = """count++;
      return [count, first, rest, total, twice(4), new Point().x, inner, i, key, arrow(),
        arrow.name, twice.name, (await numbers().next()).value]"""
    expected = [2, {"n": 5}, {"more": 2}, 3, 8, 7, 8, 3, "k", 2, "arrow", "twice", 1]
    assert await outputs(session, seen) == [expected]


async def test_typescript_and_javascript_share_a_session(session: SessionScope) -> None:
    first = """
      enum Color { Red, Green = "g" }
      const enum Size { Small = 1, Large = 2 }
      interface Row { n: number }
      type Rows = Row[];
      abstract class Shape { constructor(protected side: number) {} abstract area(): number }
      class Square extends Shape { area(): number { return this.side ** 2 } }
      const rows: Rows = [{ n: 1 }];
      function sum(all: Rows): number { return all.reduce((s, r) => s + r.n, 0) }"""
    assert await outputs(session, first, language="typescript") == [None]
    second = (
        "rows.push({ n: 41 }); return [sum(rows), new Square(3).area(), Color.Red, Color.Green]"
    )
    assert await outputs(session, second) == [[42, 9, 0, "g"]]
    third = "const more: Row[] = rows; return [more.length, Size.Large, Color[0]]"
    assert await outputs(session, third, language="typescript") == [[2, 2, "Red"]]


async def test_names_are_declared_anew_as_in_a_notebook(session: SessionScope) -> None:
    await session.execute("const rate = 2; function pay(hours) { return hours * rate }")
    assert await outputs(
        session,
        "const rate = 3; return pay(10)",
        "let rate = 4; rate = 5; return pay(10)",
        "class rate {} return typeof rate",
        "function pay() { return 'new' } return pay()",
        "let rate; return typeof rate",
        "return pay()",
    ) == [30, 50, "function", "new", "undefined", "new"]


async def test_a_function_of_a_block_stays_where_the_language_makes_it_a_variable(
    session: SessionScope,
) -> None:
    code = """
      function old() { return 'old' } function show() { return old() }
      if (true) { function inBlock() { return 1 } function old() { return 'new' } }
      if (true) function alone() { return 2 } else function never() {}
      switch (1) { case 1: function inCase() { return 3 } }
      for (let i = 0; i < 3; i++) { function last() { return i } }
      let taken = 4; { function taken() {} }
      { let hidden = 5; { function hidden() {} } async function later() {} }
      return [show(), inBlock(), alone(), typeof never, inCase(), last(), taken,
        typeof hidden, typeof later]"""
    expected = ["new", 1, 2, "undefined", 3, 2, 4, "undefined", "undefined"]
    seen = code[code.index("return [") :]
    strict = "'use strict'; { function own() {} } return typeof own"
    assert await outputs(session, code, seen, strict) == [expected, expected, "undefined"]


async def test_a_let_may_end_its_line(session: SessionScope) -> None:
    code = (
        "let\n  a = 1,\n  b = a + 1;\n{ let\na = 9 } let\n{ c } = { c: 3 };\n// let\nlet\n[d] = [4]"
    )
    assert await outputs(session, code, "return [a, b, c, d]") == [None, [1, 2, 3, 4]]


async def test_an_enum_is_declared_anew_without_its_old_members(session: SessionScope) -> None:
    codes = "enum E { A, B }", "enum E { C } return Object.keys(E)"
    assert await outputs(session, *codes, language="typescript") == [None, ["0", "C"]]


async def test_what_was_assigned_before_a_failure_stays(session: SessionScope) -> None:
    await session.execute("let kept = 'old'; const also = 'old'")
    failed = await session.execute(
        "let first = 1; const second = 2;\nlet kept = fail(); var third;"
    )
    assert failed.error == "ReferenceError: fail is not defined (line 2, column 12)"
    code = "return [first, second, kept, also, typeof third]"
    assert await outputs(session, code) == [[1, 2, "old", "old", "undefined"]]
    await session.execute("throw new Error('x'); let never = 1;")
    assert await outputs(session, "return typeof never") == ["undefined"]


async def test_the_rules_of_the_language_hold(session: SessionScope) -> None:
    await session.execute("const fixed = 1")
    assert await outputs(
        session,
        "fixed = 2",
        "let a = 1; let a = 2",
        "early; let early = 1",
        "'use strict'; undeclared = 1",
        "'use strict'; let strict = 1; return (function () { return this })()",
        "return strict",
    ) == [
        "TypeError: Assignment to constant variable. (line 1, column 7)",
        "SyntaxError: Identifier 'a' has already been declared (line 1, column 16)",
        "ReferenceError: Cannot access 'early' before initialization (line 1, column 1)",
        "ReferenceError: undeclared is not defined (line 1, column 26)",
        None,
        1,
    ]


async def test_delete_takes_no_variable(session: SessionScope) -> None:
    declared = "let a = 1; const b = 2; var c = 3; function d() {} free = 5; const o = { p: 1 };"
    tried = """const local = (a) => delete a;
      return [delete a, !delete (b), delete c, delete d, local(), delete o.p, delete free,
        typeof free, [a, b, c, typeof d, o]]"""
    kept = [1, 2, 3, "function", {}]
    expected = [False, True, False, False, False, True, True, "undefined", kept]
    assert await outputs(session, declared, tried) == [None, expected]


async def test_a_name_with_escapes_is_kept_under_its_own(session: SessionScope) -> None:
    first = r"let \u0061b = 1; const { \u{62}c } = { bc: 2 };"
    then = r"function \u0063d() { return 3 } class \u0064e {}"
    seen = "return [ab, bc, cd(), de.name]"
    assert await outputs(session, first, then, seen) == [None, None, [1, 2, 3, "de"]]


@pytest.mark.parametrize(
    "fixing",
    [
        "Object.defineProperty(globalThis, 'x', { value: 1 })",
        "Object.defineProperty(globalThis, 'x', { get: () => 1 })",
        "Object.preventExtensions(globalThis)",
    ],
)
@pytest.mark.parametrize("declared", ["let x = 2; x = 3", "var x = 3", "const x = 3"])
async def test_a_name_that_cannot_be_kept_is_the_calls_own_and_told(
    session: SessionScope, fixing: str, declared: str
) -> None:
    await session.execute(fixing)
    result = await session.execute(f"{declared}; return x")
    assert result.output == 3
    assert ["`x` that cannot" in each for each in result.warnings or ()] == [True]


async def test_a_frozen_global_object_says_what_to_do(session: SessionScope) -> None:
    assert await outputs(session, "Object.freeze(globalThis)", "let x = 1; return x") == [
        None,
        "TypeError: an earlier call of this session has frozen the global object, so that "
        "`context` cannot be set: use another session",
    ]


async def test_positions_are_those_of_the_calls_own_text(session: SessionScope) -> None:
    await session.execute("\n\n\nfunction check(n) {\n  if (n > 1) throw new RangeError('far') }")
    code = "let a = 1, { b } = { b: 2 };\nconst c = a +\n  check(b);"
    failed = await session.execute(code)
    assert failed.error_info is not None
    assert (failed.error_info.line, failed.error_info.column) == (3, 3)
    assert failed.error_info.excerpt == " 3 |   check(b);\n   |   ^"
    typed = "interface A { n: number }\nconst x: A = { n: 1 };\nconst y: number = x.n + nothing;"
    failed = await session.execute(typed, "typescript")
    assert failed.error_info is not None
    assert (failed.error_info.line, failed.error_info.column) == (3, 25)


async def test_work_left_behind_does_not_write_into_a_later_call(session: SessionScope) -> None:
    left = """
      setInterval(() => console.log("interval"), 5);
      setTimeout(() => { throw new Error("timer") }, 400);
      (async () => { for (let i = 0; i < 400; i++) {
        await crypto.subtle.digest("SHA-1", new Uint8Array(1e6));
        console.log("loop"); try { show("late") } catch {}
      } throw new Error("late") })();
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = () => { console.log("port"); port1.postMessage(1) };
      port1.postMessage(1);
      return 1"""
    first = await session.execute(left)
    assert first.output == 1
    code = "await new Promise((done) => setTimeout(done, 600)); console.log('mine'); return 2"
    second = await session.execute(code)
    assert second.success, second.error
    assert (second.output, second.logs, second.artifacts) == (2, ["mine"], None)


async def test_nothing_runs_between_two_calls(session: SessionScope) -> None:
    await session.execute("globalThis.ticks = 0; setInterval(() => ticks++, 1)")
    before = (await session.execute("return ticks")).output
    await asyncio.sleep(0.1)
    assert (await session.execute("return ticks")).output == before


async def test_a_deadline_ends_the_worker_and_the_next_answer_says_what_is_gone(
    session: SessionScope,
) -> None:
    await session.execute("let rows = 1; function parse() {}")
    ended = await session.execute("while (true);", timeout=100)
    assert ended.warnings is not None
    assert "has ended with this call: the deadline ended its worker" in ended.warnings[0]
    after = await session.execute("return typeof rows")
    assert after.output == "undefined"
    assert after.warnings is not None
    assert (
        "It has lost rows, parse and what was set on globalThis; what store keeps is"
        in after.warnings[0]
    )
    assert (await session.execute("return 1")).warnings is None


async def test_a_text_that_came_before_is_not_read_again(
    session: SessionScope, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask = [], sandbox.analyst.ask

    async def listening(agent: str, what: str, *rest: Any) -> Any:
        asked.append(what)
        return await ask(agent, what, *rest)

    monkeypatch.setattr(sandbox.analyst, "ask", listening)
    poll = "var seen = (globalThis.seen ?? 0) + 1; const twice = 2 * seen; return twice"
    assert await outputs(session, poll, poll, "seen = 7", poll) == [2, 4, None, 16]
    assert await outputs(session, *(f"let v{n} = {n}; return v{n}" for n in range(20)))
    assert await outputs(session, poll, "return v19") == [18, 19]
    assert asked == ["keep"] * 22  # by then it was forgotten for newer ones


async def test_a_worker_that_is_killed_while_a_call_is_read_is_replaced(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call runs in another worker, and says that what was declared is gone."""
    ask = sandbox.analyst.ask

    async def killing(*arguments: Any) -> Any:
        monkeypatch.setattr(sandbox.analyst, "ask", ask)
        sessions = sandbox._backend._sessions  # type: ignore[union-attr]
        (inner,) = [each for each in sessions if each.names]
        os.kill(inner._worker._process.pid, signal.SIGKILL)
        await soon(lambda: inner.ended is not None)
        return await ask(*arguments)

    async with sandbox.session() as session:
        await session.execute("let kept = 1")
        monkeypatch.setattr(sandbox.analyst, "ask", killing)
        result = await session.execute("let more = 2; return typeof kept")
        assert result.output == "undefined"
        assert result.warnings is not None
        assert "starts anew: its worker ended. It has lost kept" in result.warnings[0]
        assert await outputs(session, "return more") == [2]


async def test_a_worker_that_is_killed_between_two_calls_is_replaced(sandbox: Sandbox) -> None:
    async with sandbox.session() as session:
        await session.execute("let a = 1")
        worker = sandbox._backend._sessions  # type: ignore[union-attr]
        (inner,) = [each for each in worker if each.names]
        os.kill(inner._worker._process.pid, signal.SIGKILL)
        await soon(lambda: inner.ended is not None)
        result = await session.execute("return typeof a")
        assert result.output == "undefined"
        assert result.warnings is not None
        assert "its worker ended. It has lost a and" in result.warnings[0]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "code",
    [
        "for (;;) kept.push(new Array(1e5).fill(1.5))",
        "for (;;) kept.push(`${kept.length} `.repeat(5000).split(' '))",
        *(pytest.param(code, marks=pytest.mark.thorough) for code in BOMBS if "Uint8" not in code),
    ],
)
async def test_the_answer_after_the_memory_limit_says_why_and_what_is_gone(
    session: SessionScope, code: str
) -> None:
    await session.execute("globalThis.kept = []; await store.set('k', 1)")
    ended = await session.execute(code, timeout=20_000)
    assert ended.error_info is not None
    assert ended.error_info.name == "MemoryLimitError"
    after = await session.execute("return [typeof kept, await store.get('k')]")
    assert after.output == ["undefined", 1]
    why = "starts anew: its worker used more memory than it may. It has lost what was set on glob"
    assert why in (after.warnings or [""])[0]


@pytest.mark.soak
async def test_the_host_does_not_grow_with_the_bombs_that_it_has_survived(
    sandbox: Sandbox,
) -> None:
    """What sixty of them leave behind in the process that answers, after the first few."""

    async def bombs(number: int) -> int:
        for turn in range(number):
            code = BOMBS[1:4][turn % 3].replace("kept", "all")
            result = await sandbox.execute(f"const all = []; {code}", session="bombs")
            assert result.error_info is not None
            assert result.error_info.type == "resource_limit"
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = await bombs(6)
    assert await bombs(60) - before < 8 << 20


async def test_a_cancelled_call_ends_the_worker(session: SessionScope) -> None:
    await session.execute("let a = 1")
    started = asyncio.Event()
    code = "console.log('on'); await new Promise((done) => setTimeout(done, 29_000))"
    running = asyncio.create_task(
        session.execute(code, timeout=30_000, on_log=lambda _: started.set())
    )
    async with asyncio.timeout(PATIENCE):
        await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    result = await session.execute("return typeof a")
    assert result.warnings is not None
    assert "a call of it was cancelled. It has lost a" in result.warnings[0]


async def test_calls_of_one_session_queue_in_order_and_not_without_end(sandbox: Sandbox) -> None:
    code = "globalThis.n = (globalThis.n ?? 0) + 1; return n"
    calls = [sandbox.execute(code, session="q") for _ in range(14)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [each.output for each in found[:9] if isinstance(each, ExecutionResult)] == [
        *range(1, 10)
    ]
    assert all(isinstance(each, Overloaded) for each in found[9:])


async def test_sessions_of_two_agents_share_nothing(sandbox: Sandbox) -> None:
    await sandbox.execute("let secret = 1; await store.set('k', 1)", session="s", agent_id="ada")
    code = "return [typeof secret, await store.keys()]"
    eve = await sandbox.execute(code, session="s", agent_id="eve")
    assert (eve.output, eve.warnings) == (["undefined", []], None)
    assert [each.session for each in sandbox.list_sessions("eve")] == ["s"]
    assert not await sandbox.end_session("other", agent_id="eve")
    assert await sandbox.end_session("s", agent_id="eve")
    ada = await sandbox.execute(code, session="s", agent_id="ada")
    assert ada.output == ["number", ["k"]]


async def test_an_agent_has_so_many_sessions_and_an_idle_one_makes_room_for_another_agent() -> None:
    config = SessionConfig(per_agent=2, most=3)
    async with Sandbox(SandboxConfig(pool_size=1), sessions=config) as sandbox:
        for name in ("a", "b"):
            await sandbox.execute(f"let {name} = 1", session=name, agent_id="ada")
        with pytest.raises(TooManySessionsError, match=r"may have 2 sessions.*: a, b\. End one"):
            await sandbox.execute("return 1", session="c", agent_id="ada")
        for agent in ("eve", "bob"):
            await sandbox.execute("let x = 1", session="s", agent_id=agent)
        first = await sandbox.execute("return typeof a", session="a", agent_id="ada")
        assert first.output == "undefined"
        assert first.warnings is not None
        assert "its worker was needed for another session. It has lost a" in first.warnings[0]


async def test_a_session_ends_by_idleness_age_and_number_of_calls() -> None:
    config = SessionConfig(idle=0.3, calls=3)
    async with Sandbox(SandboxConfig(pool_size=1), sessions=config) as sandbox:
        await sandbox.execute("let a = 1", session="s")
        await soon(lambda: not sandbox.list_sessions()[0].live)
        idle = await sandbox.execute("let b = 1", session="s")
        assert idle.warnings is not None
        assert "it was idle for 0.3 s. It has lost a" in idle.warnings[0]
        for _ in range(2):
            assert (await sandbox.execute("return b", session="s")).output == 1
        fourth = await sandbox.execute("return typeof b", session="s")
        assert fourth.warnings is not None
        assert "it has had its 3 calls. It has lost b" in fourth.warnings[0]


async def test_memory_of_a_session_is_bounded_over_its_calls() -> None:
    async with Sandbox(SandboxConfig(memory_limit=32, pool_size=1)) as sandbox:
        code = "globalThis.all ??= []; all.push(new Uint8Array(6e6).fill(1)); return all.length"
        for _ in range(40):
            result = await sandbox.execute(code, session="s")
            if not result.success:
                break
        assert result.error_info is not None
        assert result.error_info.name in ("MemoryLimitError", "RangeError")


async def test_a_call_of_a_session_tells_its_own_memory_and_cpu_time_also_after_a_rest(
    session: SessionScope,
) -> None:
    large = "{ const a = new Uint8Array(40e6).fill(1); return a.length }"
    spins = "const end = performance.now() + 100; while (performance.now() < end); return 1"
    usage = []
    for code in (large, "return 1", large, spins, "return 1"):
        result = await session.execute(code)
        assert result.success, result.error
        usage.append(result.resource_usage)
        await asyncio.sleep(0.05)  # it is measured meanwhile
    memory = [each.memory for each in usage]
    assert min(memory[0], memory[2]) > 30
    assert max(memory[1], memory[4]) < 15
    assert usage[3].cpu_time > usage[4].cpu_time


async def test_half_a_surrogate_pair_is_not_stored_and_the_code_is_told_where_it_is(
    session: SessionScope,
) -> None:
    codes = {
        'await store.set("k", { rows: [1, "ab😀\\ud83d"] })': "the value.rows[1] has half a "
        "surrogate pair (\\ud83d at index 4)",
        'await store.set("k", "😀".slice(0, 1))': "the value has half a surrogate pair",
        'await store.set("k", [{ "\\udc00": 1 }])': "a key of the value[0] has half a",
        'await store.set("\\ud83d", 1)': "without half a surrogate pair",
    }
    for code, words in codes.items():
        result = await session.execute(code)
        assert words in (result.error or ""), result.error
    assert await outputs(session, "return await store.keys()") == [[]]


async def test_a_kept_tool_function_has_the_present_calls_grants() -> None:
    @tool(effect="read")
    def add(a: int, b: int) -> int:
        return a + b

    @tool(effect="write")
    def send(text: str) -> str:
        return text

    async with Sandbox(tools=[add, send]) as sandbox, sandbox.session() as session:
        kept = """const plus = tools.add, post = tools.send, all = tools;
            return await plus({a: 1, b: 2})"""
        assert (await session.execute(kept)).output == 3
        refused = await session.execute("return await post({text: 'x'})", tools=["add"])
        assert refused.error is not None
        assert "no tool is called send" in refused.error
        none = await session.execute("return await all.add({a: 1, b: 2})", tools=[])
        assert none.error is not None
        assert "no tools are granted" in none.error
        denied = await session.execute(
            "return await post({text: 'x'})", rules=[{"action": "deny", "tool": "send"}]
        )
        assert denied.error is not None
        assert "a rule denies send" in denied.error


@pytest.mark.thorough
async def test_a_mistake_with_a_tools_answer_is_warned_of_in_each_call() -> None:
    async def find(n: int) -> dict[str, int]:
        """Find."""
        return {"found": n}

    code = "const p = tools.find({ n: 1 }); p.found; return await p"
    async with Sandbox(SandboxConfig(pool_size=1), tools=[find]) as sandbox:
        for _ in range(2):
            result = await sandbox.execute(code, session="mine")
            assert result.output == {"found": 1}
            assert "`.found` was read from the promise" in (result.warnings or [""])[0]
        assert (await sandbox.execute("return 1", session="mine")).warnings is None


async def test_a_late_call_of_an_earlier_calls_tool_is_refused() -> None:
    called: list[str] = []

    @tool(effect="write")
    def send(text: str) -> str:
        called.append(text)
        return text

    async with Sandbox(tools=[send]) as sandbox, sandbox.session() as session:
        left = """
              (async () => { for (let i = 0; i < 300; i++)
                await crypto.subtle.digest("SHA-1", new Uint8Array(1e6));
                await tools.send({ text: "late" }) })();
              return 1"""
        assert (await session.execute(left)).output == 1
        after = await session.execute("await new Promise((r) => setTimeout(r, 1000)); return 2")
        assert (after.output, after.tool_calls, called) == (2, None, [])


async def test_seed_and_clock_hold_for_their_own_call(session: SessionScope) -> None:
    code = "return [Math.random(), Date.now()]"
    fixed = [(await session.execute(code, seed=1, clock=5)).output for _ in range(2)]
    free = [(await session.execute(code)).output for _ in range(2)]
    assert fixed[0] == fixed[1]
    assert fixed[0][1] == 5
    assert free[0] != free[1]
    assert free[0][1] > 1e12


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 129, 5, "-a", "a\n"])
async def test_a_name_that_is_not_one_is_refused(name: Any, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequestError, match="session: got"):
        await sandbox.execute("return 1", session=name)


async def test_the_block_ends_a_session_without_a_name_only(sandbox: Sandbox) -> None:
    async with sandbox.session() as nameless:
        await nameless.execute("let a = 1")
    async with sandbox.session("named") as named:
        await named.execute("let a = 1")
    known = [each.session for each in sandbox.list_sessions("")]
    assert "named" in known
    assert nameless.name not in known
    assert (await sandbox.execute("return a", session="named")).output == 1
    await sandbox.end_session("named")


async def test_the_library_yields_and_waits(sandbox: Sandbox) -> None:
    code = "await new Promise((done) => setTimeout(done, 400)); return 42"
    first = await sandbox.execute(code, yield_after=50)
    assert (first.status, first.output) == ("running", None)
    assert first.request_id is not None
    assert (await sandbox.wait(first.request_id, 10)).status == "running"
    assert (await sandbox.wait(first.request_id)).output == 42
    with pytest.raises(RunNotFoundError):
        await sandbox.wait(first.request_id, agent_id="eve")
    with pytest.raises(TypeError):
        await sandbox.execute("return 1", unknown=1)  # type: ignore[call-arg]


async def test_a_run_that_goes_on_ends_with_its_sandbox() -> None:
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        code = "await new Promise((done) => setTimeout(done, 20_000))"
        running = await sandbox.execute(code, yield_after=0, timeout=30_000)
        waiting = asyncio.create_task(sandbox.wait(running.request_id or ""))
        await asyncio.sleep(0.2)
    result = await waiting
    assert result.error_info is not None
    assert result.error_info.type == "cancelled"
