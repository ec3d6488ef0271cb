"""The model of ``benchmarks.scaling`` on clusters of Ray: several raylets on this machine.

Runs that wait for half a second are bounded by places, not by processors, so that their rate says
on any machine whether places add up over the nodes. What Ray itself costs is in CPU time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from time import perf_counter
from typing import Any, Final

from tests.waiting import soon

from benchmarks._costs import cpu_seconds, tree
from benchmarks._program import Options
from benchmarks._report import Report
from onehop import Sandbox, SandboxConfig

_PLACES: Final = 2
"""Runs at once on a node."""
_WAIT: Final = 1.0
"""Seconds of a run that waits."""
_WAITS: Final = {
    "code": "await new Promise((done) => setTimeout(done, context.ms)); return 1",
    "context": {"ms": _WAIT * 1000},
}


async def check(report: Report, options: Options, call: Mapping[str, Any], local: float) -> None:
    """Add a table, or say why there is none; ``local`` is the CPU time of a run without Ray, ms."""
    try:
        import_module("ray")
    except ImportError:
        report.absent["Ray"] = "not installed"
        return
    table = report.table(
        f"Ray: nodes with {_PLACES} places each, and runs that wait for {_WAIT:g} s",
        *("raylets", "a second", "by the model", "share of it"),
        *("CPU of a run, ms", "beyond a local one, ms", "idle cluster, % of a core"),
    )
    for nodes in (1, 2, 4):
        rate, cpu, idle = await _measure(nodes, options, call)
        model = nodes * _PLACES / _WAIT
        table.add(nodes, rate, model, rate / model, cpu, cpu - local, idle)


async def _measure(
    nodes: int, options: Options, call: Mapping[str, Any]
) -> tuple[float, float, float]:
    backends = import_module("onehop.cluster")
    config = SandboxConfig(pool_size=_PLACES, max_concurrency=_PLACES, max_queue=1000)
    with _cluster(nodes):
        backend = backends.RayBackend(config)
        async with Sandbox(config, backend=backend) as sandbox:
            await soon(lambda: len(backend.nodes) == nodes, "all nodes")
            await _map(sandbox, call, 8 * nodes, nodes)
            idle = await _idle(options.pick(10.0, 3.0))
            waits = nodes * _PLACES * options.pick(8, 3)
            began = perf_counter()
            await _map(sandbox, _WAITS, waits, nodes)
            rate = waits / (perf_counter() - began)
            runs = options.pick(300, 40)
            before, began = _cpu(), perf_counter()
            await _map(sandbox, call, runs, nodes)
            spent = _cpu() - before - idle * (perf_counter() - began)
    return rate, spent / runs * 1000, idle * 100


async def _map(sandbox: Sandbox, call: Mapping[str, Any], runs: int, nodes: int) -> None:
    requests = (dict(call) for _ in range(runs))
    async for result in sandbox.map(requests, concurrency=nodes * _PLACES, ordered=False):
        assert result.success, result


async def _idle(seconds: float) -> float:
    """CPU seconds a second of a cluster that has nothing to do."""
    before = _cpu()
    await asyncio.sleep(seconds)
    return (_cpu() - before) / seconds


def _cpu() -> float:
    return cpu_seconds(tree(os.getpid()))


@contextmanager
def _cluster(nodes: int) -> Iterator[None]:
    os.environ["RAY_AUTH_MODE"] = "disabled"
    ray = import_module("ray")
    cluster: Any = import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0}
    )
    for _ in range(nodes):
        cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()
