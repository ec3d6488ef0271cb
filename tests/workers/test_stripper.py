"""TypeScript runs right whatever becomes of the stripper, and the stripper is in the jail."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from onehop import Sandbox, SandboxConfig
from onehop.backends import LocalBackend
from onehop.requests import check_request
from onehop.types import ExecutionResult
from onehop.workers import WorkerFactory, deno_programs
from tests.processes import descendants, open_descriptors, strippers, threads, workers
from tests.users import ROOT

CONFIG = SandboxConfig(pool_size=1)
QUICK = "(a        ) => a"
"""What is left of the function where its types were blanked."""
LONG = "(a)=>a"
"""And where the compiler printed it."""


def program(number: int) -> str:
    """One that says by which way it came, and that nobody has seen."""
    return f"const f = (a: number) => a;\nreturn [f.toString(), {number} as number]"


async def run(backend: LocalBackend, code: str) -> ExecutionResult:
    checked = check_request(CONFIG, code=code, language="typescript")
    return await backend.run(checked, CONFIG.limits(5000), "")


async def way(backend: LocalBackend, number: int) -> str:
    result = await run(backend, program(number))
    assert result.success, result.error
    assert result.output[1] == number
    text: str = result.output[0]
    return text


async def until_quick(backend: LocalBackend, first: int) -> None:
    """Return when programs come the quick way."""
    async with asyncio.timeout(15):
        while await way(backend, first) != QUICK:
            first += 1
            await asyncio.sleep(0.02)


async def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            await asyncio.sleep(0.001)


@asynccontextmanager
async def opened(factory: WorkerFactory | None = None) -> AsyncIterator[LocalBackend]:
    backend = LocalBackend(CONFIG, factory)
    await backend.open()
    try:
        yield backend
    finally:
        await backend.aclose()


async def test_the_first_program_waits_for_nobody_and_later_ones_come_the_quick_way() -> None:
    async with opened() as backend:
        assert await way(backend, 0) == LONG
        await until_quick(backend, 1)
        assert len(strippers()) == 1


async def test_javascript_starts_no_stripper() -> None:
    async with Sandbox(CONFIG) as sandbox:
        for _ in range(3):
            assert (await sandbox.execute("return 1")).output == 1
            await asyncio.sleep(0.1)
        assert strippers() == []


async def test_a_stripper_that_is_killed_is_replaced() -> None:
    async with opened() as backend:
        await until_quick(backend, 0)
        (first,) = strippers()
        os.kill(first, signal.SIGKILL)
        assert await way(backend, 1000) == LONG
        await until_quick(backend, 1001)
        assert strippers() != [first]


async def test_a_stripper_that_hangs_is_not_waited_for_and_is_replaced() -> None:
    async with opened() as backend:
        await until_quick(backend, 0)
        (first,) = strippers()
        await stop(first)
        began = time.monotonic()
        assert await way(backend, 1000) == LONG
        assert time.monotonic() - began < 1
        assert await way(backend, 1001) == LONG
        await until_quick(backend, 1002)
        assert strippers() != [first]


async def test_one_program_is_asked_about_at_a_time_and_the_others_do_not_wait() -> None:
    async with opened() as backend:
        await until_quick(backend, 0)
        await stop(strippers()[0])
        ways = await asyncio.gather(*(way(backend, 1000 + number) for number in range(4)))
        assert ways == [LONG] * 4


@pytest.mark.parametrize("piece", ["(", "<T>(", "f<", "a < ", "`${", "{x:", "((x: T) => "])
async def test_texts_that_are_too_much_for_it_break_nothing_else(piece: str) -> None:
    async with opened() as backend:
        await until_quick(backend, 0)
        result = await run(backend, "let x: T = 1;\n" + piece * (30_000 // len(piece)))
        assert not result.success
        await until_quick(backend, 1000)


async def test_a_stripper_has_the_confinement_of_a_worker() -> None:
    async with opened() as backend:
        await until_quick(backend, 0)
        (stripper,) = strippers()
        await asyncio.sleep(0.3)
        worker = next(pid for pid in workers() if pid != stripper)
        assert layers(stripper) == layers(worker)
        assert layers(stripper)["Max open files"] == ["0", "0", "files"]
        assert not {"0"} & {*accounts(stripper), *accounts(worker)}


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def accounts(pid: int) -> list[str]:
    """Users and groups; each process may have its own."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return [word for line in lines if line.startswith(("Uid", "Gid")) for word in line.split()]


def layers(pid: int) -> dict[str, list[str]]:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    found = {
        name: status[name].split()
        for name in ("Seccomp", "NoNewPrivs", "Groups", "CapEff", "CapPrm", "CapBnd")
    }
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
const raw = (text) => {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; ) at += Deno.stdout.writeSync(bytes.subarray(at));
};
const question = new Uint8Array(1 << 17);
const next = () => {
  if (Deno.stdin.readSync(question) === null) Deno.exit(0);
  return new DataView(question.buffer).getUint32(4);
};
const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
START;
for (;;) {
  const number = next();
  const length = new DataView(question.buffer).getUint32(0);
  const size = new TextDecoder().decode(question.subarray(8, 8 + length)).length;
  ANSWER;
}
"""

ANSWERS = {
    "nothing": "",
    "an end": "Deno.exit(0)",
    "no line": "raw('x'.repeat(10))",
    "garbage": "raw('garbage\\n')",
    "bytes that are no text": (
        "Deno.stdout.writeSync(new Uint8Array([number + 48, 58, 255, 254, 10]))"
    ),
    "another number": "raw(`${number + 1}:x\\n`)",
    "two answers": "raw(`${number}:x\\n${number}:x\\n`)",
    "a flood": "for (;;) raw('x'.repeat(10000))",
    "an answer too short": "raw(`${number}:${'x'.repeat(size - 1)}\\n`)",
    "an answer too long": "raw(`${number}:${'x'.repeat(size + 1)}\\n`)",
    "another mark": "raw(`${number}:${'x'.repeat(size - 1)}=\\n`)",
    "a text": "raw(`${number}:${'return 7//'.padEnd(size)}\\n`)",
    "bytes beyond ASCII": "raw(`${number}:${'x'.repeat(size - 2)}é\\n`)",
    "a line end": "raw(`${number}:${'x'.repeat(size - 30)}${' '.repeat(30)}\\n`)",
    "half a character": "raw(`${number}:xxx ${'x'.repeat(size - 4)}\\n`)",
    "another number and an answer": "raw(`${number + 1}:${' '.repeat(size)}\\n`)",
}


def hostile(answer: str, start: str = "raw('ready\\n')") -> WorkerFactory:
    script = HOSTILE.replace("START", start).replace("ANSWER", answer)
    url = "data:application/javascript;base64," + base64.b64encode(script.encode()).decode()
    programs = deno_programs()
    programs["stripper"] = [*programs["stripper"][:-2], url]
    return WorkerFactory((), CONFIG.limits(30_000), lambda: programs)


async def started(backend: LocalBackend) -> None:
    """Have it start its stripper, and return when that is at hand."""
    await run(backend, "return 0 as number")
    async with asyncio.timeout(10):
        while all(b"SIGUSR2" not in decoded(pid) for pid in descendants(os.getpid())):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)


def decoded(pid: int) -> bytes:
    try:
        last = command(pid).rstrip(b"\0").split(b"\0")[-1]
        return base64.b64decode(last.partition(b"base64,")[2])
    except (OSError, ValueError):
        return b""


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_that_is_none_changes_no_program(answer: str) -> None:
    async with opened(hostile(answer)) as backend:
        await started(backend)
        code = "// 😀\nconst a: number = 1;\nreturn a + 1"
        result = await run(backend, code)
        assert (result.success, result.output) == (True, 2)


@pytest.mark.parametrize(
    "start", ["Deno.exit(0)", "raw('x\\n')", "raw('ready\\nready\\n')", "raw('1:5,1\\n')"]
)
async def test_one_that_does_not_become_ready_is_not_started_again_and_again(
    start: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "onehop")
    async with opened(hostile("", start)) as backend:
        for number in range(40):
            assert await way(backend, number) == LONG
            await asyncio.sleep(0.02)
        assert len([each for each in caplog.messages if "the stripper" in each]) <= 4


async def test_one_that_speaks_unasked_is_ended() -> None:
    async with opened(hostile("", "raw('ready\\n'); wait(300); raw('1:5,1\\n')")) as backend:
        await started(backend)
        async with asyncio.timeout(10):
            while any(b"SIGUSR2" in decoded(pid) for pid in descendants(os.getpid())):
                await asyncio.sleep(0.02)
        assert await way(backend, 1) == LONG


async def test_all_that_one_can_do_is_to_blank_parts() -> None:
    """As SECURITY.md says; and Deno gives it no permission either."""
    tries = """
    let refused = 0;
    for (const attempt of [
      () => Deno.readTextFileSync("/etc/passwd"), () => Deno.env.get("HOME"),
      () => new Deno.Command("/bin/sh").outputSync(), () => Deno.kill(1, "SIGTERM"),
      () => Deno.writeTextFileSync("/tmp/x", ""), () => Deno.listen({ port: 0 }),
    ]) { try { attempt(); } catch { refused++; } }
    raw(`${number}:` + (refused === 6 ? "xxxxx     xxxxxxxxxx    " : "no") + "\\n")
    """
    async with opened(hostile(tries)) as backend:
        await started(backend)
        result = await run(backend, "let a: any;\nreturn 1 + 1")
        assert result.output == 1


# --- nothing stays behind ----------------------------------------------------------------------


def test_closing_leaves_no_process_descriptor_or_thread() -> None:
    async def use(pause: float) -> None:
        async with Sandbox(CONFIG) as sandbox:
            await sandbox.execute("return 1 as number", "typescript")
            await asyncio.sleep(pause)
            await sandbox.execute("return 2 as number", "typescript")

    asyncio.run(use(0))  # the first time loads modules, and their descriptors
    gc.collect()
    before = descendants(os.getpid()), open_descriptors(), threads()
    for pause in (0, 0.06, 0.09, 0.12, 0.15, 0.2, 0.6):
        asyncio.run(use(pause))
    gc.collect()
    assert (descendants(os.getpid()), open_descriptors(), threads()) == before


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


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_host_is_the_end_of_its_stripper(ending: signal.Signals) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"running\n"
        (stripper,) = strippers(host.pid)
        host.send_signal(ending)
        host.wait(10)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{stripper}"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
