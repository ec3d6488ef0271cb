"""TypeScript runs right, and agents stay apart, whatever becomes of the compilers."""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from onehop import Sandbox, SandboxConfig
from onehop.backends import LocalBackend
from onehop.compiler import _compilers, _process
from onehop.errors import NotCompiledError, SandboxClosedError, WorkerStartError
from onehop.requests import check_request
from onehop.types import ExecutionResult
from onehop.workers import WorkerFactory, deno_programs
from tests.processes import (
    compilers,
    descendants,
    is_dead,
    open_descriptors,
    spawners,
    stop,
    workers,
)
from tests.users import ROOT
from tests.waiting import soon

CONFIG = SandboxConfig(pool_size=1)
NAMESPACE = "namespace N { export const x = NUMBER } return N.x"


async def run(backend: LocalBackend, code: str, agent: str = "a") -> ExecutionResult:
    checked = check_request(CONFIG, code=code, language="typescript")
    return await backend.run(checked, CONFIG.limits(5000), agent)


async def value(backend: LocalBackend, number: int, agent: str = "a") -> None:
    """Run a program that nobody has seen."""
    result = await run(backend, f"const a: number = {number};\nreturn a", agent)
    assert (result.success, result.output) == (True, number), result.error


async def until_compilers(count: int) -> list[int]:
    await soon(lambda: len(compilers()) == count, f"{count} compilers")
    return compilers()


@asynccontextmanager
async def opened(
    factory: WorkerFactory | None = None, config: SandboxConfig = CONFIG
) -> AsyncIterator[LocalBackend]:
    backend = LocalBackend(config, factory)
    await backend.open()
    try:
        yield backend
    finally:
        await backend.aclose()


# --- one agent at a time -------------------------------------------------------------------------


async def test_javascript_starts_no_compiler() -> None:
    async with Sandbox(CONFIG) as sandbox:
        for _ in range(3):
            assert (await sandbox.execute("return 1")).output == 1
            await asyncio.sleep(0.1)
        assert compilers() == []


async def test_each_agent_has_a_compiler_of_its_own_and_one_waits_for_the_next() -> None:
    async with opened() as backend:
        await value(backend, 1, "a")
        first = await until_compilers(2)
        await value(backend, 2, "b")
        second = await until_compilers(3)
        assert set(first) < set(second)
        for number, agent in enumerate("abab"):
            await value(backend, number, agent)
        assert compilers() == second


async def test_a_compiler_that_served_an_agent_ends_when_another_needs_its_place() -> None:
    async with opened(config=SandboxConfig(pool_size=1, compilers=1)) as backend:
        await value(backend, 1, "a")
        first = await until_compilers(2)
        await value(backend, 2, "b")
        await value(backend, 3, "a")
        assert not set(first) & set(await until_compilers(2))


async def test_agents_that_always_have_more_to_compile_leave_room_for_others() -> None:
    async with opened(config=SandboxConfig(pool_size=2, compilers=1)) as backend:
        busy = True

        async def hog() -> None:
            number = 0
            while busy:
                number += 2
                await asyncio.gather(value(backend, number), value(backend, number + 1))

        hogs = [asyncio.create_task(hog()) for _ in range(2)]
        async with asyncio.timeout(30):
            for number in range(3):
                await value(backend, number, f"other {number}")
        busy = False
        await asyncio.gather(*hogs)


@pytest.mark.thorough
async def test_many_agents_share_few_places() -> None:
    async with opened(config=SandboxConfig(pool_size=2, compilers=2)) as backend:
        await asyncio.gather(*(value(backend, n, f"agent {n % 6}") for n in range(18)))
        assert len(compilers()) <= 3


async def test_an_idle_compiler_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compilers, "_IDLE_SECONDS", 0.1)
    async with opened() as backend:
        await value(backend, 1)
        (first,) = compilers()
        async with asyncio.timeout(20):
            while first in compilers():
                await asyncio.sleep(0.02)
        await value(backend, 2)


async def test_what_only_v8_refuses_is_refused_each_time() -> None:
    code = "const a: number = 1;\nconst a: number = 2;\nreturn a"
    async with opened() as backend:
        for _ in range(2):
            result = await run(backend, code)
            assert "Identifier 'a' has already been declared" in (result.error or "")
            assert result.error_info is not None
            assert (result.error_info.name, result.error_info.line) == ("SyntaxError", 2)
        assert await backend.compile("return 1 as number", "a") == "return 1;"
        with pytest.raises(NotCompiledError, match="already been declared"):
            await backend.compile(code, "a")


async def test_what_v8_refuses_of_swc_runs_as_typescripts_own_compiler_has_it() -> None:
    code = "class A { accessor x: number = 1 }\nreturn new A().x"
    async with opened() as backend:
        for _ in range(2):
            result = await run(backend, code)
            assert (result.success, result.output) == (True, 1), result.error
        realms = check_request(CONFIG, code=code, language="typescript", isolation="realm")
        assert (await backend.run(realms, CONFIG.limits(5000), "b")).output == 1


async def test_what_ran_unchecked_is_checked_for_those_who_get_the_javascript() -> None:
    async with opened() as backend:
        await value(backend, 1)
        compiled = await backend.compile("const a: number = 1;\nreturn a", "a")
        assert compiled == "const a = 1;\nreturn a;"


async def test_a_program_is_compiled_once_for_an_agent_and_again_for_another() -> None:
    async with opened() as backend:
        await value(backend, 1, "a")
        for pid in await until_compilers(2):
            await stop(pid)
        await value(backend, 1, "a")
        other = asyncio.create_task(value(backend, 1, "b"))
        await asyncio.sleep(0.3)
        assert not other.done()
        for pid in compilers():
            os.kill(pid, signal.SIGCONT)
        await other


@pytest.mark.thorough
async def test_typescripts_own_compiler_is_loaded_once_for_an_agent() -> None:
    async with opened() as backend:
        for number in range(3):
            result = await run(backend, NAMESPACE.replace("NUMBER", str(number)))
            assert result.output == number
        assert len(compilers()) <= 2


# --- compilers that fail -------------------------------------------------------------------------


async def test_a_compiler_that_is_killed_is_replaced() -> None:
    async with opened() as backend:
        await value(backend, 0)
        first = await until_compilers(2)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        await value(backend, 1)
        assert not set(first) & set(await until_compilers(2))


def kill_spawners() -> list[int]:
    """With the copies that they start others by."""
    found = spawners()
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return found


def _are_dead(pids: list[int]) -> bool:
    return all(map(is_dead, pids))


@pytest.mark.sample(1)
@pytest.mark.parametrize("again", [1, 2])
async def test_a_compiler_that_is_lost_while_it_starts_is_started_again(again: int) -> None:
    """By the end of the spawner, which ends all that it has started."""
    async with opened() as backend:
        running = asyncio.create_task(value(backend, 1))
        for _ in range(again):
            await soon(lambda: bool(compilers()), "a compiler starts")
            lost = kill_spawners()
            await soon(partial(_are_dead, lost), "their end")
        await running


async def test_no_compiler_is_lost_to_a_spawner_whose_end_was_not_noticed_yet() -> None:
    async with opened() as backend:
        await value(backend, 1)
        await until_compilers(2)
        lost = [*compilers(), *kill_spawners()]
        deadline = time.monotonic() + 20
        while not _are_dead(lost) and time.monotonic() < deadline:
            time.sleep(0.001)  # on purpose not asyncio's: the event loop must not notice it
        await value(backend, 2, "b")


async def test_a_compiler_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as backend:
        await value(backend, 0)
        first = await until_compilers(2)
        result = await run(backend, NAMESPACE.replace("NUMBER", "5"))
        assert result.output == 5
        monkeypatch.setattr(_process.Compiler, "answer_seconds", 1.0)
        for pid in first:
            await stop(pid)
        result = await run(backend, "return 5 as number")
        assert not result.success  # the spare hangs as well, and there is no third attempt
        monkeypatch.setattr(_process.Compiler, "answer_seconds", 10.0)
        await value(backend, 1)


@pytest.mark.thorough
async def test_a_compiler_that_is_not_let_run_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened() as backend:
        await value(backend, 0)
        held = await until_compilers(2)
        monkeypatch.setattr(_process.Compiler, "answer_seconds", 1.0)
        for pid in held:
            await stop(pid)
        running = asyncio.create_task(run(backend, "return 5 as number"))
        await asyncio.sleep(2)  # twice the CPU time that it may use
        for pid in held:
            os.kill(pid, signal.SIGCONT)
        result = await running
        assert (result.output, compilers()) == (5, held)


@pytest.mark.sample(1)
@pytest.mark.parametrize("piece", ["(", "<T>(", "f<", "`${", "{x:", "((x: T) => "])
async def test_a_text_that_is_too_much_is_refused_in_words(piece: str) -> None:
    async with opened() as backend:
        result = await run(backend, "let x: T = 1;\n" + piece * (30_000 // len(piece)))
        assert not result.success
        assert result.error_info is not None
        if result.error_info.name != "SyntaxError":
            assert result.error_info.type == "resource_limit"
            assert "TypeScript compiler failed on this code" in result.error_info.message
        await value(backend, 1)


@pytest.mark.thorough
async def test_code_that_becomes_too_long_is_refused_in_words() -> None:
    async with opened() as backend:
        depth = 900
        result = await run(backend, "{\n" * depth + "a();" * 20_000 + "}" * depth)
        assert result.error_info is not None
        assert "too long when it is compiled" in result.error_info.message


async def test_a_run_that_is_cancelled_while_it_is_compiled_harms_no_other() -> None:
    async with opened() as backend:
        await value(backend, 0)
        task = asyncio.create_task(run(backend, NAMESPACE.replace("NUMBER", "1")))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        await value(backend, 1)
        starting = asyncio.create_task(run(backend, "return 1 as number", "b"))
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        await value(backend, 2, "c")


async def test_closing_ends_runs_that_are_being_compiled() -> None:
    async with opened() as backend:
        await value(backend, 0)
        for pid in await until_compilers(2):
            await stop(pid)
        tasks = [asyncio.create_task(run(backend, "return 1 as number")) for _ in range(3)]
        await asyncio.sleep(0.05)
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [SandboxClosedError] * 3


async def test_a_compiler_has_the_confinement_of_a_worker() -> None:
    async with opened() as backend:
        await value(backend, 0)
        (compiler, *_) = await until_compilers(2)
        worker = min(await soon(lambda: set(workers()) - set(compilers()), "an idle worker"))
        assert layers(compiler) == layers(worker)
        assert layers(compiler)["Max open files"] == ["0", "0", "files"]


def layers(pid: int) -> dict[str, list[str]]:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    found = {
        name: status[name].split()
        for name in ("Seccomp", "NoNewPrivs", "Groups", "CapEff", "CapPrm", "CapBnd")
    }
    found["users"] = ["root" if user == "0" else "other" for user in status["Uid"].split()]
    found["depth"] = [str(len(status["NSpid"].split()))]
    for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
        name = line[:26].strip()
        if name in ("Max open files", "Max file size", "Max core file size"):
            found[name] = line[26:].split()
    return found


# --- a program in its stead, which says what it likes --------------------------------------------

HOSTILE = r"""
const handler = () => {};
Deno.addSignalListener("SIGUSR2", handler);
Deno.removeSignalListener("SIGUSR2", handler);
const write = (bytes) => {
  for (let at = 0; at < bytes.length; ) at += Deno.stdout.writeSync(bytes.subarray(at));
};
const text = (text) => {
  const body = new TextEncoder().encode(text);
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  write(frame);
};
const frame = (message) => text(JSON.stringify(message));
const buffer = new Uint8Array(1 << 20);
const receive = () => {
  const count = Deno.stdin.readSync(buffer);
  if (count === null) Deno.exit(0);
  return count;
};
START;
for (;;) {
  const count = receive();
  const { id } = JSON.parse(new TextDecoder().decode(buffer.subarray(4, count)));
  const good = { id, kind: "compiled", code: "return 7", map: "AAAA" };
  ANSWER;
}
"""
READY = "frame({ id: 0, kind: 'ready' })"

ANSWERS = {
    "an end": "Deno.exit(0)",
    "garbage": "write(new TextEncoder().encode('garbage\\n'))",
    "no JSON": "text('return 7')",
    "a list": "text('[]')",
    "another number": "frame({ ...good, id: id + 1 })",
    "true for a number": "frame({ ...good, id: true })",
    "another kind": "frame({ ...good, kind: 'trusted' })",
    "a second ready": "frame({ id, kind: 'ready' })",
    "code that is not text": "frame({ ...good, code: 7 })",
    "half a character": r"text(JSON.stringify(good).replace('return', '\\ud800'))",
    "a map that is not one": "frame({ ...good, map: 'AA\"}' })",
    "no map": "frame({ ...good, map: null })",
    "a refusal without words": "frame({ id, kind: 'refused', line: 1, column: 1 })",
    "a refusal at line 0": "frame({ id, kind: 'refused', message: '', line: 0, column: 1 })",
    "a refusal at line 1.5": "frame({ id, kind: 'refused', message: '', line: 1.5, column: 1 })",
    "an answer over the bound": "frame({ ...good, code: ' '.repeat(3e6) })",
    "a flood": "for (;;) frame({ id: 0, kind: 'ready' })",
    "the library, again and again": (
        "frame({ id, kind: 'library' }); for (let n = 0; n < 9e6;) n += receive();"
        " frame({ id, kind: 'library' })"
    ),
}


def hostile(answer: str, start: str = READY) -> WorkerFactory:
    script = HOSTILE.replace("START", start).replace("ANSWER", answer)
    url = "data:application/javascript;base64," + base64.b64encode(script.encode()).decode()
    programs = dict(deno_programs())
    programs["compiler"] = [*programs["compiler"][:-2], url]
    return WorkerFactory((), CONFIG.limits(30_000), lambda: programs)


@pytest.mark.sample(2)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_that_is_none_is_a_failure_in_words(answer: str) -> None:
    async with opened(hostile(answer)) as backend:
        result = await run(backend, "return 1 as number")
        assert not result.success
        assert result.error_info is not None
        assert result.error_info.name == "CompilerError"
        checked = check_request(CONFIG, code="return 2")
        assert (await backend.run(checked, CONFIG.limits(5000), "a")).output == 2


async def test_one_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process.Compiler, "answer_seconds", 0.3)
    async with opened(hostile("")) as backend:
        began = time.monotonic()
        assert not (await run(backend, "return 1 as number")).success
        assert time.monotonic() - began < 15


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "start", ["Deno.exit(0)", "text('x')", f"{READY}; {READY}", "frame({ id: 1, kind: 'ready' })"]
)
async def test_one_that_does_not_become_ready_is_an_error_of_ours(start: str) -> None:
    async with opened(hostile("frame(good)", start)) as backend:
        try:
            result = await run(backend, "return 1 as number")
        except WorkerStartError:
            return
        assert not result.success


async def test_all_that_one_can_do_is_to_give_its_agent_other_code() -> None:
    """As SECURITY.md says; Deno gives it no permission either."""
    tries = """
    let refused = 0;
    for (const attempt of [
      () => Deno.readTextFileSync("/etc/passwd"), () => Deno.env.get("HOME"),
      () => new Deno.Command("/bin/sh").outputSync(), () => Deno.kill(1, "SIGTERM"),
      () => Deno.writeTextFileSync("/tmp/x", ""), () => Deno.listen({ port: 0 }),
    ]) { try { attempt(); } catch { refused++; } }
    globalThis.asked = (globalThis.asked ?? 0) + 1;
    frame({ ...good, code: `return [${refused}, ${asked}]` })
    """
    async with opened(hostile(tries)) as backend:
        assert (await run(backend, "return 1 as number", "a")).output == [6, 1]
        assert (await run(backend, "return 2 as number", "a")).output == [6, 2]
        assert (await run(backend, "return 1 as number", "b")).output == [6, 1]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "map_", ["AAAAA", "gggggggggggggggg", "A;;;A,,", "9999999,////,++++", "A" * 9999]
)
@pytest.mark.parametrize("code", ["null.x", "return new Error('x').stack", "let a; let a", "}"])
async def test_a_map_that_is_wrong_breaks_nothing(code: str, map_: str) -> None:
    answer = f"frame({{ ...good, code: {code!r}, map: {map_!r} }})"
    async with opened(hostile(answer)) as backend:
        result = await run(backend, "return 1 as number")
        if result.error_info is not None:
            assert result.error_info.name in ("TypeError", "SyntaxError")


# --- nothing stays behind ------------------------------------------------------------------------


@pytest.mark.thorough
def test_closing_leaves_no_process_descriptor_or_thread() -> None:
    async def use(pause: float) -> None:
        async with Sandbox(CONFIG) as sandbox:
            await sandbox.execute("return 1 as number", "typescript")
            await asyncio.sleep(pause)
            await sandbox.execute("return 2 as number", "typescript", agent_id="b")

    asyncio.run(use(0))  # the first time loads modules, and their descriptors
    gc.collect()
    before = descendants(os.getpid()), open_descriptors()
    threads = set(threading.enumerate())  # of other tests, some of them about to end
    for pause in (0, 0.2, 0.26, 0.3, 0.6):
        asyncio.run(use(pause))
    gc.collect()
    assert (descendants(os.getpid()), open_descriptors()) == before
    assert set(threading.enumerate()) <= threads


HOST = """
import asyncio
from onehop import Sandbox, SandboxConfig

async def main():
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        await sandbox.execute("return 1 as number", "typescript")
        await asyncio.sleep(1)
        print("running", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.sample(1)
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_host_is_the_end_of_its_compilers(ending: signal.Signals) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"running\n"
        found = compilers(host.pid)
        assert found
        host.send_signal(ending)
        host.wait(10)
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in found):
        assert time.monotonic() < deadline
        time.sleep(0.01)
