"""The check of code that runs in a session, where earlier calls have declared names."""

from __future__ import annotations

import pytest

from onehop import Sandbox
from tests.checks.tools import is_checked


async def test_names_of_earlier_calls_are_no_mistakes(sandbox: Sandbox) -> None:
    async with sandbox.session() as session:
        earlier = "let total = 3; interface Row { sum: number } class Box { size = 1 }"
        assert (await session.execute(earlier, "typescript")).success
        later = "total += 1; const row: Row = {sum: total}; const box: Box = new Box(); return row"
        result = await session.execute(later, "typescript", typecheck="strict")
        assert is_checked(result)
        assert result.output == {"sum": 4}, result.error


async def test_what_a_call_of_a_session_gets_wrong_is_refused_before_it_runs(
    sandbox: Sandbox,
) -> None:
    async with sandbox.session() as session:
        await session.execute("let runs = 0")
        wrong = await session.execute("runs++; return await tools.echo({texd: 'a'})")
        assert wrong.error_info is not None
        assert wrong.error_info.type == "validation"
        mistyped = await session.execute(
            "runs++; const n: number = 'a'; return n", "typescript", typecheck="strict"
        )
        assert mistyped.error is not None
        assert "not assignable to type 'number'" in mistyped.error
        assert (await session.execute("return runs")).output == 0


async def test_a_hint_says_nothing_of_names_that_earlier_calls_have_declared(
    sandbox: Sandbox,
) -> None:
    async with sandbox.session() as session:
        await session.execute("let rows = null")
        failed = await session.execute("return [tools, rows.length]")
        assert failed.error_info is not None
        assert failed.error_info.name == "TypeError"
        assert not any("rows" in hint and "find name" in hint for hint in failed.hints or ())


@pytest.mark.sample(1)
@pytest.mark.parametrize("declared", ["const tools", "var tools", "let {tools}"])
async def test_a_session_may_have_tools_of_its_own(declared: str, sandbox: Sandbox) -> None:
    async with sandbox.session() as session:
        own = "{mine: (given) => given + 1}"
        value = f"{{tools: {own}}}" if "{" in declared else own
        assert (await session.execute(f"{declared} = {value}")).success
        result = await session.execute("return tools.mine(1)")
        assert result.output == 2, result.error
        assert result.typecheck is not None
        assert result.typecheck.verdict == "unchecked"
        assert "has declared its own `tools`" in (result.typecheck.reason or "")
    assert not (await sandbox.execute("return tools.mine(1)")).success


async def test_a_plan_in_a_session_runs_nothing_and_begins_none(sandbox: Sandbox) -> None:
    async with sandbox.session() as session:
        planned = await session.execute(
            "let a = 1; return await tools.echo({text: 'a'})", plan=True
        )
        assert [call.tool for call in planned.plan or ()] == ["echo"]
        assert (await session.execute("return typeof a")).output == "undefined"


async def test_what_the_code_hands_to_its_host_has_types(sandbox: Sandbox) -> None:
    code = (
        "show('text', {title: 'words'}); progress(0.5, 'half'); const found: any = await "
        "store.get('a'); await store.set('a', [1]); const keys: string[] = await store.keys(); "
        "const gone: boolean = await store.delete('a'); return [found, keys, gone]"
    )
    async with sandbox.session() as session:
        result = await session.execute(code, "typescript", typecheck="strict")
        assert is_checked(result)
        assert result.output == [None, ["a"], True], result.error
    wrong = await sandbox.execute("progress('half')", typecheck="strict")
    assert wrong.error is not None
    assert "not assignable to parameter of type 'number'" in wrong.error
