"""Backends as a Sandbox needs them. The suite runs on workers, and on what stands in for them."""

from __future__ import annotations

import subprocess
import sys

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
