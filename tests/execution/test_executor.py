"""One execution: corrected, validated, announced, run and recorded, in that order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from onehop import Sandbox, SandboxConfig, source
from onehop.config import AuditConfig, CorrectionConfig
from onehop.errors import (
    InvalidRequestError,
    Overloaded,
    SandboxClosedError,
)
from onehop.events import (
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStarted,
    ExecutionTimeout,
    ResourceLimitExceeded,
    SecurityIssue,
    ValidationCompleted,
)
from onehop.execution.bus import EventBus
from onehop.execution.executor import Executor
from onehop.runs.callers import Caller
from onehop.stores.base import EventQuery, HistoryQuery, Store
from onehop.types import ExecutionResult, LogEntry
from tests.execution.conftest import Heard
from tests.waiting import PATIENCE, soon

GOOD = [
    "code:validation:started",
    "code:validation:completed",
    "code:execution:started",
    "code:execution:completed",
]
BUSY = "console.log('on'); for (;;) {}"
"""It computes: a run that waits, also for a timer, would leave its place to others."""


async def recorded(executor: Executor, store: Store, request_id: str) -> Any:
    assert await executor.flush()
    return await store.get(request_id)


# --- the order of things ---


async def test_a_good_run_is_announced_and_recorded(
    executor: Executor, store: Store, heard: Heard
) -> None:
    result = await executor.execute(
        "console.log('hi'); return context.a + 1",
        context={"a": 1},
        agent_id="ada",
        channel_id="lab",
        request_id="good",
        description="add one",
    )
    assert (result.success, result.output, result.logs) == (True, 2, ["hi"])
    assert result.request_id == "good"
    record = await recorded(executor, store, "good")
    assert record.to_dict() == {
        "requestId": "good",
        "agentId": "ada",
        "channelId": "lab",
        "language": "javascript",
        "codeHash": result.code_hash,
        "codeLength": 39,
        "codeSnippet": "console.log('hi'); return context.a + 1",
        "success": True,
        "output": 2,
        "logs": ["hi"],
        "error": None,
        "errorType": None,
        "executionTime": result.execution_time,
        "timeout": 5000,
        "memoryUsage": result.resource_usage.memory,
        "timeoutOccurred": False,
        "contextData": {"a": 1},
        "description": "add one",
        "executedAt": record.executed_at,
        "createdAt": record.created_at,
        "details": record.details,
        "runId": record.run_id,
        "repeatOf": None,
        "sequence": 1,
        "previousHash": "0" * 64,
        "hash": record.hash,
    }
    assert record.executed_at <= record.created_at
    assert record.details["enforcement"] == result.enforcement
    assert heard.types("good") == GOOD
    stored = [item.event for item in await store.events(EventQuery(request_id="good"))]
    assert stored == heard.of("good")


async def test_the_events_of_a_good_run_say_what_the_contract_says(
    executor: Executor, heard: Heard
) -> None:
    result = await executor.execute(
        "console.log(1); return 'é'", "typescript", 700, agent_id="ada", request_id="said"
    )
    await executor.flush()
    _started, validated, started, completed = heard.of("said")
    assert isinstance(validated, ValidationCompleted)
    assert (validated.safe, validated.error_count, validated.warning_count) == (True, 0, 0)
    assert validated.validation_time > 0
    assert isinstance(started, ExecutionStarted)
    assert (started.language, started.code_length, started.timeout) == ("typescript", 26, 700)
    assert isinstance(completed, ExecutionCompleted)
    assert completed.execution_time == result.execution_time
    assert (completed.output_size, completed.log_count) == (4, 1)
    assert completed.resource_usage["memory"] == result.resource_usage.memory
    assert {event.code_hash for event in heard.of("said")} == {result.code_hash}


async def test_forbidden_code_is_refused_before_any_worker_is_touched(
    executor: Executor, store: Store, heard: Heard
) -> None:
    result = await executor.execute("const x = 1;\nreturn eval('x')", request_id="evil")
    assert not result.success
    assert result.error_info is not None
    assert result.error_info.type == "validation"
    assert (result.error_info.line, result.error_info.column) == (2, 8)
    assert result.error_info.excerpt == source.excerpt("const x = 1;\nreturn eval('x')", 2, 8)
    assert result.findings is not None
    assert result.findings[0].pattern == "eval"
    assert result.enforcement == []  # no worker, no layer
    assert result.execution_time == 0
    await executor.flush()
    _started, verdict, issue, failed = heard.of("evil")
    assert isinstance(verdict, ValidationCompleted)
    assert not verdict.safe
    assert isinstance(issue, SecurityIssue)
    assert (issue.pattern, issue.line, issue.column) == ("eval", 2, 8)
    assert isinstance(failed, ExecutionFailed)
    assert failed.error_type == "validation"
    record = await recorded(executor, store, "evil")
    assert (record.success, record.error_type, record.error) == (False, "validation", result.error)
    assert record.details["risk"]["level"] == "BLOCKING"


async def test_an_error_is_a_result_with_its_place(
    executor: Executor, store: Store, heard: Heard
) -> None:
    result = await executor.execute("const a = null;\nreturn a.b", request_id="thrown")
    assert result.error_info is not None
    assert (result.error_info.type, result.error_info.line) == ("runtime", 2)
    record = await recorded(executor, store, "thrown")
    assert (record.error_type, record.error) == ("runtime", result.error)
    assert heard.types("thrown")[-1] == "code:execution:failed"


@pytest.mark.parametrize(
    ("name", "code", "resource", "limit"),
    [
        ("time", "for (;;) { if (Date.now() < 0) break }", "time", 300),
        pytest.param(
            "memory",
            "for (let a = [], i = 0; i < 1e9; i++) a.push('x' + i)",
            "memory",
            128,
            marks=pytest.mark.thorough,
        ),
    ],
)
async def test_a_limit_that_ends_a_run_is_announced_before_the_failure(
    executor: Executor, heard: Heard, name: str, code: str, resource: str, limit: float
) -> None:
    timeout = 300 if name == "time" else 20_000
    result = await executor.execute(code, timeout=timeout, request_id=name)
    await executor.flush()
    tail = list(heard.of(name)[3:])
    assert isinstance(tail[0], ResourceLimitExceeded)
    assert (tail[0].resource, tail[0].limit) == (resource, limit)
    assert tail[0].execution_time == result.execution_time
    if name == "time":
        assert tail[0].actual >= limit
        assert isinstance(tail[1], ExecutionTimeout)
        assert (tail[1].timeout, tail[1].actual_time) == (300, result.execution_time)
    assert isinstance(tail[-1], ExecutionFailed)
    assert len(tail) == (3 if name == "time" else 2)


async def test_console_lines_are_heard_while_the_code_still_runs(executor: Executor) -> None:
    heard: list[LogEntry] = []
    first = asyncio.Event()

    def listen(entry: LogEntry) -> None:
        heard.append(entry)
        first.set()

    code = "console.warn('one'); await new Promise((done) => setTimeout(done, 300)); console.log(2)"
    task = asyncio.create_task(executor.execute(code, on_log=listen))
    await asyncio.wait_for(first.wait(), 10)
    assert not task.done()
    assert [(entry.level, entry.message) for entry in heard] == [("warn", "one")]
    assert (await task).log_entries == heard


# --- bad calls ---


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "code"),
        ({"code": ""}, "code"),
        ({"code": "return 1", "wat": 1}, "wat"),
        ({"code": "return 1", "timeout": 10**9}, "timeout"),
        ({"code": "return 1", "context": [1]}, "context"),
        ({"code": "return 1", "language": "cobol"}, "language"),
        ([], "arguments"),
    ],
)
async def test_a_bad_call_is_refused_and_nothing_happens(
    executor: Executor, heard: Heard, arguments: Any, field: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await executor.call(arguments, Caller(request_id="bad"))
    assert caught.value.field == field
    assert heard.of("bad") == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["agent_id", "channel_id", "request_id"])
@pytest.mark.parametrize("value", ["a\nb", "x" * 257, "\ud800", 5])
async def test_a_caller_whose_name_cannot_be_kept_is_refused(
    executor: Executor, name: str, value: Any
) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(InvalidRequestError, match=name):
        await executor.execute("return 1", **options)


# --- corrections ---


async def test_a_call_is_repaired_and_says_how(executor: Executor) -> None:
    result = await executor.call(
        {"script": "```js\n1 + 1\n```", "lang": "JS", "timeoutMs": "900", "context": '{"a": 1}'},
        Caller(),
    )
    assert (result.success, result.output) == (True, 2)
    assert result.corrections is not None
    assert {item.field for item in result.corrections} >= {"code", "language", "timeout", "context"}


async def test_the_hash_and_the_places_are_those_of_the_code_as_it_was_submitted(
    executor: Executor, sandbox: Sandbox
) -> None:
    code = "```js\nconst a = null;\nconst b = 1; a.b.c\n```"
    result = await executor.call({"code": code}, Caller())
    assert result.code_hash == (await sandbox.execute(code)).code_hash
    assert result.error_info is not None
    assert (result.error_info.line, result.error_info.column) == (3, 16)
    assert result.error_info.excerpt == source.excerpt(code, 3, 16)


async def test_findings_are_placed_in_the_code_as_it_was_submitted(
    executor: Executor, heard: Heard
) -> None:
    result = await executor.call({"code": "1; eval('2')"}, Caller(request_id="placed"))
    assert result.findings is not None
    assert [(item.line, item.column) for item in result.findings] == [(1, 4)]
    await executor.flush()
    (issue,) = [event for event in heard.of("placed") if isinstance(event, SecurityIssue)]
    assert (issue.line, issue.column) == (1, 4)


async def test_corrections_can_be_turned_off(sandbox: Sandbox) -> None:
    strict = Executor(sandbox, corrections=CorrectionConfig(enabled=False))
    with pytest.raises(InvalidRequestError, match="timeout"):
        await strict.call({"code": "return 1", "timeout": "900"}, Caller())


# --- hints ---


async def test_a_repeated_kind_of_failure_brings_a_hint(executor: Executor) -> None:
    for number in range(3):
        result = await executor.execute(
            f"const a{number} = null; return a{number}.b", agent_id="ada"
        )
    assert result.hints
    assert "a2" not in " ".join(result.hints)


async def test_no_hint_is_about_another_error_or_another_conversation(executor: Executor) -> None:
    def call(code: str, conversation: str) -> Awaitable[ExecutionResult]:
        caller = Caller(agent_id="mcp", conversation=conversation)
        return executor.call({"code": code}, caller)

    for _ in range(4):
        await call("return null.x", "first")
    assert (await call("return missing", "first")).hints is None
    assert (await call("return null.x", "second")).hints is None
    hints = (await call("return null.x", "second")).hints
    assert hints is not None
    assert "once before: reading a property of null" in " ".join(hints)


# --- what happened before refuses nothing ---

DEEP = "for (const a of [1]) for (const b of [1]) for (const c of [1]) for (;;) return 7"


@pytest.mark.sample(1)
@pytest.mark.parametrize("failures", [1, 7])
async def test_code_that_runs_is_run_whatever_failed_before(
    executor: Executor, failures: int
) -> None:
    for number in range(failures):
        await executor.execute(f"throw new Error({number})", agent_id=f"bad {failures}")
    result = await executor.execute(DEEP, agent_id=f"bad {failures}")
    assert (result.success, result.output) == (True, 7)
    assert [each.pattern for each in result.findings or ()] == ["nested_loops"]


async def test_code_that_was_refused_is_no_failure_of_the_agent(
    executor: Executor, store: Store
) -> None:
    for _ in range(7):
        assert not (await executor.execute("eval('1')", agent_id="refused")).success
    await executor.execute("return 1", agent_id="refused", request_id="after refusals")
    record = await recorded(executor, store, "after refusals")
    factors = record.details["risk"]["factors"]
    assert factors["failureRate"] == factors["repeatedErrors"] == 0


async def test_a_refusal_says_which_rule_decided(sandbox: Sandbox, executor: Executor) -> None:
    refused = await executor.execute("return process.env; eval('1')")
    assert refused.error is not None
    assert "[rule process]" in refused.error
    strict = Executor(sandbox, level="STRICT")
    refused = await strict.execute(DEEP)
    assert refused.error is not None
    assert "[rule nested_loops, a warning, which blocks because the operator chose STRICT]" in (
        refused.error
    )
    assert (await executor.execute(DEEP)).output == 7


async def test_people_hear_of_guarded_uses_too(executor: Executor, heard: Heard) -> None:
    code = "try { return eval('1') } catch { return typeof process !== 'undefined' && process.pid }"
    result = await executor.execute(code, request_id="guarded")
    assert (result.success, result.output) == (True, False)
    assert {each.type for each in result.findings or ()} == {"warning"}
    await executor.flush()
    issues = [event for event in heard.of("guarded") if isinstance(event, SecurityIssue)]
    assert [(each.pattern, each.severity) for each in issues] == [
        ("eval", "critical"),
        ("process", "high"),
    ]


async def test_what_was_learned_survives_a_restart(
    sandbox: Sandbox, store: Store, audit: AuditConfig
) -> None:
    code = "const a = null; return a.b"
    async with Executor(sandbox, store=store, audit=audit) as first:
        for number in range(3):
            await first.execute(f"{code}{number}", agent_id="ada")
        assert await first.flush()
    async with Executor(sandbox, store=store, audit=audit) as second:
        assert (await second.execute(code, agent_id="ada")).hints


# --- the same request again ---


async def test_a_repeated_request_returns_the_first_result_and_runs_nothing(
    executor: Executor, heard: Heard
) -> None:
    first = await executor.execute("return Math.random()", agent_id="ada", request_id="twice")
    second = await executor.execute("return 'other'", agent_id="ada", request_id="twice")
    assert second == first
    await executor.flush()
    assert heard.types("twice") == GOOD


async def test_a_repeated_request_waits_for_the_first_that_still_runs(
    executor: Executor, heard: Heard
) -> None:
    code = "await new Promise((done) => setTimeout(done, 200)); return Math.random()"
    calls = [executor.execute(code, agent_id="ada", request_id="both") for _ in range(3)]
    first, *others = await asyncio.gather(*calls)
    assert first.success
    assert others == [first, first]
    await executor.flush()
    assert heard.types("both") == GOOD


async def test_a_repeated_request_is_answered_after_a_restart(
    sandbox: Sandbox, store: Store, audit: AuditConfig
) -> None:
    code = "console.warn('careful'); return [1, {a: null}]"
    async with Executor(sandbox, store=store, audit=audit) as first:
        before = await first.execute(code, agent_id="ada", request_id="again")
    async with Executor(sandbox, store=store, audit=audit) as second:
        after = await second.execute(code, agent_id="ada", request_id="again")
    assert after == before


async def test_a_failure_is_repeated_too(
    sandbox: Sandbox, store: Store, audit: AuditConfig
) -> None:
    code = "console.log(1);\nthrow new RangeError('no')"
    async with Executor(sandbox, store=store, audit=audit) as first:
        before = await first.execute(code, agent_id="ada", request_id="failed")
    async with Executor(sandbox, store=store, audit=audit) as second:
        after = await second.execute(code, agent_id="ada", request_id="failed")
    assert after == before
    assert after.error_info is not None
    assert after.error_info.excerpt == source.excerpt(code, 2, 7)


async def test_a_request_id_is_an_agents_own_and_tells_nothing_of_anothers(
    sandbox: Sandbox, store: Store, audit: AuditConfig
) -> None:
    async with Executor(sandbox, store=store, audit=audit) as first:
        hers = await first.execute("return 'secret'", agent_id="ada", request_id="same")
        his = await first.execute("return 1", agent_id="eve", request_id="same")
    assert (hers.output, his.output, his.warnings) == ("secret", 1, None)
    async with Executor(sandbox, store=store, audit=audit) as second:
        assert (await second.execute("return 2", agent_id="eve", request_id="same")).output == 1
        again = await second.execute("return 2", agent_id="ada", request_id="same")
    assert again.output == "secret"
    assert [kept.repeat_of for kept in await store.history(HistoryQuery())] == [None, None]


# --- runs that do not end by themselves ---


async def test_a_cancelled_run_is_recorded_as_cancelled(
    executor: Executor, store: Store, heard: Heard
) -> None:
    forever = "await new Promise((done) => setTimeout(done, 20000))"
    task = asyncio.create_task(executor.execute(forever, timeout=25_000, request_id="left"))
    while "code:execution:started" not in heard.types("left"):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    record = await recorded(executor, store, "left")
    assert (record.success, record.error_type) == (False, "cancelled")
    assert heard.types("left")[-1] == "code:execution:failed"


async def test_a_cancelled_run_frees_its_request_id(
    sandbox: Sandbox, store: Store, audit: AuditConfig, bus: EventBus, heard: Heard
) -> None:
    slow = "await new Promise((done) => setTimeout(done, 20_000))"
    async with Executor(sandbox, store=store, audit=audit, bus=bus) as executor:
        task = asyncio.create_task(executor.execute(slow, timeout=25_000, request_id="left"))
        while "code:execution:started" not in heard.types("left"):
            await asyncio.sleep(0.01)
        waiting = [
            asyncio.create_task(executor.execute("return Math.random()", request_id="left"))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        task.cancel()
        outputs = {(await each).output for each in waiting}
        assert len(outputs) == 1  # one of them runs, the others wait for it
        assert (await executor.execute("return 1", request_id="left")).output in outputs
    assert heard.types("left").count("code:execution:started") == 2


async def test_a_cancelled_run_frees_its_request_id_also_after_a_restart(
    sandbox: Sandbox, store: Store, audit: AuditConfig, bus: EventBus, heard: Heard
) -> None:
    slow = "await new Promise((done) => setTimeout(done, 20_000))"
    async with Executor(sandbox, store=store, audit=audit, bus=bus) as first:
        task = asyncio.create_task(first.execute(slow, timeout=25_000, request_id="left"))
        while "code:execution:started" not in heard.types("left"):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await recorded(first, store, "left")
    async with Executor(sandbox, store=store, audit=audit) as second:
        assert (await second.execute("return 7", request_id="left")).output == 7
        assert (await second.execute("return 8", request_id="left")).output == 7
        await second.flush()
        assert (await second.execute("return 8", request_id="left")).output == 7
    async with Executor(sandbox, store=store, audit=audit) as third:
        assert (await third.execute("return 9", request_id="left")).output == 7
    assert [(run.success, run.output) for run in await store.history(HistoryQuery())] == [
        (True, 7),
        (False, None),
    ]


async def test_whoever_waits_for_a_run_that_was_given_up_in_the_queue_runs_it(
    store: Store, audit: AuditConfig
) -> None:
    config = SandboxConfig(pool_size=1, max_concurrency=1)
    async with Sandbox(config) as small, Executor(small, store=store, audit=audit) as executor:
        on = asyncio.Event()
        busy = asyncio.create_task(
            executor.execute(BUSY, timeout=30_000, on_log=lambda _: on.set())
        )
        await asyncio.wait_for(on.wait(), PATIENCE)
        queued = asyncio.create_task(executor.execute("return 1", request_id="queued"))
        await asyncio.sleep(0.1)
        again = asyncio.create_task(executor.execute("return 2", request_id="queued"))
        await asyncio.sleep(0.1)
        queued.cancel()
        busy.cancel()
        assert (await again).output == 2
        await asyncio.wait([busy])


async def test_a_run_that_found_no_room_is_announced_and_may_be_tried_again(
    store: Store, bus: EventBus, heard: Heard, audit: AuditConfig
) -> None:
    config = SandboxConfig(pool_size=1, max_concurrency=1, max_queue=0)
    async with (
        Sandbox(config) as small,
        Executor(small, store=store, bus=bus, audit=audit) as executor,
    ):
        on = asyncio.Event()
        busy = asyncio.create_task(
            executor.execute(BUSY, timeout=30_000, on_log=lambda _: on.set())
        )
        await asyncio.wait_for(on.wait(), PATIENCE)
        with pytest.raises(Overloaded):
            await executor.execute("return 2", request_id="refused")
        busy.cancel()
        await asyncio.wait([busy])
        await executor.flush()
        (*_, failed) = heard.of("refused")
        assert isinstance(failed, ExecutionFailed)
        assert failed.error_type == "internal"
        assert await store.get("refused") is None
        await soon(lambda: small.pool_state().idle)  # type: ignore[union-attr]
        assert (await executor.execute("return 2", request_id="refused")).output == 2


async def test_a_closed_sandbox_is_an_error_and_leaves_the_request_free(
    store: Store, audit: AuditConfig
) -> None:
    async with Executor(Sandbox(), store=store, audit=audit) as executor:
        with pytest.raises(SandboxClosedError):
            await executor.execute("return 1", request_id="early")
    assert await store.get("early") is None


async def test_runs_in_flight_when_the_sandbox_closes_are_recorded(
    store: Store, bus: EventBus, heard: Heard, audit: AuditConfig
) -> None:
    sandbox = Sandbox(SandboxConfig(pool_size=1))
    await sandbox.open()
    executor = Executor(sandbox, store=store, bus=bus, audit=audit)
    endless = "await new Promise((done) => setTimeout(done, 20000))"
    task = asyncio.create_task(executor.execute(endless, timeout=25_000, request_id="closed"))
    while "code:execution:started" not in heard.types("closed"):
        await asyncio.sleep(0.01)
    await sandbox.aclose()
    await asyncio.wait([task])
    await executor.aclose()
    record = await store.get("closed")
    assert record is not None
    assert record.error_type == "cancelled"


# --- without a store ---


async def test_an_executor_without_a_store_keeps_nothing_but_works(sandbox: Sandbox) -> None:
    executor = Executor(sandbox)
    result = await executor.execute("return 1 + 1", agent_id="ada", request_id="once")
    assert result.output == 2
    again = await executor.execute("return 3", agent_id="ada", request_id="once")
    assert again.output == 2


async def test_large_code_and_large_results_pass(executor: Executor, store: Store) -> None:
    code = "/* " + "x" * 200_000 + " */ return 'y'.repeat(1_000_000)"
    result = await executor.execute(code, request_id="large")
    assert len(result.output) == 1_000_000
    record = await recorded(executor, store, "large")
    assert record.code_length == len(code)
    assert len(record.code_snippet) == 500
    assert len(str(record.output)) < 300_000
