"""A worker that was taken over says what it likes on the protocol's channel; the host stays sane."""

from __future__ import annotations

import asyncio
import base64
import json
import resource

import pytest

from onehop import SandboxConfig, WorkerStartError
from onehop.backends import LocalBackend
from onehop.requests import check_request
from onehop.runs.questions import Desk, Question, Reply
from onehop.types import ExecutionResult
from onehop.workers import WorkerFactory, deno_programs

pytestmark = pytest.mark.sample(6)

# The bootstrap is not there: this is what an attacker's own code would do with the two streams.
HOSTILE = r"""
const encoder = new TextEncoder();
const read = (n) => {
  const bytes = new Uint8Array(n);
  for (let at = 0; at < n; ) {
    const count = Deno.stdin.readSync(bytes.subarray(at));
    if (count === null) throw new Error("the host closed the channel");
    at += count;
  }
  return bytes;
};
const raw = (bytes) => {
  for (let at = 0; at < bytes.length; ) at += Deno.stdout.writeSync(bytes.subarray(at));
};
const length = (n) => { const b = new Uint8Array(4); new DataView(b.buffer).setUint32(0, n); return b; };
const text = (body) => { const bytes = encoder.encode(body); raw(length(bytes.length)); raw(bytes); };
const frame = (body) => text(JSON.stringify(body));
const ready = { v: 3, token: "", kind: "ready", deno: "0", v8: "0", typescript: "0" };
const handler = () => {};
Deno.addSignalListener("SIGUSR2", handler);
Deno.removeSignalListener("SIGUSR2", handler);
BEFORE;
frame(ready);
const job = JSON.parse(new TextDecoder().decode(read(new DataView(read(4).buffer).getUint32(0))));
const token = job.token;
const result = (output) => frame({ v: 3, token, kind: "result", output, dropped: 0 });
const call = (fields) => frame({ v: 3, token, kind: "call", namespace: "", member: "m", arguments: "{}", ...fields });
const ask = (fields) => frame({ v: 3, token, kind: "ask", about: "list", subject: null, ...fields });
const log = (message) => frame({ v: 3, token, kind: "log", level: "log", message });
ATTACK;
"""

PROTOCOL_ATTACKS = {
    "an impossible length": "raw(length(0xffffffff)); raw(new Uint8Array(1000))",
    "an empty body": "raw(length(0))",
    "bytes that are not UTF-8": "raw(length(4)); raw(new Uint8Array([255, 254, 253, 252]))",
    "JSON that is no object": "text('[1]')",
    "JSON that ends early": "text('{\"v\":1')",
    "a body that is nested 100,000 deep": "text('['.repeat(1e5) + ']'.repeat(1e5))",
    "an output that is nested 100,000 deep": (
        "text(`{\"v\":3,\"token\":\"${token}\",\"kind\":\"result\",\"dropped\":0,\"output\":`"
        " + '['.repeat(1e5) + ']'.repeat(1e5) + '}')"
    ),
    "NaN": "text(`{\"v\":3,\"token\":\"${token}\",\"kind\":\"result\",\"dropped\":0,\"output\":NaN}`)",
    "a number beyond a double": (
        "text(`{\"v\":3,\"token\":\"${token}\",\"kind\":\"result\",\"dropped\":0,\"output\":[1e999]}`)"
    ),
    "a lone surrogate": (
        "text(`{\"v\":3,\"token\":\"${token}\",\"kind\":\"result\",\"dropped\":0,"
        "\"output\":\"\\\\ud800\"}`)"
    ),
    "a number of a million digits": (
        "text(`{\"v\":3,\"token\":\"${token}\",\"kind\":\"result\",\"dropped\":0,\"output\":`"
        " + '7'.repeat(1e6) + '}')"
    ),
    "another run's token": "frame({ v: 3, token: 'f'.repeat(32), kind: 'result', output: 1, dropped: 0 })",
    "no token": "frame({ v: 3, kind: 'result', output: 1, dropped: 0 })",
    "another version": "frame({ v: 1, token, kind: 'result', output: 1, dropped: 0 })",
    "an unknown kind": "frame({ v: 3, token, kind: 'exec', command: 'id' })",
    "a kind that is no string": "frame({ v: 3, token, kind: { toString: 1 } })",
    "a job for the host": "frame({ ...job })",
    "a second ready": "frame({ ...ready, token })",
    "an error that is no object": "frame({ v: 3, token, kind: 'error', error: 'x', syntax: false, dropped: 0 })",
    "an error at line -1": (
        "frame({ v: 3, token, kind: 'error', syntax: false, dropped: 0,"
        " error: { name: 'E', message: '', stack: null, line: -1, column: 1 } })"
    ),
    "a log of an unknown level": "frame({ v: 3, token, kind: 'log', level: 'fatal', message: '' })",
    "more log lines than allowed": "for (;;) log('x')",
    "more log text than allowed": "for (;;) log('x'.repeat(1e5))",
    "an output over the limit": "result('x'.repeat(3e6))",
    "a large output that unfolds": "result(new Array(2e6).fill([]))",
    "a large result that is no string": (
        "text(`{\"v\":3,\"token\":\"${token}\",\"kind\":\"result\",\"bytes\":9,\"dropped\":0,"
        "\"text\":\"a\",\"b\":[` + '[],'.repeat(1e6) + '[]]}')"
    ),
}  # fmt: skip


CALL_ATTACKS = {
    "a call with an id that another one has had": "call({ id: 1 }); call({ id: 1 })",
    "a question with the id of a call": "call({ id: 1 }); ask({ id: 1 })",
    "an id that is not a number": "call({ id: 'x' })",
    "an id beyond a double": "call({ id: 1e300 })",
    "a negative id": "call({ id: -1 })",
    "more calls than granted": "for (let id = 1; ; id++) call({ id })",
    "more questions than granted": "for (let id = 1; ; id++) ask({ id })",
    "more arguments than granted": "call({ id: 1, arguments: 'x'.repeat(1001) })",
    "arguments that are not text": "call({ id: 1, arguments: { a: 1 } })",
    "neither arguments nor a fault": "call({ id: 1, arguments: null })",
    "a name that is not text": "call({ id: 1, member: 7 })",
    "a name of a million characters": "call({ id: 1, member: 'x'.repeat(1e6) })",
    "a question about something else": "ask({ id: 1, about: 'secrets' })",
    "a million namespaces": "ask({ id: 1, namespaces: Array(1e6).fill('') })",
    "names twice": "frame({ v: 3, token, kind: 'names' }); frame({ v: 3, token, kind: 'names' })",
    "an answer": "frame({ v: 3, token, kind: 'answer', id: 1 })",
    "a large call that is not one string": (
        "text(`{\"v\":3,\"token\":\"${token}\",\"kind\":\"call\",\"id\":1,\"namespace\":\"\",\"member\":\"m\","
        "\"arguments\":\"x\",\"b\":[` + '[],'.repeat(2e5) + '[]]}')"
    ),
}  # fmt: skip


def hostile_command(attack: str, before: str = "") -> list[str]:
    script = HOSTILE.replace("ATTACK", attack).replace("BEFORE", before)
    url = "data:application/javascript;base64," + base64.b64encode(script.encode()).decode()
    return [*deno_programs()["worker"][:-4], url]


class EmptyDesk:
    """Grants ten calls of tools, and answers none of them."""

    limits_json = '{"calls":10,"asks":1000,"arguments":1000}'
    most_calls = 10
    most_arguments = 1000
    wait_seconds = 60.0
    now = None

    def names(self) -> bytes:
        return b'{"roots":[],"namespaces":{}}'

    def take(self, question: Question, reply: Reply) -> None:
        pass

    def run_out(self) -> None:
        pass


async def run_hostile(
    attack: str, *, timeout: int = 20_000, before: str = "", desk: Desk | None = None
) -> ExecutionResult:
    config = SandboxConfig(pool_size=1, max_output=100_000, max_kept_output=200_000)
    factory = WorkerFactory(
        (), config.limits(30_000), lambda: {"worker": hostile_command(attack, before)}
    )
    backend = LocalBackend(config, factory)
    await backend.open()
    try:
        checked = check_request(config, code="return 1", timeout=timeout)
        return await backend.run(checked, config.limits(timeout), "", desk=desk)
    finally:
        await backend.aclose()


@pytest.mark.parametrize("attack", PROTOCOL_ATTACKS.values(), ids=PROTOCOL_ATTACKS)
async def test_what_breaks_the_protocol_ends_the_run_as_a_security_error(attack: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = await run_hostile(attack)
    assert result.error_info is not None
    assert (result.success, result.output) == (False, None)
    assert result.error_info.type == "security", result.error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes
    json.dumps(result.to_dict(), allow_nan=False).encode()


@pytest.mark.parametrize("attack", CALL_ATTACKS.values(), ids=CALL_ATTACKS)
async def test_a_call_that_no_honest_guest_makes_ends_the_run(attack: str) -> None:
    result = await run_hostile(attack, desk=EmptyDesk())
    assert result.error_info is not None
    assert result.error_info.type == "security", result.error


@pytest.mark.parametrize(
    "attack", ["call({ id: 1 })", "ask({ id: 1 })", "frame({ v: 3, token, kind: 'names' })"]
)
async def test_a_run_without_tools_may_not_ask_for_any(attack: str) -> None:
    result = await run_hostile(attack)
    assert result.error_info is not None
    assert result.error_info.type == "security", result.error


async def test_calls_that_are_never_answered_end_when_their_time_is_over() -> None:
    ended = []

    class Impatient(EmptyDesk):
        wait_seconds = 0.1

        def run_out(self) -> None:
            ended.append(True)

    result = await run_hostile("call({ id: 1 }); read(1)", timeout=300, desk=Impatient())
    assert ended
    assert not result.success


@pytest.mark.parametrize(
    "attack", ["raw(new Uint8Array([0, 0, 1]))", "raw(length(100)); raw(new Uint8Array(50))", ""]
)
async def test_half_a_frame_and_then_an_end_is_an_early_end(attack: str) -> None:
    result = await run_hostile(attack)
    assert result.error_info is not None
    assert (result.error_info.type, result.error_info.name) == ("runtime", "WorkerExit")


async def test_silence_ends_at_the_deadline_with_the_lines_printed_before() -> None:
    result = await run_hostile("log('before'); raw(new Uint8Array([0])); for (;;) {}", timeout=400)
    assert result.error_info is not None
    assert result.error_info.type == "timeout"
    assert result.resource_usage.timeout
    assert result.logs == ["before"]
    assert 390 <= result.execution_time < 10_000


async def test_what_comes_after_the_result_is_not_read() -> None:
    result = await run_hostile("result('first'); result('second'); for (;;) log('x')")
    assert (result.success, result.output, result.logs) == (True, "first", [])


async def test_a_worker_that_goes_on_after_its_result_is_killed() -> None:
    result = await run_hostile("result(1); for (;;) {}")
    assert result.success  # and aclose() in run_hostile found nothing that it had to wait for


async def test_the_use_of_resources_is_the_hosts_own_measurement() -> None:
    burn = "const end = Date.now() + 300; while (Date.now() < end) {}"
    result = await run_hostile(
        f"const hold = new Uint8Array(4e7).fill(1); {burn};"
        "frame({ v: 3, token, kind: 'result', output: hold.length, dropped: 0, cpuTime: 0, "
        "memory: 0, executionTime: 0, success: true, enforcement: [] })"
    )
    assert result.success
    assert result.resource_usage.memory > 35
    assert result.resource_usage.cpu_time > 20  # on a busy machine it gets little of the 300
    assert result.execution_time >= 300
    assert "permissions" in result.enforcement


async def test_a_position_that_is_not_in_the_code_is_not_believed() -> None:
    result = await run_hostile(
        "frame({ v: 3, token, kind: 'error', syntax: false, dropped: 0,"
        " error: { name: 'E', message: 'm', stack: null, line: 999999, column: 5 } })"
    )
    assert result.error_info is not None
    assert (result.error_info.line, result.error_info.excerpt) == (None, None)


async def test_a_worker_that_speaks_before_its_job_never_gets_one() -> None:
    early = "frame({ v: 3, token: '', kind: 'result', output: 1, dropped: 0 })"
    with pytest.raises(WorkerStartError, match="before it was ready"):
        await run_hostile("result(1)", before=early)


def idle_backend(attack: str) -> LocalBackend:
    config = SandboxConfig(pool_size=1)
    command = [*deno_programs()["worker"][:-4], _ready_then(attack)]
    return LocalBackend(
        config, WorkerFactory((), config.limits(30_000), lambda: {"worker": command})
    )


async def test_a_worker_that_says_more_than_ready_never_waits_for_a_job() -> None:
    backend = idle_backend("raw(new Uint8Array([0, 0, 0, 1, 0])); read(1)")
    try:
        await backend.open()  # when the host was the quicker one; else it raises
        await dropped(backend)
    except WorkerStartError as error:
        assert "out of turn" in str(error)  # noqa: PT017 - both ways are right
    finally:
        await backend.aclose()


async def test_an_idle_worker_that_speaks_out_of_turn_is_dropped() -> None:
    pause = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);"
    backend = idle_backend(f"{pause} raw(new Uint8Array([0, 0, 0, 1, 0])); read(1)")
    await backend.open()
    try:
        await dropped(backend)
    finally:
        await backend.aclose()


async def dropped(backend: LocalBackend) -> None:
    """Return once it has no worker at hand."""
    async with asyncio.timeout(10):
        while backend.ready:
            await asyncio.sleep(0.001)


def _ready_then(attack: str) -> str:
    script = HOSTILE.split("const job")[0].replace("BEFORE;", "") + attack
    return "data:application/javascript;base64," + base64.b64encode(script.encode()).decode()
