"""Backends as a Sandbox needs them. The suite runs on workers, and on what stands in for them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from onehop import AuditConfig, ErrorInfo, Overloaded, Sandbox, SandboxConfig, open_executor
from onehop.backends import Backend, LocalBackend
from onehop.testing import Answer, FakeBackend
from onehop.testing import _backend_suite as programs
from onehop.testing.suites import BackendSuite
from onehop.types import ExecutionRequest
from tests.users import ROOT


class TestLocalBackend(BackendSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        return LocalBackend(SandboxConfig(pool_size=2))


class TestFakeBackend(BackendSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        return FakeBackend(_script)


def _script(request: ExecutionRequest) -> object:
    error = ErrorInfo(type="runtime", name="RangeError", message="too far")
    answers = {
        programs.SUM: sum(request.context.values()),
        programs.THROWS: Answer(error=error),
        programs.PRINTS: Answer(lines=["one", ("warn", "two")], output=3),
        programs.SLEEPS: Answer(seconds=20),
        programs.LARGE: "x" * 5_000_000,
    }
    return answers[request.code]


async def test_what_was_asked_is_remembered_in_order() -> None:
    backend = FakeBackend(7)
    async with Sandbox(backend=backend) as sandbox:
        await sandbox.execute("return 1", context={"a": 1})
        await sandbox.execute("return 2", "typescript")
    assert [call.code for call in backend.calls] == ["return 1", "return 2"]
    assert [call.language for call in backend.calls] == ["javascript", "typescript"]
    assert backend.calls[0].context == {"a": 1}


async def test_an_exception_is_the_codes_failure_and_onehops_own_are_raised() -> None:
    backend = FakeBackend(ValueError("no"))
    async with Sandbox(backend=backend) as sandbox:
        assert (await sandbox.execute("1")).error == "ValueError: no"
        backend.answer = Overloaded(4, retry_after=1)
        with pytest.raises(Overloaded):
            await sandbox.execute("1")


VALUES = [
    ({1}, "return new Set([1])"),
    ([math.nan, math.inf, -0.0, 2.0, 1.5, 1e300], "return [NaN, Infinity, -0, 2, 1.5, 1e300]"),
    ({"a": (1, frozenset())}, "return { a: [1, new Set()] }"),
    ({1: "x", "a": 2}, "return new Map([[1, 'x'], ['a', 2]])"),
    (2**60, "return 2n ** 60n"),
    (b"\x00\xff", "return new Uint8Array([0, 255])"),
    (bytes(70_000), "return new Uint8Array(70_000)"),
    (datetime.fromtimestamp(1.5, UTC), "return new Date(1500)"),
    ("a\ud800b", r"return 'a\ud800b'"),
    ({"a\udfff": True}, r"return { 'a\udfff': true }"),
]


async def test_an_answer_comes_back_as_a_run_would_give_it() -> None:
    circle: list[object] = [1]
    circle.append(circle)
    deep: object = 0
    for _ in range(200):
        deep = [deep]
    cases = [
        *VALUES,
        (circle, "const a = [1]; a.push(a); return a"),
        (deep, "let a = 0; for (let i = 0; i < 200; i++) a = [a]; return a"),
    ]
    backend = FakeBackend()
    async with Sandbox(backend=backend) as fake, Sandbox(SandboxConfig(pool_size=1)) as real:
        for answer, code in cases:
            backend.answer = answer
            given, expected = await fake.execute(code), await real.execute(code)
            assert json.dumps(given.output) == json.dumps(expected.output), code


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (object(), "output is of the type object"),
        ({"rows": [1, Decimal(1)]}, r"output\.rows\[1\] is of the type Decimal"),
        ({"at": datetime(2026, 1, 1)}, r"output\.at is of the type datetime"),
        (Answer(output=1 + 2j), "output is of the type complex"),
    ],
)
async def test_an_answer_that_no_run_gives_is_named(answer: object, words: str) -> None:
    async with Sandbox(backend=FakeBackend(answer)) as sandbox:
        with pytest.raises(TypeError, match=words):
            await sandbox.execute("1")


async def test_what_the_function_raises_is_the_codes_failure_but_for_assertions() -> None:
    def answer(request: ExecutionRequest) -> object:
        assert request.context
        return request.context["name"]

    async with Sandbox(backend=FakeBackend(answer)) as sandbox:
        assert (await sandbox.execute("1", context={"a": 1})).error == "KeyError: 'name'"
        with pytest.raises(AssertionError):
            await sandbox.execute("1")


async def test_a_function_may_wait_before_it_answers() -> None:
    async def answer(request: ExecutionRequest) -> int:
        return len(request.code)

    async with Sandbox(backend=FakeBackend(answer)) as sandbox:
        assert (await sandbox.execute("12345")).output == 5


async def test_it_may_be_opened_again() -> None:
    sandbox = Sandbox(backend=FakeBackend(1))
    for _ in range(2):
        async with sandbox:
            assert (await sandbox.execute("1")).output == 1


async def test_an_executor_records_what_another_backend_ran() -> None:
    audit = AuditConfig(store="memory:")
    async with open_executor(audit=audit, backend=FakeBackend({"n": 1})) as executor:
        result = await executor.execute("return {n: 1}", agent_id="ada", request_id="first")
        assert await executor.flush()
        kept = await executor.store.get("first")
    assert result.output == {"n": 1}
    assert kept is not None
    assert (kept.agent_id, kept.output) == ("ada", {"n": 1})


def test_it_needs_no_deno() -> None:
    """A process in which Deno cannot be imported runs the example."""
    program = (
        "import runpy, sys; sys.modules['deno'] = None; runpy.run_path('examples/agent_test.py')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "the agent passed, in 2 runs of nothing\n", done.stderr
