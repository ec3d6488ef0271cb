"""Round trips on tasks that others wrote: one program instead of many tool calls.

The tasks are those of ComplexFuncBench; a real server plays their recorded answers back. A
simulated model of a stated speed solves each task call by call, and as one program.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from benchmarks import _playback
from benchmarks._arms import ANSWER, Count, Player, recording
from benchmarks._compiler import CUT
from benchmarks._complexfunc import INSTALL, Suite, Task, find, load
from benchmarks._model import Speed, compact, tokenizer
from benchmarks._report import Report, publish
from benchmarks._server import served_with
from benchmarks._taskreport import Row, reasons, report_goals, report_rows

_DEFAULT: Final = Speed(first=1.7, read=5000, write=45)
_AT_ONCE: Final = 3
_QUICK: Final = 12
"""Every so manieth task in a quick run."""
_ERA: Final = "2026-07-28"

NOTES: Final = [
    "A: one call a turn. A': all calls of a step in one turn, as the best agents do; a step is what"
    " needs earlier answers only. B: one program that a fixed compiler (`benchmarks/_compiler.py`,"
    " below 100 lines) makes of the calls and the references between them, with Promise.all over a"
    " step. B-all returns every answer whole; B-whole the answers that no other call uses; B-cut"
    " the same with lists cut to three items and their count, and texts to 200 characters, as a"
    " program would that picks what it wants. B': B-cut after a turn that looks the tools up"
    " (`code_tools`, all details) and a program that fails, for it reads the answers wrongly.",
    "A compiled program is an upper bound of what a model writes: it has no mistake, no comment and"
    " no check; it knows where an answer keeps each value and, where a task takes another item than"
    " the first of a list, which one. The definitions say nothing of the answers' types: a model"
    " that does not know the tools needs a look at one first, which is what B' stands for.",
    "Time of a turn: the time to the first token, then tokens that are new to the model at reading"
    " speed (what was read before is cached) and written ones at writing speed. The speeds are"
    " those of `roundtrips`, which says where they come from. Thinking is not counted but where a"
    f" row says so. The last answer has {ANSWER} tokens in all arms.",
    "Tokens: the whole conversation, again with each turn, and what the model writes. Arms A and A'"
    " carry the definitions of all tools in each turn, B what the server offers over MCP:"
    " code_execute with its list of the tools, and code_tools.",
    "All arms run on one `onehop serve`, over MCP; its tools answer what was recorded for exactly"
    " these arguments, at once. That the arguments are the same in all arms is asserted by the"
    " hashes that the server records, and that the answers are the recorded ones by comparing them."
    " Time in tools: in A and A' that of the longest call of each turn alone; in B that of the"
    " whole run, with HTTP, a fresh process and a busy machine.",
]


async def measure(suite: Suite, tasks: Sequence[Task], speed: Speed) -> Report:
    """Every task in every arm."""
    report = Report("taskbench", "Round trips on tasks that others wrote (ComplexFuncBench)")
    counted, tokens = tokenizer()
    count = lru_cache(maxsize=512)(counted)
    async with _connected(suite, tasks) as client:
        offered = await _offered(client)
        player = Player(client, count, offered, suite.tools)
        rows = await _rows(player, tasks, suite, count)
    report_rows(report, rows, speed)
    report_goals(report, rows, speed)
    report.notes += [
        *reasons(rows, speed),
        _selection(suite, tasks),
        *NOTES,
        f"Tokens: {tokens}. Definitions of the {len(suite.tools)} tools: {_defined(suite, count)};"
        f" what the server offers: {count(compact(offered))}.",
        "B-seen: B-whole after a turn that looks the tools up, which says what their answers looked"
        f" like in earlier tasks (observed types); {player.unseen} tasks have a tool that no"
        " earlier task had called, and go as B'.",
        "Outputs that were too large for one answer over MCP (256 KB), so that the model got their"
        f" beginning: {_previews(player)}.",
    ]
    return report


@asynccontextmanager
async def _connected(suite: Suite, tasks: Sequence[Task]) -> AsyncIterator[Client]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording.json"
        file.write_text(recording(tasks, suite.tools), "utf-8")
        variables = {_playback.RECORDING: str(file)}
        async with (
            served_with(Path(_playback.__file__), variables) as address,
            httpx2.AsyncClient(timeout=60, headers={"X-Agent-Id": address.agent}) as wire,
            Client(streamable_http_client(address.mcp, http_client=wire), mode=_ERA) as client,
        ):
            yield client


async def _offered(client: Client) -> list[dict[str, Any]]:
    """The tools that a model is given."""
    return [
        {"name": each.name, "description": each.description, "parameters": each.input_schema}
        for each in (await client.list_tools()).tools
    ]


async def _rows(player: Player, tasks: Sequence[Task], suite: Suite, count: Count) -> list[Row]:
    places = asyncio.Semaphore(_AT_ONCE)
    by_name = {each.name: each.offered() for each in suite.tools}
    all_defined, cut = _defined(suite, count), count(CUT)

    async def row(task: Task) -> Row:
        own = {call.tool: by_name[call.tool] for call in task.calls}
        fewer = count(compact(list(own.values()))) - all_defined
        async with places:
            return Row(task, await player.solve(task), fewer, cut)

    return list(await asyncio.gather(*map(row, tasks)))


def _defined(suite: Suite, count: Count) -> int:
    return count(compact([each.offered() for each in suite.tools]))


def _selection(suite: Suite, tasks: Sequence[Task]) -> str:
    reasons = ", ".join(f"{number} {reason}" for reason, number in suite.left_out.items())
    marked = sum(task.marked for task in tasks)
    links = sum(task.links for task in tasks)
    picks = sum(task.picks for task in tasks)
    return (
        f"{len(tasks)} of {len(suite.tasks) + suite.left_out.total()} tasks are played"
        f" ({len(suite.tasks)} could be; of the others {reasons}). Every reference of theirs leads"
        f" to a value. But the data marks few of the places that need one: only {marked} of these"
        " tasks are whole. In the others a call has a value written out that stands in an earlier"
        " answer, and neither in the task nor in the tool's definition; a program with it would"
        f" know an answer before it came. {links} such values are made references too"
        " (`benchmarks/_complexfunc.py` has the rule), which binds A' and B alike. Days and times"
        " of day, and values that are put together of an earlier answer and other text, are left"
        f" as they are. {picks} tasks take another item of a list than the first."
    )


def _previews(player: Player) -> str:
    found: Counter[str] = player.previews
    return ", ".join(f"{arm} {number}" for arm, number in sorted(found.items()) if number) or "none"


def main() -> None:
    """Read the command line, measure, publish."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.taskbench")
    parser.add_argument("--quick", action="store_true", help=f"every {_QUICK}th task only")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="with complexfuncbench-data.json and -spec.json"
    )
    for name, default, what in (
        ("--first", _DEFAULT.first, "seconds to the first token"),
        ("--read", _DEFAULT.read, "tokens a second that the model reads"),
        ("--write", _DEFAULT.write, "tokens a second that it writes"),
    ):
        parser.add_argument(name, type=float, default=default, metavar="NUMBER", help=what)
    given = parser.parse_args()
    folder = given.data or find()
    if folder is None:
        parser.error(f"ComplexFuncBench is not installed: {INSTALL}")
    suite = load(folder)
    tasks = suite.tasks[:: _QUICK if given.quick else 1]
    report = asyncio.run(measure(suite, tasks, Speed(given.first, given.read, given.write)))
    publish(report, " ".join([parser.prog, *sys.argv[1:]]), given.quick)


if __name__ == "__main__":
    main()
