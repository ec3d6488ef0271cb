"""The library as its users call it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from typing import Any

import pytest

import onehop
from onehop import (
    ConfigError,
    ExecutionResult,
    InvalidRequestError,
    OutputNotFoundError,
    Sandbox,
    SandboxClosedError,
    SandboxConfig,
)
from tests.isolation import isolation  # noqa: F401 - both classes


async def test_the_returned_value_comes_back(sandbox: Sandbox) -> None:
    result = await sandbox.execute("return 1 + 1")
    assert (result.success, result.output, result.error) == (True, 2, None)


async def test_code_sees_the_context_and_may_await(sandbox: Sandbox) -> None:
    code = "await new Promise((r) => setTimeout(r, 5)); return context.data.length"
    result = await sandbox.execute(code, context={"data": [1, 2, 3]})
    assert result.output == 3


async def test_typescript_runs_with_its_types(sandbox: Sandbox) -> None:
    code = "interface A { n: number }\nconst a: A = { n: 41 };\nreturn a.n + 1 as number"
    assert (await sandbox.execute_typescript(code)).output == 42
    assert (await sandbox.execute_javascript("return 42")).output == 42


async def test_the_wire_form_of_a_success_is_the_contracts(sandbox: Sandbox) -> None:
    code = "console.error('no'); return 2"
    wire = (await sandbox.execute(code)).to_dict()
    assert json.loads(json.dumps(wire)) == wire
    assert set(wire) == {
        "success", "output", "logs", "logEntries", "executionTime", "codeHash", "resourceUsage",
        "enforcement", "status", "isolation",
    }  # fmt: skip
    assert set(wire["resourceUsage"]) == {"memory", "timeout", "cpuTime", "toolTime"}
    assert wire["codeHash"] == hashlib.sha256(code.encode()).hexdigest()[:16]
    assert wire["logs"] == ["[ERROR] no"]
    entry = wire["logEntries"][0]
    assert (entry["level"], entry["message"]) == ("error", "no")
    assert 0 <= entry["time"] <= wire["executionTime"]


async def test_the_wire_form_of_a_failure_has_error_and_place(sandbox: Sandbox) -> None:
    wire = (await sandbox.execute("const a = 1;\n  throw new TypeError('bad')")).to_dict()
    assert wire["success"] is False
    assert wire["output"] is None
    assert wire["error"] == "TypeError: bad (line 2, column 9)"
    assert wire["errorInfo"] == {
        "type": "runtime",
        "name": "TypeError",
        "message": "bad",
        "line": 2,
        "column": 9,
        "stack": "TypeError: bad\n    at code.js:2:9",
        "excerpt": " 2 |   throw new TypeError('bad')\n   |         ^",
    }


@pytest.mark.parametrize("code", ["return {a: [1, null]}", "console.log(1); throw new Error('x')"])
async def test_a_result_is_what_pydantic_would_have_made_of_it(sandbox: Sandbox, code: str) -> None:
    result = await sandbox.execute(code)
    made = ExecutionResult.model_validate(result.model_dump())
    assert result == made
    assert repr(result) == repr(made)  # the same types, in the same order
    assert result.to_dict() == made.to_dict()


@pytest.mark.parametrize(
    ("level", "prefix"),
    [("log", ""), ("error", "[ERROR] "), ("warn", "[WARN] "), ("info", "[INFO] "),
     ("debug", "[DEBUG] ")],
)  # fmt: skip
async def test_each_console_level_has_its_prefix(sandbox: Sandbox, level: str, prefix: str) -> None:
    result = await sandbox.execute(f"console.{level}('x', {{ a: 1 }})")
    assert result.logs == [f"{prefix}x {{ a: 1 }}"]
    assert result.log_entries[0].level == level


async def test_the_console_can_be_switched_off(sandbox: Sandbox) -> None:
    result = await sandbox.execute("console.log('x'); return 1", capture_console=False)
    assert (result.output, result.logs) == (1, [])


async def test_runs_share_nothing(sandbox: Sandbox) -> None:
    await sandbox.execute("globalThis.left = 1; Array.prototype.left = 2; JSON.parse = null")
    result = await sandbox.execute("return [typeof left, [].left, JSON.parse('1')]")
    assert result.output == ["undefined", None, 1]


async def test_every_result_names_the_layers_that_were_in_force(sandbox: Sandbox) -> None:
    layers = (await sandbox.execute("return 1")).enforcement
    assert {"seccomp", "landlock", "rlimits", "uid", "no_new_privs", "permissions"} <= set(layers)


async def test_many_runs_at_once_each_get_their_own_result(sandbox: Sandbox) -> None:
    runs = (sandbox.execute("return context.n", context={"n": n}) for n in range(40))
    assert [result.output for result in await asyncio.gather(*runs)] == list(range(40))


# --- refused calls ---


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("language", {"language": "python"}),
        ("language", {"language": 5}),
        ("code", {"code": ""}),
        ("code", {"code": 5}),
        ("code", {"code": None}),
        ("code", {"code": b"return 1"}),
        ("code", {"code": "return '\ud800'"}),
        ("code", {"code": "return 1\0"}),
        ("code", {"code": "x" * 10_000_000}),
        ("timeout", {"timeout": 0}),
        ("timeout", {"timeout": -1}),
        ("timeout", {"timeout": float("nan")}),
        ("timeout", {"timeout": "5000"}),
        ("timeout", {"timeout": 10**9}),
        ("timeout", {"timeout": True}),
        ("timeout", {"timeout": float("inf")}),
        ("context", {"context": [1]}),
        ("context", {"context": {"a": object()}}),
        ("context", {"context": {"a": float("nan")}}),
        ("context", {"context": {1: 2}}),
        ("context", {"context": {"a": "\udfff"}}),
        ("context", {"context": {"a": "x" * 20_000_000}}),
        ("capture_console", {"capture_console": "yes"}),
    ],
)
async def test_a_bad_call_is_refused_by_field_and_runs_nothing(
    sandbox: Sandbox, field: str, call: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await sandbox.execute(**{"code": "return 1", **call})
    assert caught.value.field == field
    assert str(caught.value).startswith(field)
    assert len(str(caught.value)) < 500


async def test_a_circular_context_is_refused(sandbox: Sandbox) -> None:
    context: dict[str, Any] = {}
    context["self"] = context
    with pytest.raises(InvalidRequestError, match="context"):
        await sandbox.execute("return 1", context=context)


# --- settings ---


async def test_settings_can_be_read_and_changed_while_it_is_open() -> None:
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        assert sandbox.get_config().timeout == 5000
        sandbox.update_config(timeout=200, memory_limit=32, capture_console=False)
        assert sandbox.get_config().memory_limit == 32
        result = await sandbox.execute("console.log(1); for (;;) {}")
        assert result.error == "TimeoutError: the code ran longer than its deadline of 200 ms"
        assert result.logs == []
        bomb = "const a = []; for (;;) a.push(new Array(1e4).fill(1.5))"
        result = await sandbox.execute(bomb, timeout=5000)
        assert result.error == "MemoryLimitError: the code used more than its 32 MB of memory"


async def test_a_bad_setting_is_refused_and_changes_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="timeout"):
        sandbox.update_config(timeout=5)
    assert sandbox.get_config().timeout == 5000


async def test_it_says_when_it_is_ready() -> None:
    sandbox = Sandbox(SandboxConfig(pool_size=1))
    assert not sandbox.is_ready()
    with pytest.raises(SandboxClosedError, match="async with"):
        await sandbox.execute("return 1")
    async with sandbox:
        assert sandbox.is_ready()
    assert not sandbox.is_ready()


async def test_it_may_be_opened_in_one_task_and_closed_in_another() -> None:
    sandbox = Sandbox(SandboxConfig(pool_size=1))
    await asyncio.create_task(sandbox.open())
    assert (await sandbox.execute("return 1")).output == 1
    await asyncio.create_task(sandbox.aclose())


# --- the synchronous door ---


def test_one_liners_need_no_event_loop() -> None:
    assert onehop.run("return 1 + 1").output == 2


async def test_one_liners_also_work_inside_an_event_loop() -> None:
    assert onehop.run("return context.a", context={"a": 1}).output == 1


# --- outputs too large to return ---


async def test_a_large_output_comes_as_a_preview_and_in_pages() -> None:
    async with Sandbox(SandboxConfig(max_output=10_000)) as sandbox:
        result = await sandbox.execute("return Array.from({ length: 9000 }, (_, i) => `é${i}`)")
        assert result.success
        assert result.output_truncated
        assert result.persisted_output_id
        assert len(result.output.encode()) <= 10_000
        pages, offset = [], 0
        while True:
            page = sandbox.read_output(result.persisted_output_id, offset, 9_999)
            assert page.complete
            pages.append(page.text)
            if page.next_offset is None:
                break
            offset = page.next_offset
        assert "".join(pages).startswith(result.output)
        assert json.loads("".join(pages)) == [f"é{i}" for i in range(9000)]


async def test_an_output_within_the_limit_comes_whole(sandbox: Sandbox) -> None:
    wire = (await sandbox.execute("return 'x'.repeat(3e6)")).to_dict()
    assert len(wire["output"]) == 3_000_000
    assert "outputTruncated" not in wire
    assert "persistedOutputId" not in wire


async def test_an_unknown_output_id_is_said_to_be_unknown(sandbox: Sandbox) -> None:
    with pytest.raises(OutputNotFoundError, match="no output is kept"):
        sandbox.read_output("nonsense")


async def test_kept_outputs_are_bounded_and_the_oldest_goes_first() -> None:
    async with Sandbox(SandboxConfig(max_output=1000, kept_outputs=50_000)) as sandbox:
        runs = [await sandbox.execute("return 'x'.repeat(30000)") for _ in range(2)]
        first, second = (run.persisted_output_id or "" for run in runs)
        assert sandbox.read_output(second).total == 30_002
        with pytest.raises(OutputNotFoundError):
            sandbox.read_output(first)


async def test_a_hundred_megabytes_neither_break_the_host_nor_the_next_run(
    sandbox: Sandbox,
) -> None:
    result = await sandbox.execute("return 'y'.repeat(1e8)", timeout=20_000)
    assert result.output_truncated or result.error_info
    assert (await sandbox.execute("return 1")).output == 1


async def test_a_log_flood_is_cut_and_said_to_be_cut(sandbox: Sandbox) -> None:
    code = "for (let i = 0; i < 3e5; i++) console.log('line ' + i); return 'end'"
    result = await sandbox.execute(code, timeout=20_000)
    assert (result.success, result.output) == (True, "end")
    assert result.logs_truncated
    assert 0 < len(result.logs) <= 10_000
    assert result.logs[:2] == ["line 0", "line 1"]


# --- the package ---


def test_importing_onehop_loads_nothing_heavy() -> None:
    probe = (
        "import sys, onehop; "
        "print([m for m in ('pydantic', 'asyncio', 'typer', 'tree_sitter') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_nothing_else() -> None:
    assert dir(onehop) == sorted(onehop.__all__)
    for name in onehop.__all__:
        assert getattr(onehop, name) is not None
    with pytest.raises(AttributeError):
        _ = onehop.nonsense


async def test_warnings_are_part_of_a_success(sandbox: Sandbox) -> None:
    result = await sandbox.execute("setTimeout(() => {}, 60_000); return [2 ** 60]")
    assert result.warnings is not None
    left, inexact = result.warnings
    assert "1 timer" in left
    assert "output[0]" in inexact
    assert result.to_dict()["warnings"] == [left, inexact]
    assert (await sandbox.execute("return 1")).warnings is None


async def test_work_that_is_left_ends_at_the_deadline(sandbox: Sandbox) -> None:
    code = "(async () => { for (;;) await null })(); return 1"
    result = await sandbox.execute(code, timeout=300)
    assert result.error_info is not None
    assert result.error_info.type == "timeout"


async def test_an_argument_that_does_not_exist_is_named_with_the_nearest(sandbox: Sandbox) -> None:
    given: Any = {"contxt": {}}
    with pytest.raises(TypeError, match=r"^execute\(\) got .*'contxt': did you mean 'context'\?$"):
        await sandbox.execute("return 1", **given)
