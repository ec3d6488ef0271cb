"""Limits are held from outside, whatever the code does, and the next run is unharmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from onehop import Sandbox, SandboxConfig
from tests.isolation import isolation  # noqa: F401 - both classes
from tests.waiting import PATIENCE

PLENTY = 120_000
"""Milliseconds for what another limit ends. A chain of closures takes 3 s of a processor to fill
64 MB, which on a busy machine are more than 15 of the clock."""

ENDLESS = {
    "a loop": "for (;;) {}",
    "an async loop": "for (;;) await new Promise((r) => setTimeout(r, 1))",
    "a microtask loop": "for (;;) await null",
    "a promise chain": "const f = () => Promise.resolve().then(f); await f()",
    "catastrophic backtracking": "return /^(a+)+$/.test('a'.repeat(50) + 'b')",
    "a timer that keeps the loop alive": ("setInterval(() => {}, 10); await new Promise(() => {})"),
    "a getter in the result": "return { get a() { for (;;) {} } }",
    "a loop in toJSON": "return { toJSON() { for (;;) {} } }",
    "a loop in a finally": "try { await new Promise(() => setTimeout(() => {}, 1e9)) } finally {}",
    "a sleep without a loop": ("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"),
}

BOMBS = {
    "arrays": "const a = []; for (;;) a.push(new Array(1e5).fill(1.5))",
    "objects": "const a = []; for (;;) a.push({ b: a.length })",
    "strings": "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length); ",
    "flattened strings": (
        "const a = []; for (;;) { const s = 'x'.repeat(1e6) + a.length; s.charCodeAt(9); a.push(s) }"
    ),
    "ArrayBuffers": "const a = []; for (;;) { const b = new ArrayBuffer(1e7); "
    "new Uint8Array(b).fill(1); a.push(b) }",
    "typed arrays": "const a = []; for (;;) a.push(new Float64Array(1e6).fill(1))",
    "one large typed array": "return new Uint8Array(2e9).fill(1).length",
    "a growing buffer": (
        "const b = new ArrayBuffer(8, { maxByteLength: 4e9 });"
        "for (let n = 1e7; ; n += 1e7) { b.resize(n); new Uint8Array(b).fill(1) }"
    ),
    "shared buffers": (
        "const a = []; for (;;) a.push(new Uint8Array(new SharedArrayBuffer(1e7)).fill(1))"
    ),
    "Maps": "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })",
    "Sets of strings": "const s = new Set(); for (let i = 0; ; i++) s.add('key' + i)",
    "Maps of strings": "const m = new Map(); for (let i = 0; ; i++) m.set('key' + i, 'value' + i)",
    "doubled strings": (
        "let s = 'xy'; const a = []; for (;;) { s += s; if (s.length > 1e8) { a.push(s);"
        "s = 'xy' + a.length } s.charCodeAt(5) }"
    ),
    "ropes": (
        "let s = ''; const a = [];"
        "for (let i = 0; ; i++) { s = i + s; if (i % 1000 === 0) a.push(s) }"
    ),
    "templates": (
        "const a = []; for (let i = 0; ; i++) a.push(`${i}:${'x'.repeat(1000)}`.toUpperCase())"
    ),
    "WeakRefs": (
        "const a = [], r = [];"
        "for (;;) { const o = { x: new Array(100).fill(1) }; a.push(o); r.push(new WeakRef(o)) }"
    ),
    "iterator helpers": (
        "const f = function* () { for (let i = 0; ; i++) yield { i } };"
        "return f().map((x) => [x]).filter(() => true).toArray()"
    ),
    "Blobs": "const a = []; for (;;) a.push(new Blob([new Uint8Array(1e6).fill(1)]))",
    "clones": "let a = [new Array(1e5).fill(1)]; for (;;) a.push(structuredClone(a[0]))",
    "encoders": (
        "const e = new TextEncoder(); const a = []; for (;;) a.push(e.encode('x'.repeat(1e6)))"
    ),
    "closures": "let f = () => 0; for (;;) { const g = f, b = new Array(100); f = () => [g, b] }",
    "a BigInt": "let b = 3n; for (;;) b = b * b",
    "promises": "const a = []; for (;;) a.push(new Promise(() => {}))",
    "a stream's queue": (
        "const s = new TransformStream(undefined, undefined, { highWaterMark: Infinity });"
        "const w = s.writable.getWriter(); for (;;) w.write(new Uint8Array(1e6).fill(1))"
    ),
    "a regular expression's stack": (
        "const a = []; for (;;) a.push('x'.repeat(1e5).match(/./g))"
    ),
    "random bytes": "const a = []; for (;;) a.push(crypto.getRandomValues(new Uint8Array(65536)))",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small() -> AsyncIterator[Sandbox]:
    config = SandboxConfig(memory_limit=64, timeout=500, timeout_max=PLENTY)
    async with Sandbox(config) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def roomy() -> AsyncIterator[Sandbox]:
    """With memory enough for a promise chain, which grows until its deadline."""
    async with Sandbox(SandboxConfig(memory_limit=1024, timeout=500)) as opened:
        yield opened


@pytest.mark.sample(4)
@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
async def test_the_deadline_ends_what_does_not_end_by_itself(roomy: Sandbox, code: str) -> None:
    async with asyncio.timeout(PATIENCE):
        result = await roomy.execute("console.log('before');" + code)
    assert result.error_info is not None
    assert result.error_info.type == "timeout", result.error
    assert result.resource_usage.timeout
    assert result.logs == ["before"]
    assert 495 <= result.execution_time < 2500
    assert (await roomy.execute("return 'unharmed'")).output == "unharmed"


@pytest.mark.sample(6)
@pytest.mark.parametrize("code", BOMBS.values(), ids=BOMBS)
async def test_memory_is_bounded_whatever_holds_it(small: Sandbox, code: str) -> None:
    result = await small.execute("console.log('before');" + code, timeout=PLENTY)
    assert result.error_info is not None
    assert result.error_info.type == "resource_limit", result.error
    assert result.error_info.name in ("MemoryLimitError", "RangeError")  # and not CPU time
    assert result.resource_usage.memory < 64 * 1.25 + 60
    assert result.logs == ["before"]
    assert (await small.execute("return 'unharmed'")).output == "unharmed"


async def test_cpu_time_is_bounded_apart_from_the_deadline() -> None:
    async with Sandbox(SandboxConfig(cpu_limit=200)) as sandbox:
        result = await sandbox.execute("console.log('before'); for (;;) {}", timeout=10_000)
        assert result.error == "CpuLimitError: the code used more than 200 ms of CPU time"
        assert result.error_info is not None
        assert result.error_info.type == "resource_limit"
        assert result.logs == ["before"]
        assert result.execution_time < 5000
        assert (await sandbox.execute("return 1")).success


async def test_peak_memory_and_cpu_time_are_measured(sandbox: Sandbox) -> None:
    idle = (await sandbox.execute("return 1")).resource_usage
    code = "const a = new Uint8Array(4e7).fill(1); let x = 0; for (let i = 0; i < 5e8; i++) x += i % 7;"
    busy = (await sandbox.execute(code + "return x + a[9]", timeout=20_000)).resource_usage
    assert idle.memory < 8
    assert 36 < busy.memory < 60
    assert busy.cpu_time > idle.cpu_time + 100


async def test_peak_memory_counts_what_was_freed_again(sandbox: Sandbox) -> None:
    code = "(() => new Uint8Array(5e7).fill(1).length)(); return 1"
    result = await sandbox.execute(code)
    assert result.resource_usage.memory > 40


async def test_a_stack_overflow_is_an_error_of_the_code(sandbox: Sandbox) -> None:
    result = await sandbox.execute("const f = () => f() + 1;\nreturn f()")
    assert result.error_info is not None
    assert (result.error_info.name, result.error_info.line) == ("RangeError", 1)
    assert result.error_info.type == "runtime"


async def test_a_promise_that_never_settles_is_said_to_never_settle(sandbox: Sandbox) -> None:
    result = await sandbox.execute("await new Promise(() => {})")
    assert result.error_info is not None
    assert result.error_info.name == "PromiseNeverSettledError"
    assert result.execution_time < 2000


async def test_cancelling_the_caller_kills_the_run_at_once(sandbox: Sandbox) -> None:
    on = asyncio.Event()
    code = "console.log('on'); for (;;) {}"
    task = asyncio.create_task(sandbox.execute(code, timeout=30_000, on_log=lambda _: on.set()))
    async with asyncio.timeout(PATIENCE):
        await on.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await sandbox.execute("return 'unharmed'")).output == "unharmed"
