"""What all adapters share, without a framework; tests/adapters tries each with its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
import pytest_asyncio
from anyio import to_thread
from anyio.from_thread import BlockingPortal

from onehop import AuditConfig, Executor, Overloaded, Sandbox, SandboxConfig, open_executor
from onehop.adapters._blocking import blocking
from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._rounds import Program, TooManyCallsError, run_in_rounds
from onehop.adapters._runner import Runner
from onehop.client import AgentClient, SyncAgentClient
from onehop.definition import INPUT_SCHEMA
from onehop.errors import ConfigError, InvalidRequestError, SandboxClosedError
from onehop.types import ExecutionResult, ResourceUsage
from tests.client.served import Served

SUM = {"code": "return context.a + context.b", "context": {"a": 1, "b": 41}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def executor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Executor]:
    folder = tmp_path_factory.mktemp("executor")
    audit = AuditConfig(store=f"sqlite:///{folder}/onehop.db", journal=f"{folder}/journal")
    async with open_executor(SandboxConfig(pool_size=1), audit=audit) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with Served(tmp_path_factory.mktemp("server")) as served:
        yield served


# --- whoever runs the code ---


async def test_a_sandbox_runs_it(sandbox: Sandbox) -> None:
    answer = await CodeExecute(sandbox, "ada")(SUM)
    assert answer.text == "42"
    assert answer.data["output"] == 42


async def test_a_sandbox_refuses_a_name_that_the_tool_does_not_have(sandbox: Sandbox) -> None:
    answer = await CodeExecute(sandbox)({"script": "return 1"})
    assert answer.text.startswith("Error (invalid request): script: got an unknown field")
    assert answer.data["success"] is False


async def test_a_call_without_code_is_answered(sandbox: Sandbox) -> None:
    answer = await CodeExecute(sandbox)({})
    assert answer.text.startswith("Error (invalid request): code: got None")


async def test_an_executor_repairs_names_and_values(executor: Executor) -> None:
    call = {"script": "return context.n", "context": '{"n": 42}', "timeout": "900", "lang": "js"}
    answer = await CodeExecute(executor, "ada")(call)
    assert answer.text.startswith("Output:\n42\n\nCorrected before the run:")
    assert len(answer.data["corrections"]) == 5


async def test_a_client_runs_it_on_its_server(server: Served) -> None:
    key = server.keys["ada"]
    async with AgentClient(agent_id="ada", api_key=key, server_url=server.url) as client:
        execute = CodeExecute(client)
        assert (await execute(SUM)).text == "42"
        failed = await execute({"script": "return context.name.first"})
        assert failed.text.startswith("Error (runtime): TypeError")
        assert "script" in failed.text  # it was repaired
        refused = await execute({"code": "return 1", "timeout": 1_000_000})
        assert refused.text.startswith("Error (invalid request): timeout: ")


async def test_a_client_takes_no_other_agent(server: Served) -> None:
    client = AgentClient(api_key=server.keys["ada"], server_url=server.url)
    with pytest.raises(ConfigError, match="agent_id: a client runs code as the agent"):
        CodeExecute(client, "eve")


async def test_an_agent_id_that_cannot_be_kept_is_refused_at_once(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequestError, match="agent_id"):
        CodeExecute(sandbox, "a\nb")


class Alone:
    """A runner with ``execute`` and nothing else, as a program may have its own."""

    def __init__(self, outcome: ExecutionResult | Exception) -> None:
        self.outcome = outcome

    async def execute(self, *_arguments: Any, **_options: Any) -> ExecutionResult:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_a_full_queue_is_an_answer_that_says_to_wait() -> None:
    answer = await CodeExecute(Alone(Overloaded(9, 1.5)))(SUM)
    assert answer.text.startswith("Error (try again later): the sandbox is overloaded")


async def test_what_is_the_hosts_fault_is_an_exception() -> None:
    with pytest.raises(SandboxClosedError):
        await CodeExecute(Sandbox())(SUM)


async def test_a_long_text_is_cut_and_says_so(sandbox: Sandbox) -> None:
    answer = await CodeExecute(sandbox)({"code": "return 'x'.repeat(100_000)"})
    assert len(answer.text) < 66_000
    assert "(34466 more characters are left out. Return less" in answer.text
    assert len(answer.data["output"]) == 100_000


async def test_warnings_are_in_the_text_also_when_the_output_is_cut() -> None:
    warned = ExecutionResult(
        success=True,
        output="x" * 100_000,
        code_hash="0",
        resource_usage=ResourceUsage(memory=0),
        logs=["the last line"],
        warnings=["work was left behind"],
    )
    answer = await CodeExecute(Alone(warned))(SUM)
    assert answer.text.endswith("Console:\nthe last line\n\nWarnings:\n- work was left behind")
    assert len(answer.text) < 66_000
    assert answer.data["warnings"] == ["work was left behind"]


def test_the_schema_is_a_copy_that_may_be_changed() -> None:
    schema()["properties"].clear()
    assert INPUT_SCHEMA["properties"]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("extra", "package"),
    [
        ("agent-framework", "agent_framework"),
        ("fastmcp", "fastmcp.exceptions"),
        ("google-adk", "google.adk.tools.base_tool"),
        ("langchain", "langchain_core.tools"),
        ("openai-agents", "agents"),
        ("pydantic-ai", "pydantic_ai"),
        ("smolagents", "smolagents"),
    ],
)
def test_a_missing_framework_is_named_with_the_command_that_installs_it(
    extra: str, package: str
) -> None:
    module = f"onehop.adapters.{extra.replace('-', '_')}"
    code = f"import sys; sys.modules[{package!r}] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert f"ImportError: this adapter needs {extra}: pip install 'onehop[{extra}]'" in str(
        done.stderr, "utf-8"
    )


def test_importing_the_adapters_loads_no_framework_and_no_sandbox() -> None:
    code = "import sys, onehop.adapters._call; print(json.dumps([*sys.modules]))"
    printed = subprocess.check_output([sys.executable, "-c", f"import json; {code}"])
    loaded = json.loads(printed)
    assert not {"mcp", "mcp_types", "sqlalchemy", "fastapi", "onehop.sandbox"} & set(loaded)


# --- from code that is not async ---


async def test_a_portal_leads_from_a_thread_to_the_loop(executor: Executor) -> None:
    async with BlockingPortal() as portal:
        execute = blocking(executor, portal, "ada")
        assert (await to_thread.run_sync(execute, SUM)).text == "42"


async def test_a_portal_of_the_same_thread_is_refused(executor: Executor) -> None:
    async with BlockingPortal() as portal:
        with pytest.raises(RuntimeError, match="event loop thread"):
            blocking(executor, portal)(SUM)


async def test_an_async_runner_without_a_portal_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="portal: this Sandbox belongs to an event loop"):
        blocking(sandbox, None)


async def test_a_sync_client_needs_no_portal(server: Served) -> None:
    def work() -> list[str]:
        with SyncAgentClient(api_key=server.keys["ada"], server_url=server.url) as client:
            execute = blocking(client, None)
            return [execute(call).text for call in (SUM, {"code": "return 1", "timeout": 9e9})]

    first, second = await to_thread.run_sync(work)
    assert first == "42"
    assert second.startswith("Error (invalid request): timeout: ")


async def test_an_async_client_without_a_portal_is_refused(server: Served) -> None:
    client = AgentClient(api_key=server.keys["ada"], server_url=server.url)
    with pytest.raises(ConfigError, match="portal: this AgentClient belongs to an event loop"):
        blocking(client, None)


async def test_a_sync_client_cannot_be_awaited(server: Served) -> None:
    client: Any = SyncAgentClient(api_key=server.keys["ada"], server_url=server.url)
    with pytest.raises(ConfigError, match="runner: this adapter is async"):
        CodeExecute(client)


# --- calls of the host, in rounds ---


async def rounds(runner: Runner, code: str, **functions: Any) -> ExecutionResult:
    async def execute(text: str, context: dict[str, Any]) -> ExecutionResult:
        return await runner.execute(text, context=context)

    program = Program(code, "javascript", list(functions))
    return await run_in_rounds(execute, program, {"n": 20}, functions, (LookupError,))


async def test_code_gets_the_answers_of_functions_async_or_not(sandbox: Sandbox) -> None:
    async def double(number: int) -> int:
        await anyio.sleep(0.01)
        return number * 2

    code = "return await double(context.n) + await add(1, 1)"
    result = await rounds(sandbox, code, double=double, add=lambda a, b: a + b)
    assert result.output == 42


@pytest.mark.thorough
async def test_code_that_calls_nothing_runs_once(sandbox: Sandbox) -> None:
    result = await rounds(sandbox, "return [context.n, typeof double]", double=abs)
    assert result.output == [20, "function"]


async def test_an_exception_that_is_no_refusal_ends_it(sandbox: Sandbox) -> None:
    def broken() -> None:
        raise ZeroDivisionError("of the host")

    with pytest.raises(ZeroDivisionError, match="of the host"):
        await rounds(sandbox, "try { await broken() } catch { return 1 }", broken=broken)


@pytest.mark.thorough
async def test_an_error_has_its_place_and_its_console_lines(sandbox: Sandbox) -> None:
    def refuse() -> None:
        raise LookupError("not here")

    result = await rounds(sandbox, "console.log('once');\n  await refuse()", refuse=refuse)
    assert result.error == "Error: not here (line 2, column 9)"
    assert result.error_info is not None
    assert result.error_info.excerpt == " 2 |   await refuse()\n   |         ^"
    assert result.logs == ["once"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "forged",
    [
        "{ asked: [] }",
        "{ asked: [{ name: 'other', args: [], words: '' }] }",
        "{ asked: [1] }",
        "{ asked: Array(2000).fill({ name: 'f', args: [], words: '' }) }",
    ],
)
async def test_code_that_forges_its_calls_is_refused(sandbox: Sandbox, forged: str) -> None:
    async def execute(_text: str, _context: dict[str, Any]) -> ExecutionResult:
        return await sandbox.execute(f"return {forged}")

    program = Program("return 1", "javascript", ["f"])
    with pytest.raises(TooManyCallsError):
        await run_in_rounds(execute, program, {}, {"f": abs}, ())


async def test_cancelling_between_rounds_cancels_the_function(sandbox: Sandbox) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    work = asyncio.create_task(rounds(sandbox, "return await wait()", wait=wait))
    async with asyncio.timeout(10):
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert ended.is_set()
