"""Runs on a real cluster of Ray: several raylets on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import ray as untyped_ray
from ray.cluster_utils import Cluster

from onehop import Sandbox, SandboxConfig, SandboxUnavailableError
from onehop.backends import Backend
from onehop.cluster import RayBackend
from onehop.config import AuditConfig
from onehop.execution.compose import open_executor
from onehop.testing.suites import BackendSuite
from onehop.types import ExecutionResult, LogEntry, Progress
from tests.processes import workers
from tests.users import ROOT
from tests.waiting import soon

ray: Any = untyped_ray
os.environ["RAY_AUTH_MODE"] = (
    "disabled"  # or a token of this user's would be asked for, if there is one
)
pytestmark = pytest.mark.filterwarnings(  # Ray leaves files of its logs open
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
CLIENT_PORT = 10001
"""Below those that Ray gives to its workers."""
SLEEPS = "await new Promise((resolve) => setTimeout(resolve, 20_000))"
NAPS = "await new Promise((resolve) => setTimeout(resolve, context.ms)); return context.n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head that runs nothing, and two nodes with a CPU each."""
    head = {"num_cpus": 0, "ray_client_server_port": CLIENT_PORT}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(autouse=True)
async def whole(cluster: Cluster) -> None:
    """Each test begins with two nodes that have nothing to do."""
    alive = [node for node in cluster.worker_nodes if _is_alive(node)]
    for _ in range(2 - len(alive)):
        cluster.add_node(num_cpus=1)
    await soon(lambda: ray.available_resources().get("CPU") == 2.0, "two free nodes")


def _is_alive(node: Any) -> bool:
    return any(each["NodeID"] == node.node_id and each["Alive"] for each in ray.nodes())


class TestRayBackend(BackendSuite):
    @pytest.fixture
    def backend(self, cluster: Cluster) -> Backend:
        return RayBackend(address=cluster.address)


@asynccontextmanager
async def opened(nodes: int = 2, **settings: Any) -> AsyncIterator[tuple[Sandbox, RayBackend]]:
    """A sandbox whose backend has that many nodes."""
    backend = RayBackend(SandboxConfig(**settings))
    async with asyncio.timeout(90), Sandbox(backend=backend) as sandbox:
        await soon(lambda: len(backend.nodes) == nodes, "all nodes")
        yield sandbox, backend


async def test_runs_are_spread_over_the_nodes_by_what_is_free() -> None:
    async with opened(max_concurrency=2) as (sandbox, backend):
        runs = [_begin(sandbox, SLEEPS) for _ in range(4)]
        await soon(lambda: sorted(backend.nodes.values()) == [2, 2], "two runs on each")
        for run in runs:
            run.cancel()
        await asyncio.wait(runs)
        await soon(lambda: sorted(backend.nodes.values()) == [0, 0], "nothing on either")
        assert (await sandbox.execute("return 1")).output == 1


async def test_a_cancelled_run_ends_on_its_node_too() -> None:
    async with opened(pool_size=1, max_concurrency=1) as (sandbox, _):
        runs = [_begin(sandbox, "for (;;) {}", timeout=25_000) for _ in range(2)]
        await asyncio.sleep(1)
        for run in runs:
            run.cancel()
        await asyncio.wait(runs)
        async with asyncio.timeout(10):  # each node runs one at a time
            results = await asyncio.gather(*(sandbox.execute("return 1") for _ in range(4)))
        assert [result.output for result in results] == [1, 1, 1, 1]


async def test_what_the_code_shows_comes_to_the_callers_process() -> None:
    code = """
        progress(0.5, 'half');
        show('x'.repeat(200_000), { title: 'Long' });
        show({ n: 1 });
        let error; try { await store.get('k') } catch (e) { error = e.message }
        return error;
    """
    heard: list[Progress] = []
    async with opened() as (sandbox, _):
        result = await sandbox.execute(code, on_progress=heard.append)
        assert [(each.fraction, each.message) for each in heard] == [(0.5, "half")]
        shown = result.artifacts or []
        assert [each.size for each in shown] == [200_000, 12]
        assert "this call is in none" in result.output


async def test_agents_take_turns_where_there_is_no_room() -> None:
    order: list[str] = []

    async def run(sandbox: Sandbox, agent: str) -> None:
        await sandbox.execute(NAPS, context={"ms": 100, "n": 1}, agent_id=agent)
        order.append(agent)

    async with opened(pool_size=1, max_concurrency=1) as (sandbox, _):
        many = [asyncio.create_task(run(sandbox, "greedy")) for _ in range(12)]
        await asyncio.sleep(0.05)
        await asyncio.gather(run(sandbox, "modest"), *many)
    assert order.index("modest") < 6


async def test_the_codes_tools_run_in_the_callers_process() -> None:
    pids: list[int] = []

    async def double(n: int) -> int:
        """Twice as much."""
        pids.append(os.getpid())
        await asyncio.sleep(0.01)
        return 2 * n

    code = """
        const all = await Promise.all([1, 2, 3].map((n) => tools.double({ n })));
        console.log('doubled', all);
        const found = await tools.$search('twice');
        let error; try { await tools.double({ n: 'x' }) } catch (e) { error = e.code }
        return { all, found: found.map((hit) => hit.path), error };
    """
    lines: list[LogEntry] = []
    async with opened() as (sandbox, _):
        result = await sandbox.execute(code, tools=[double], on_log=lines.append)
    assert result.output == {"all": [2, 4, 6], "found": ["double"], "error": "invalid_arguments"}
    assert [line.message for line in lines] == ["doubled [ 2, 4, 6 ]"]
    assert set(pids) == {os.getpid()}
    assert len(result.tool_calls or ()) == 4


async def test_a_snippet_in_typescript_is_called_by_code_on_a_node(tmp_path: Path) -> None:
    async def years(name: str) -> int:
        """How old somebody is."""
        return len(name)

    saved = """
        interface Person { name: string; years: number }
        enum Unit { Years = 1 }
        const people: Person[] = await Promise.all(context.names.map(
            async (name: string) => ({ name, years: Unit.Years * await tools.years({ name }) }),
        ));
        return people;
    """
    audit = AuditConfig(store=f"sqlite:///{tmp_path / 'onehop.db'}", journal=str(tmp_path / "j"))
    async with (
        asyncio.timeout(90),
        open_executor(SandboxConfig(backend="ray"), audit=audit, tools=[years]) as executor,
    ):
        first = await executor.execute(
            saved, "typescript", context={"names": ["Ada"]}, agent_id="bot", request_id="first"
        )
        assert first.success, first.error
        await executor.flush()
        await executor.snippets.save("ages", "first", by="ann", agent_id="bot")
        code = "const all = await snippets.ages({ names: context.names }); return all"
        for language in ("javascript", "typescript"):
            called = await executor.execute(
                code, language, context={"names": ["Bo", "Cleo"]}, agent_id="bot"
            )
            assert called.output == [
                {"name": "Bo", "years": 2}, {"name": "Cleo", "years": 4}
            ], called.error  # fmt: skip


async def test_a_run_whose_node_is_lost_is_run_again_elsewhere(cluster: Cluster) -> None:
    async with opened(timeout_max=30_000) as (sandbox, backend):
        run = _begin(sandbox, NAPS, context={"ms": 4_000, "n": 7}, timeout=20_000)
        await soon(lambda: 1 in backend.nodes.values(), "the run")
        cluster.remove_node(_node(cluster, _busy(backend)), allow_graceful=False)
        result: ExecutionResult = await run
        assert (result.output, result.error) == (7, None)
        assert len(backend.nodes) == 1


async def test_a_run_that_has_called_a_tool_is_not_run_again(cluster: Cluster) -> None:
    called: list[int] = []

    def note(n: int) -> None:
        """Write it down."""
        called.append(n)

    async with opened() as (sandbox, backend):
        code = f"await tools.note({{ n: 1 }}); {SLEEPS}"
        run = _begin(sandbox, code, tools=[note], timeout=25_000)
        await soon(lambda: called, "the call")
        cluster.remove_node(_node(cluster, _busy(backend)), allow_graceful=False)
        result: ExecutionResult = await run
    assert called == [1]
    assert not result.success
    assert result.error_info is not None
    assert (result.error_info.type, result.error_info.name) == ("internal", "NodeLostError")
    assert [call.outcome for call in result.tool_calls or ()] == ["ok"]


async def test_the_pool_recovers_when_its_process_is_killed_and_when_a_node_comes(
    cluster: Cluster,
) -> None:
    async with opened() as (sandbox, backend):
        pids = {await _pid(sandbox) for _ in range(1)}
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        results = await asyncio.gather(*(sandbox.execute("return 1") for _ in range(8)))
        assert [result.output for result in results] == [1] * 8
        await soon(lambda: len(backend.nodes) == 2, "the node again")
        cluster.add_node(num_cpus=1)
        await soon(lambda: len(backend.nodes) == 3, "the new node")
    cluster.remove_node(cluster.worker_nodes.copy().pop())


async def test_no_run_fails_while_the_nodes_are_restarted_one_after_the_other() -> None:
    results: list[ExecutionResult] = []

    async def go_on(sandbox: Sandbox, stop: asyncio.Event) -> None:
        while not stop.is_set():
            results.append(await sandbox.execute(NAPS, context={"ms": 20, "n": 1}))

    async with opened() as (sandbox, backend):
        stop = asyncio.Event()
        load = [asyncio.create_task(go_on(sandbox, stop)) for _ in range(6)]
        await backend.restart()
        assert len(backend.nodes) == 2
        stop.set()
        await asyncio.gather(*load)
    assert len(results) > 6
    assert all(result.output == 1 for result in results)


async def test_closing_leaves_no_worker_behind() -> None:
    async with opened() as (sandbox, _):
        await sandbox.execute("return 1")
        assert workers(), "the nodes are children of this process here"
    await soon(lambda: not workers(), "the end of all workers")


async def test_a_cluster_without_cpus_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onehop.backends.cluster.backend._OPEN_SECONDS", 3)
    with pytest.raises(SandboxUnavailableError, match="each needs onehop and free CPUs"):
        await RayBackend(cpus_per_node=64).open()


async def test_the_settings_choose_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEHOP_BACKEND", "ray")
    async with asyncio.timeout(60), Sandbox() as sandbox:
        assert (await sandbox.execute("return 6 * 7")).output == 42
        await soon(lambda: len([*_actors()]) == 2, "a pool on each node")


async def test_the_autoscaler_is_asked_while_runs_wait_and_idle_nodes_are_given_back(
    cluster: Cluster,
) -> None:
    """The part of the autoscaler is played here: it brings a node when one is asked for."""
    cluster.remove_node(cluster.worker_nodes.copy().pop())
    await soon(lambda: sum(_is_alive(node) for node in cluster.worker_nodes) == 1, "one node")
    config = SandboxConfig(pool_size=1, max_concurrency=1)
    backend = RayBackend(config, autoscale=True, idle_seconds=2)
    async with asyncio.timeout(90), Sandbox(backend=backend) as sandbox:
        assert len(backend.nodes) == 1
        naps = {"context": {"ms": 4_000, "n": 1}}
        runs = [_begin(sandbox, NAPS, **naps) for _ in range(5)]
        await soon(lambda: _asked_for() == 2, "the autoscaler's order")
        cluster.add_node(num_cpus=1)
        await soon(lambda: len(backend.nodes) == 2, "the new node")
        assert [(await run).output for run in runs] == [1] * 5
        await soon(lambda: len(backend.nodes) == 1, "the return of a node")
        await soon(lambda: _asked_for() == 1, "the smaller order")
    assert _asked_for() == 0


def _asked_for() -> float:
    """CPUs that the autoscaler should see to: it reads them there."""
    from ray.experimental.internal_kv import _internal_kv_get

    order = json.loads(_internal_kv_get("autoscaler_resource_request") or "[]")
    return float(sum(bundle["CPU"] for bundle in order))


async def test_the_caller_may_be_outside_the_cluster() -> None:
    program = """
import asyncio
from onehop import Sandbox

def add(a: int, b: int) -> int:
    return a + b

async def main() -> None:
    async with Sandbox() as sandbox:
        code = "console.log('hello'); return await tools.add({ a: 1, b: 2 })"
        result = await sandbox.execute(code, tools=[add], on_log=lambda line: print(line.message))
        print(result.output)

asyncio.run(main())
"""
    surroundings = {**os.environ, "ONEHOP_BACKEND": f"ray://127.0.0.1:{CLIENT_PORT}"}
    assert await _run(sys.executable, "-c", program, env=surroundings) == "hello\n3\n"


@pytest.mark.parametrize(
    ("example", "prints"),
    [
        ("ray_data.py", "program 1: reward 1\nprogram 2: reward 0\nprogram 3: reward 0\n"),
        ("ray_serve.py", "the answer is 42\n"),
    ],
)
async def test_the_examples_run(cluster: Cluster, example: str, prints: str) -> None:
    surroundings = {**os.environ, "RAY_ADDRESS": cluster.address}
    path = ROOT / "examples" / "cluster" / example
    printed = await _run(sys.executable, str(path), env=surroundings)
    assert prints in printed


async def _run(*command: str, env: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(100):
        printed, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-3000:]
    return printed.decode()


def _begin(sandbox: Sandbox, code: str, **arguments: Any) -> asyncio.Task[ExecutionResult]:
    arguments.setdefault("timeout", 20_000)
    return asyncio.create_task(sandbox.execute(code, **arguments))


def _busy(backend: RayBackend) -> str:
    return next(node_id for node_id, used in backend.nodes.items() if used)


def _node(cluster: Cluster, node_id: str) -> Any:
    return next(node for node in cluster.worker_nodes if node.node_id == node_id)


async def _pid(sandbox: Sandbox) -> int:
    """That of a pool's process."""
    await sandbox.execute("return 1")
    return next(_actors())


def _actors() -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue
            if b"ray::NodePool" in command:
                yield int(name)
