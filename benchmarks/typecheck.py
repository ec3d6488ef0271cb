"""The check before a run: the first one, each one after it, what it costs a run, and its memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from tests.processes import checkers

from benchmarks._program import Options, main
from benchmarks._report import Budget, Report
from benchmarks._stats import percentile
from onehop import Sandbox, SandboxConfig, Tool, Tools
from onehop.types import CheckPolicy

_TOOLS: Final = 100
_GOAL: Final = 40.0
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "The name"},
        "limit": {"type": "integer", "default": 10},
        "kind": {"enum": ["a", "b", "c"]},
        "options": {
            "type": "object",
            "properties": {
                "deep": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
    "required": ["name"],
    "additionalProperties": False,
}
_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
                "required": ["id", "name"],
            },
        }
    },
    "required": ["items"],
}
_fresh = count()


async def _answer(**_given: Any) -> Any:
    return {"items": [{"id": 1, "name": "one"}]}


def _tools() -> Tools:
    spaces: dict[str, list[Tool]] = {}
    for number in range(_TOOLS):
        made = Tool(
            f"find_{number}",
            _answer,
            description=f"Finds things of kind {number}.",
            input_schema=_SCHEMA,
            output_schema=_ANSWER,
            effect="read",
        )
        spaces.setdefault(f"space{number % 5}", []).append(made)
    return Tools(**spaces)


def _program() -> str:
    """About 50 lines that nobody has seen, with seven calls."""
    fresh = next(_fresh)
    lines = []
    for number in range(7):
        space, tool = number % 5, number % 5 + 5 * (number + fresh % 10)
        lines += [
            f"const r{number} = await tools.space{space}.find_{tool}(",
            f'  {{name: "x{fresh}", limit: {number}, options: {{deep: true, tags: ["t"]}}}},',
            ");",
            f"const names{number} = r{number}.items.map((item) => item.name.toUpperCase());",
            f"for (const item of r{number}.items) {{",
            f"  if (item.id > {number} && names{number}.includes(item.name)) console.log(item);",
            "}",
        ]
    return "\n".join([*lines, f"return [names1.length, {fresh}];"])


async def measure(options: Options) -> Report:
    """All of it."""
    report = Report("typecheck", f"The check before a run, {_TOOLS} tools (library)")
    rows = report.table(
        "Until the verdict, ms", "check", "first", "p50", "p95", "CPU of each", "memory, MB"
    )
    checks: list[tuple[str, dict[str, Any]]] = [
        ("provable, JavaScript", {"typecheck": "provable"}),
        ("provable, TypeScript", {"typecheck": "provable", "language": "typescript"}),
        ("strict, JavaScript", {"typecheck": "strict"}),
        ("strict, TypeScript", {"typecheck": "strict", "language": "typescript"}),
    ]
    for name, arguments in checks:
        first, taken, used, memory = await _checks(options.pick(200, 30), arguments)
        p50 = median(taken)
        rows.add(name, first, p50, percentile(taken, 95), used, memory)
        report.budgets.append(Budget(f"{name}, warm, p50", p50, "≤", _GOAL, "ms"))
    await _runs(report, options)
    return report


async def _checks(
    samples: int, arguments: dict[str, Any]
) -> tuple[float, list[float], float, float]:
    """Of plans, which stop at the verdict: the first, the others, the mean CPU time of one in the
    checker and here, and what the checker holds."""
    async with _opened() as sandbox:
        first = await _check(sandbox, arguments)
        for _ in range(samples // 4):
            await _check(sandbox, arguments)
        began = _cpu()
        taken = [await _check(sandbox, arguments) for _ in range(samples)]
        return first, taken, (_cpu() - began) / samples, _memory()


async def _check(sandbox: Sandbox, arguments: dict[str, Any]) -> float:
    code = _program()
    began = perf_counter()
    result = await sandbox.execute(code, plan=True, **arguments)
    taken = (perf_counter() - began) * 1000
    assert result.success, result.error
    assert result.typecheck is not None
    assert result.typecheck.verdict == "checked", result.typecheck.reason
    return taken


async def _runs(report: Report, options: Options) -> None:
    """What the check adds to whole runs, one with it and one without in turn."""
    rows = report.table("Until the result, ms", "run", "typecheck", "first", "p50", "p95")
    policies: tuple[CheckPolicy | None, ...] = ("off", None, "strict")
    for name, code in (("seven calls", None), ("no calls", "return 1 + 1")):
        async with _opened() as sandbox:
            taken: dict[CheckPolicy | None, list[float]] = {policy: [] for policy in policies}
            for _ in range(options.pick(60, 10)):
                for policy in policies:
                    taken[policy].append(await _run(sandbox, code or _program(), policy))
        for policy in policies:
            first, *others = taken[policy]
            rows.add(name, policy or "usual", first, median(others), percentile(others, 95))


async def _run(sandbox: Sandbox, code: str, policy: CheckPolicy | None) -> float:
    began = perf_counter()
    result = await sandbox.execute(code, typecheck=policy)
    assert result.success, result.error
    return (perf_counter() - began) * 1000


@asynccontextmanager
async def _opened() -> AsyncIterator[Sandbox]:
    config = SandboxConfig(check_wait=20_000)
    async with Sandbox(config, tools=_tools()) as sandbox:
        await sandbox.execute("return 1")
        yield sandbox


def _memory() -> float:
    """MB that the checkers below this process hold, by the kernel's count."""
    pages = [int((process / "statm").read_text().split()[1]) for process in _checkers()]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _cpu() -> float:
    """ms of processor time that they and this process have used."""
    files = [file for process in _checkers() for file in process.glob("task/*/schedstat")]
    theirs = sum(int(file.read_text().split()[0]) for file in files)
    return theirs / 1e6 + process_time() * 1000


def _checkers() -> list[Path]:
    folders = [Path("/proc") / str(pid) for pid in checkers()]
    return [folder for folder in folders if folder.exists()]


if __name__ == "__main__":
    main("typecheck", measure)
