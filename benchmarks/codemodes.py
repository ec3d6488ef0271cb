"""Calls of tools from inside a program, beside others that offer that; and what an MCP server over
stdio costs through onehop beside the SDK's own client."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from benchmarks import _sum_server
from benchmarks._program import Options, main, rounds
from benchmarks._report import Budget, Report
from onehop import McpUpstream, Sandbox, SandboxConfig, ToolLimits, Tools, tool

_CALLS: Final = 40
"""In one run; FastMCP's code mode allows 50."""
_OURS: Final = "onehop"
_SCRIPT: Final = "let n = 0; for (let i = 0; i < {}; i++) n = await {}; return n;"
_PYTHON: Final = (
    "n = 0\nfor i in range({}):\n    n = await call_tool('add', {{'a': i, 'b': 1}})\nreturn n"
)
Runner = Callable[[int], Awaitable[tuple[Any, float]]]
"""A run that makes so many calls, one after the other: its value, and ms of its worker's CPU."""
Found = dict[str, dict[int, list[tuple[float, float]]]]


@tool(effect="read")
async def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


async def measure(options: Options) -> Report:
    """Both."""
    report = Report("codemodes", "Calls of tools from inside a program, beside others")
    await _beside(report, options.pick(60, 10))
    await _stdio(report, options.pick(60, 10))
    report.notes += [
        f"A call: what a run with {_CALLS} calls of an async function that adds two numbers takes,"
        f" one after the other, less one without, by {_CALLS}. All take turns. CPU is that of the"
        " host's process and of the worker: on a busy machine believe that, and ratios.",
        "onehop: JavaScript, a fresh jailed process for each run, arguments checked, each call"
        " under rules and on record. pydeno: JavaScript, AsyncAgentSandbox, one session for all"
        " runs. FastMCP: CodeMode with Monty, an interpreter of Python's language, through an MCP"
        " client in memory, as it is meant to be called.",
        "Cloudflare's codemode (npm @cloudflare/codemode) runs code in a Worker that Cloudflare's"
        " own loader starts, so that it is not measured here.",
        "Over stdio: the same server and tool, by the SDK's client, by `Sandbox.call_tool`, and"
        " from inside the code, with what its run takes besides.",
    ]
    return report


# --- beside others


async def _beside(report: Report, count: int) -> None:
    async with AsyncExitStack() as stack:
        runners: dict[str, Runner] = {}
        for name, open_ in (("onehop", _onehop), ("pydeno", _pydeno), ("FastMCP", _fastmcp)):
            try:
                runners[name] = await stack.enter_async_context(open_())
                await runners[name](1)
            except Exception as error:
                runners.pop(name, None)
                report.absent[name] = f"{type(error).__name__}: {str(error)[:150]}"
        taken = await _taken(runners, count)
    ours = _each(taken[_OURS])
    table = report.table(
        "A call from inside, ms, p50",
        *("what", "time", "times onehop", "CPU", "times onehop", "CPU of a run without", "n"),
    )
    for name, of in taken.items():
        seconds, used = _each(of)
        empty = median(used for _, used in of[0])
        table.add(name, seconds, seconds / ours[0], used, used / ours[1], empty, count)


def _each(of: dict[int, list[tuple[float, float]]]) -> tuple[float, float]:
    """Time and CPU time of one call."""
    empty, whole = zip(*of[0], strict=True), zip(*of[_CALLS], strict=True)
    pairs = zip(empty, whole, strict=True)
    first, second = ((median(many) - median(none)) / _CALLS for none, many in pairs)
    return first, second


async def _taken(runners: dict[str, Runner], count: int) -> Found:
    """By name and number of calls: ms of each run, and ms of CPU time of host and worker."""
    found: Found = defaultdict(lambda: defaultdict(list))
    async for name, _ in rounds(list(runners), count, warm_up=2):
        for calls in (0, _CALLS):
            await asyncio.sleep(0.1)
            began, used = perf_counter(), process_time()
            value, worker = await runners[name](calls)
            used = (process_time() - used) * 1000 + worker
            assert value == calls, (name, value)
            found[name][calls].append(((perf_counter() - began) * 1000, used))
    return found


def _spent(pids: Iterable[int]) -> float:
    """ms of CPU time of these processes so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _children() -> set[int]:
    """The processes of this one."""
    threads = Path("/proc/self/task").iterdir()
    return {int(pid) for each in threads for pid in (each / "children").read_text().split()}


@asynccontextmanager
async def _onehop() -> AsyncIterator[Runner]:
    limits = ToolLimits(calls=_CALLS)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(add), tool_limits=limits) as sandbox:

        async def run(calls: int) -> tuple[Any, float]:
            code = _SCRIPT.format(calls, "tools.add({a: i, b: 1})")
            result = await sandbox.execute(code, timeout=30_000)
            return result.output, result.resource_usage.cpu_time

        yield run


@asynccontextmanager
async def _pydeno() -> AsyncIterator[Runner]:
    pydeno = importlib.import_module("pydeno")

    async def sum_(a: int, b: int) -> int:
        return a + b

    async with pydeno.AsyncAgentSandbox({"add": sum_}) as sandbox:

        async def run(calls: int) -> tuple[Any, float]:
            before = _spent([sandbox.worker_pid])
            value = await sandbox.run(_SCRIPT.format(calls, "add(i, 1)"))
            return value, _spent([sandbox.worker_pid]) - before

        yield run


@asynccontextmanager
async def _fastmcp() -> AsyncIterator[Runner]:
    fastmcp = importlib.import_module("fastmcp")
    mode = importlib.import_module("fastmcp.experimental.transforms.code_mode")
    server = fastmcp.FastMCP("sums", transforms=[mode.CodeMode()])

    async def sum_(a: int, b: int) -> int:
        return a + b

    server.tool(name="add")(sum_)
    async with fastmcp.Client(server) as client:

        async def run(calls: int) -> tuple[Any, float]:
            before = _spent(workers)
            told = await client.call_tool("execute", {"code": _PYTHON.format(calls)})
            value = json.loads(told.content[0].text)
            return value["result"] if isinstance(value, dict) else value, _spent(workers) - before

        others = _children()
        workers: set[int] = set()
        await run(1)
        workers |= _children() - others

        yield run


# --- over stdio


async def _stdio(report: Report, count: int) -> None:
    command = [sys.executable, str(Path(_sum_server.__file__))]
    server = McpUpstream(command=command, required=True, shared=True)
    async with (
        Client(stdio_client(StdioServerParameters(command=command[0], args=command[1:]))) as client,
        Sandbox(SandboxConfig(pool_size=1), tools=Tools(sums=server)) as sandbox,
    ):

        async def by_sdk() -> float:
            return await _timed(lambda n: client.call_tool("add", {"a": n, "b": 1}))

        async def by_host() -> float:
            return await _timed(lambda n: sandbox.call_tool("sums.add", {"a": n, "b": 1}))

        async def by_code() -> float:
            code = f"for (let a = 0; a < {_CALLS}; a++) await tools.sums.add({{a, b: 1}});"
            used = process_time()
            result = await sandbox.execute(code, timeout=30_000)
            assert result.success, result.error
            host = (process_time() - used) * 1000
            return (host + result.resource_usage.cpu_time) / _CALLS

        ways = {"the SDK's client": by_sdk, "Sandbox.call_tool": by_host, "the code": by_code}
        found: dict[str, list[float]] = defaultdict(list)
        async for name, _ in rounds(list(ways), count, warm_up=1):
            await asyncio.sleep(0.1)
            found[name].append(await ways[name]())
    medians = {name: median(taken) for name, taken in found.items()}
    sdk = medians["the SDK's client"]
    table = report.table(
        "CPU time of a call of an MCP server over stdio, without the server's, ms, p50",
        *("by", "one call", "more", "n"),
    )
    for name, taken in medians.items():
        table.add(name, taken, taken - sdk, count)
    added = medians["the code"] - sdk
    report.budgets.append(Budget("over stdio, the code adds to the SDK", added, "≤", 1, "ms"))


async def _timed(call: Callable[[int], Awaitable[Any]]) -> float:
    """ms of CPU time of one of many calls."""
    used = process_time()
    for number in range(_CALLS):
        await call(number)
    return (process_time() - used) * 1000 / _CALLS


if __name__ == "__main__":
    main("codemodes", measure)
