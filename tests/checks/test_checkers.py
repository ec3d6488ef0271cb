"""Checkers: one agent each, no more than allowed, and a program runs rather than waits for one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import pytest

from onehop import ExecutionResult, Sandbox
from onehop.compiler import Checker, _checkers
from tests.checks.tools import CONFIG, is_checked, opened
from tests.processes import checkers, is_dead, open_descriptors, stop
from tests.waiting import soon

HONEST = "return await tools.echo({text: 'NUMBER'})"
BAD = "return await tools.echo({texd: 'NUMBER'})"


async def run(sandbox: Sandbox, number: int, agent: str = "a", **more: Any) -> ExecutionResult:
    """A program that nobody has seen."""
    code = more.pop("code", HONEST).replace("NUMBER", str(number))
    result = await sandbox.execute(code, agent_id=agent, **more)
    if code.startswith(HONEST[:25]) and "texd" not in code:
        assert result.success, result.error
    return result


@pytest.mark.thorough
async def test_one_is_started_with_the_sandbox_where_the_first_program_will_need_it() -> None:
    async with opened(first_is_checked=True) as sandbox:
        await soon(checkers, "the checker to start")
        (pid,) = checkers()
        await run(sandbox, 1)
        assert checkers() == [pid]
    await soon(lambda: is_dead(pid), "the checker to end")


async def test_none_is_started_before_it_is_needed_and_all_end_with_the_sandbox() -> None:
    before = open_descriptors()
    async with opened() as sandbox:
        await sandbox.execute("return 1", agent_id="a")
        await sandbox.execute("return 1 as number", "typescript", agent_id="a")
        assert checkers() == []
        await run(sandbox, 1)
        (pid,) = checkers()
        await run(sandbox, 2)
        assert checkers() == [pid]
    await soon(lambda: is_dead(pid), "the checker to end")
    assert open_descriptors() == before


async def test_another_agent_gets_another_process() -> None:
    async with opened() as sandbox:
        await run(sandbox, 1, "a")
        first = checkers()
        await run(sandbox, 1, "b")
        assert len(checkers()) == 2
        assert set(first) < set(checkers())


async def test_no_more_than_allowed_and_the_others_run_unchecked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(config=CONFIG.replace(checkers=1)) as sandbox:
        assert is_checked(await run(sandbox, 1, "a"))
        (first,) = checkers()
        busy = await run(sandbox, 1, "b")
        assert busy.typecheck is not None
        assert busy.typecheck.verdict == "unchecked"
        assert busy.typecheck.reason == "all checkers are busy with other agents"
        monkeypatch.setattr(_checkers, "_SETTLED_SECONDS", 0.0)
        assert is_checked(await run(sandbox, 2, "b"))
        await soon(lambda: is_dead(first), "the checker of the other agent to end")
        assert len(checkers()) == 1


@pytest.mark.thorough
async def test_an_idle_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checkers, "_IDLE_SECONDS", 0.1)
    async with opened() as sandbox:
        await run(sandbox, 1)
        await soon(lambda: checkers() == [], "the idle checker to end")
        assert is_checked(await run(sandbox, 2))


@pytest.mark.thorough
async def test_a_dead_one_is_replaced() -> None:
    async with opened() as sandbox:
        await run(sandbox, 1)
        (pid,) = checkers()
        os.kill(pid, signal.SIGKILL)
        await soon(lambda: is_dead(pid), "its end")
        result = await run(sandbox, 2)
        if not is_checked(result):  # it was asked before the host had noticed
            result = await run(sandbox, 3)
        assert is_checked(result)
        assert checkers() != [pid]


async def test_a_wedged_one_is_waited_for_so_long_and_then_replaced() -> None:
    async with opened(config=CONFIG.replace(check_wait=700)) as sandbox:
        await soon_checked(sandbox)
        (pid,) = checkers()
        await stop(pid)
        began = time.monotonic()
        late = await run(sandbox, 2)
        assert late.typecheck is not None
        assert late.typecheck.reason == "the checker did not answer within 0.7 s"
        assert time.monotonic() - began < 10
        await soon(lambda: is_dead(pid), "the wedged one to end")
        await soon_checked(sandbox)


async def soon_checked(sandbox: Sandbox) -> None:
    """Run until a checker has started, which may take longer than a run waits."""
    for number in range(1000, 1100):
        if is_checked(await run(sandbox, number)):
            return
        await asyncio.sleep(0.2)
    raise AssertionError("no run was checked")


@pytest.mark.thorough
async def test_a_worn_one_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onehop.compiler._checker._MOST_QUESTIONS", 2)
    async with opened() as sandbox:
        await run(sandbox, 1)
        (first,) = checkers()
        for number in range(2, 5):
            assert is_checked(await run(sandbox, number))
        await soon(lambda: is_dead(first), "the worn one to end")


async def test_without_checkers_code_runs_unchecked_with_the_reason() -> None:
    async with opened(config=CONFIG.replace(checkers=0)) as sandbox:
        for policy in (None, "provable", "strict"):
            result = await run(sandbox, 1, typecheck=policy)
            assert result.typecheck is not None
            assert result.typecheck.verdict == "unchecked"
            assert "checkers=0" in (result.typecheck.reason or "")
        off = await run(sandbox, 1, typecheck="off")
        assert off.typecheck is None
        failed = await run(sandbox, 1, code=BAD)
        assert failed.error_info is not None
        assert failed.error_info.type == "runtime"


async def test_one_that_does_not_start_delays_no_run_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts = 0

    async def start(launcher: Any) -> Checker:
        nonlocal starts
        starts += 1
        raise OSError("no")

    monkeypatch.setattr(Checker, "start", start)
    async with opened() as sandbox:
        for number in range(3):
            result = await run(sandbox, number)
            assert result.typecheck is not None
            assert "could be started" in (result.typecheck.reason or "")
    assert starts == 1


@pytest.mark.thorough
async def test_runs_of_one_agent_at_once_share_its_checker() -> None:
    async with opened() as sandbox:
        results = await asyncio.gather(*(run(sandbox, number) for number in range(8)))
        assert all(map(is_checked, results))
        assert len(checkers()) == 1


@pytest.mark.thorough
async def test_a_run_that_is_cancelled_while_it_is_checked_leaves_nothing_wedged() -> None:
    async with opened() as sandbox:
        task = asyncio.create_task(run(sandbox, 1))
        await soon(lambda: len(checkers()) == 1, "a checker")
        task.cancel()
        await asyncio.wait([task])
        assert is_checked(await run(sandbox, 2))


@pytest.mark.thorough
async def test_the_same_program_is_not_looked_through_twice() -> None:
    async with opened() as sandbox:
        await run(sandbox, 1)
        (pid,) = checkers()
        await stop(pid)  # it could not answer
        assert is_checked(await run(sandbox, 1))
        os.kill(pid, signal.SIGCONT)


HUGE_UNION = " | ".join(f"'{number}'" for number in range(10_000))
STALLS = {
    "a deep conditional type": (
        "type L<T, N extends unknown[] = []> = N['length'] extends 900 ? T : L<[T], [...N, 1]>;\n"
        "type M<T> = L<L<L<L<T>>>>; const x: M<M<M<1>>> = 1 as any; "
    ),
    "a union of a product": (
        f"type A = {HUGE_UNION}; type B = `${{A}}-${{A}}-${{A}}`; const x: B = 'a' as any; "
    ),
    "an endless mapped type": (
        "type D<T> = {[K in keyof T]: D<{a: T, b: T, c: D<T>}>}; "
        "const d: D<{x: 1}> = null as any; const e: D<D<D<{y: 2}>>> = d as any; "
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", STALLS)
async def test_types_that_stall_the_checker_hold_up_their_agent_for_a_bounded_time(
    name: str,
) -> None:
    async with opened(config=CONFIG.replace(check_wait=3000)) as sandbox:
        await soon_checked(sandbox)
        began = time.monotonic()
        code = STALLS[name] + HONEST
        await run(sandbox, 1, code=code, language="typescript", typecheck="strict")
        assert time.monotonic() - began < 20
        await soon_checked(sandbox)
        result = await run(sandbox, 1, code=BAD, language="typescript")
        assert result.error_info is not None
        assert result.error_info.type == "validation"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "filler",
    [
        "[" * 1_000_000,
        "[" * 400_000 + "]" * 400_000,
        "(" * 150 + ")" * 150,
        "!" * 60_000 + "1",
        "1" + "+1" * 50_000,
        "a?" * 20_000,
        "if(1)" * 20_000 + ";",
        "`${" * 150 + "1" + "}`" * 150,
        "x." * 50_000 + "y",
        "f" + "()" * 30_000,
        "/* " + "é" * 100_000 + " */",
    ],
)
async def test_text_that_is_too_deep_or_too_long_ends_no_checker_of_another(filler: str) -> None:
    async with opened() as sandbox:
        assert is_checked(await run(sandbox, 1, "other"))
        other = checkers()
        code = f"if (context.never) {{ {filler} }}\n{HONEST}"
        for language in ("javascript", "typescript"):
            result = await sandbox.execute(code, language, agent_id="a", typecheck="provable")
            assert result.success or result.error_info is not None
        assert is_checked(await run(sandbox, 2, "other"))
        assert set(other) <= set(checkers())


@pytest.mark.thorough
async def test_the_same_stalling_program_is_given_to_no_second_checker() -> None:
    async with opened(config=CONFIG.replace(check_wait=700)) as sandbox:
        await soon_checked(sandbox)
        (pid,) = checkers()
        await stop(pid)
        assert not is_checked(await run(sandbox, 1))
        began = time.monotonic()
        again = await run(sandbox, 1)
        assert again.typecheck is not None
        assert again.typecheck.verdict == "unchecked"
        assert time.monotonic() - began < 5


@pytest.mark.thorough
async def test_a_program_reaches_no_file_and_changes_no_check_of_another() -> None:
    pollution = """\
/// <reference path="/etc/passwd" />
/// <reference lib="dom" />
/// <reference types="node" />
// @ts-nocheck
import type { A } from "./other";
declare global { interface Array<T> { polluted: string } const tools: any; const extra: 1 }
interface Object { polluted: string }
return 1;
"""
    ask = "return [1].polluted + extra"
    async with opened() as sandbox:
        for policy in ("provable", "strict"):
            for language in ("typescript", "javascript"):
                await sandbox.execute(pollution, language, agent_id="a", typecheck=policy)
        for agent in ("a", "b"):
            options: Any = {"language": "typescript", "agent_id": agent, "typecheck": "strict"}
            result = await sandbox.execute(ask, **options)
            assert is_checked(result)
            words = " ".join(finding.message for finding in result.findings or ())
            assert "'polluted' does not exist" in words
            assert "Cannot find name 'extra'" in words
