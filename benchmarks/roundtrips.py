"""The round trips that one ``code_execute`` saves an agent: its time and its tokens.

Four everyday tasks are solved by a simulated model of a stated speed: step by step with ordinary
tools, and as one program through a real server.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any, Literal

from benchmarks._model import Conversation, Speed, Turn, begin, compact, tokenizer
from benchmarks._patterns import Call, Pattern, loop, patterns
from benchmarks._program import Options
from benchmarks._report import Report, publish
from benchmarks._server import served
from onehop.client import AgentClient

Way = Literal["step by step", "in parallel", "one program"]
_DEFAULT = Speed(first=1.7, read=5000, write=45)
_FIRSTS = (0.3, 0.9, 1.7, 4.0)
_WRITES = (25, 45, 95, 200)
_BEFORE = (0, 1_000, 5_000, 20_000)
_ITEMS = (4, 8, 16, 32, 64)
_PAUSE = 0.1  # a worker of onehop takes about 40 ms to start

NOTES = [
    "step by step: one call of a tool in each turn of the model. in parallel: calls that do not"
    " need each other's results in one turn, as good agents do where they can. one program:"
    " code_execute through HTTP on this machine, under its real description and input schema. The"
    " schema of its result, which few clients show to the model, is not counted.",
    "The data stands in the user's message; the model writes out what a call needs, code_execute's"
    " context included. Thinking before an answer is counted for neither; it would come with each"
    " turn. All are right at the first attempt; code that is wrong costs a turn, as a wrong step"
    " does.",
    "sent: the whole conversation, again with each turn, as vendors count it (with a discount for"
    " what they have cached). new: each text once. written: calls, code, data, the last answer.",
    "model: in each turn the time to the first token, then new tokens at reading speed (what was"
    " read before is cached) and written ones at writing speed. tools: measured. The steps' tools"
    " are functions of the same process that take microseconds; real ones would not.",
    "Default speed: the median of five frontier models in hourly probes of 2026 (jonathanwrede.de,"
    " 'TTFT varies 13x across LLM providers': GPT-5.4 0.9 s and 45 tokens/s, GPT-5.5 1.2 and 44,"
    " Claude Opus 4.6 1.7 and 70, Claude Sonnet 4.6 2.1 and 44, Claude Opus 4.7 2.5 and 95; small"
    " fast models began after 0.3 s and wrote 190 to 240). Its prompts were a word long, so that"
    " reading is not in it; the reading speed is an assumption.",
]


@dataclass
class Solved:
    """How one task went one way."""

    turns: list[Turn]
    tools: float
    """Seconds in tools, median."""
    answer: Any = field(repr=False)

    def seconds(self, speed: Speed) -> float:
        """From the task to the last word."""
        return sum(turn.seconds(speed) for turn in self.turns) + self.tools

    @property
    def sent(self) -> int:
        return sum(turn.total for turn in self.turns)

    @property
    def new(self) -> int:
        return sum(turn.new for turn in self.turns)

    @property
    def written(self) -> int:
        return sum(turn.written for turn in self.turns)


Results = dict[tuple[str, Way], Solved]
Count = Callable[[str], int]


async def measure(options: Options, speed: Speed) -> Report:
    """Every task, every way."""
    report = Report("roundtrips", "Round trips: one program instead of many tool calls")
    count, tokens = tokenizer()
    results: Results = {}
    async with served() as client:
        for pattern in patterns():
            results[pattern.name, "step by step"] = by_steps(pattern, count, _flat(pattern))
            results[pattern.name, "in parallel"] = by_steps(pattern, count, pattern.turns)
            results[pattern.name, "one program"] = await by_program(
                pattern, count, client, options.pick(25, 5)
            )
            _compare(results, pattern)
        longer = await by_items(client, count, options.pick(5, 1))
        walked = None if options.quick else await walk(client, count, speed)
    _report(report, results, speed, walked)
    _report_before(report, results)
    _report_items(report, longer, speed)
    report.notes += [f"Tokens: {tokens}.", *NOTES, _reading(results, speed)]
    report.notes.append(_referring(results, count, speed))
    return report


def _flat(pattern: Pattern) -> list[list[Call]]:
    return [[call] for turn in pattern.turns for call in turn]


def by_steps(
    pattern: Pattern, count: Count, turns: Sequence[Sequence[Call]], *, referring: bool = False
) -> Solved:
    """Solve it with the pattern's tools; each result goes back to the model.

    What a call needs of earlier results the model writes out, or refers to by a short name.
    """
    definitions = [tool.definition() for tool in pattern.tools]
    conversation = begin(count, definitions, pattern.task)
    results: list[Any] = []
    tools = 0.0
    for calls in turns:
        meant = [call.with_values(results) for call in calls]
        conversation.says(*(call.text() for call in (calls if referring else meant)))
        for call in meant:
            began = perf_counter()
            results.append(pattern.tool(call.tool).run(**call.arguments))
            tools += perf_counter() - began
            conversation.hears(compact(results[-1]))
    conversation.says(pattern.answer)
    return Solved(conversation.turns, tools, pattern.outcome(_in_order(pattern, turns, results)))


def _in_order(pattern: Pattern, turns: Sequence[Sequence[Call]], results: list[Any]) -> list[Any]:
    """Results in the order in which the pattern names its calls."""
    made = [call for calls in turns for call in calls]
    return [results[made.index(call)] for calls in pattern.turns for call in calls]


async def by_program(pattern: Pattern, count: Count, client: AgentClient, times: int) -> Solved:
    """Solve it with one call of code_execute, through the server, ``times`` times."""
    arguments = {"code": pattern.code, "context": pattern.context}
    taken = []
    for _ in range(times + 1):  # the first one warms up
        await asyncio.sleep(_PAUSE)
        began = perf_counter()
        result = await client.call_tool("code_execute", arguments)
        taken.append(perf_counter() - began)
        assert result["success"], result
    conversation = _program(pattern, count, result)
    return Solved(conversation.turns, median(taken[1:]), result["output"])


def _program(pattern: Pattern, count: Count, result: dict[str, Any]) -> Conversation:
    conversation = begin(count, [_definition()], pattern.task)
    conversation.says(_call_text(pattern))
    conversation.hears(_read_by_model(result))
    conversation.says(pattern.answer)
    return conversation


def _call_text(pattern: Pattern) -> str:
    arguments = {"code": pattern.code, "context": pattern.context}
    return compact({"name": "code_execute", "arguments": arguments})


def _definition() -> dict[str, Any]:
    from onehop.definition import DESCRIPTION, INPUT_SCHEMA, NAME

    return {"name": NAME, "description": DESCRIPTION, "parameters": INPUT_SCHEMA}


def _read_by_model(result: dict[str, Any]) -> str:
    """The text that MCP clients put before the model."""
    from onehop.definition.text import render
    from onehop.types import ExecutionResult

    return render(ExecutionResult.model_validate(result))


def _compare(results: Results, pattern: Pattern) -> None:
    answers = [results[pattern.name, way].answer for way in _ways()]
    for answer in answers:
        assert answer == answers[-1], (pattern.name, answers)


def _ways() -> tuple[Way, ...]:
    return ("step by step", "in parallel", "one program")


async def by_items(client: AgentClient, count: Count, times: int) -> dict[int, Results]:
    """The loop over fewer and more items, every way."""
    found: dict[int, Results] = {}
    for items in _ITEMS:
        pattern = loop(items)
        found[items] = {
            (pattern.name, "step by step"): by_steps(pattern, count, _flat(pattern)),
            (pattern.name, "in parallel"): by_steps(pattern, count, pattern.turns),
            (pattern.name, "one program"): await by_program(pattern, count, client, times),
        }
        _compare(found[items], pattern)
    return found


# --- in real time ---


async def walk(client: AgentClient, count: Count, speed: Speed) -> dict[tuple[str, Way], float]:
    """Seconds by the clock, with a model that really waits; to check the arithmetic."""
    walked: dict[tuple[str, Way], float] = {}
    for pattern in patterns():
        began = perf_counter()
        for turn in by_steps(pattern, count, _flat(pattern)).turns:
            await asyncio.sleep(turn.seconds(speed))
        walked[pattern.name, "step by step"] = perf_counter() - began
        walked[pattern.name, "one program"] = await _walk_program(pattern, count, client, speed)
    return walked


async def _walk_program(pattern: Pattern, count: Count, client: AgentClient, speed: Speed) -> float:
    began = perf_counter()
    conversation = begin(count, [_definition()], pattern.task)
    await asyncio.sleep(conversation.says(_call_text(pattern)).seconds(speed))
    arguments = {"code": pattern.code, "context": pattern.context}
    conversation.hears(_read_by_model(await client.call_tool("code_execute", arguments)))
    await asyncio.sleep(conversation.says(pattern.answer).seconds(speed))
    return perf_counter() - began


# --- what came of it ---


def _report(
    report: Report,
    results: Results,
    speed: Speed,
    walked: dict[tuple[str, Way], float] | None,
) -> None:
    _report_tasks(report, results, speed, walked)
    _report_saved(report, results, speed)
    for baseline in ("step by step", "in parallel"):
        _report_sweep(report, results, speed, baseline)


def _names(results: Results) -> list[str]:
    return list(dict.fromkeys(name for name, _ in results))


def _report_tasks(
    report: Report,
    results: Results,
    speed: Speed,
    walked: dict[tuple[str, Way], float] | None,
) -> None:
    table = report.table(
        f"Each task; first token after {speed.first:g} s, {speed.read:g} tokens/s in, "
        f"{speed.write:g} tokens/s out",
        *("task, way", "turns", "sent", "new", "written"),
        *("model, s", "tools, ms", "in all, s", "by the clock, s"),
    )
    for (name, way), solved in results.items():
        seconds = solved.seconds(speed)
        table.add(
            f"{name}, {way}",
            *(len(solved.turns), solved.sent, solved.new, solved.written),
            *(seconds - solved.tools, solved.tools * 1000, seconds),
            walked.get((name, way)) if walked else None,
        )


def _report_saved(report: Report, results: Results, speed: Speed) -> None:
    table = report.table(
        "Saved by one program, %",
        *("task", "time", "sent", "new", "written", "time, parallel", "sent, parallel"),
    )
    for name in [*_names(results), "all four"]:
        sums = {way: _sums(results, name, way, speed) for way in _ways()}
        one, steps, parallel = sums["one program"], sums["step by step"], sums["in parallel"]
        shares = [_share(mine, theirs) for mine, theirs in zip(one, steps, strict=True)]
        table.add(name, *shares, *(_share(one[i], parallel[i]) for i in (0, 1)))


def _sums(results: Results, name: str, way: Way, speed: Speed) -> tuple[float, ...]:
    chosen = [
        solved
        for (task, how), solved in results.items()
        if how == way and name in (task, "all four")
    ]
    return tuple(
        sum(values)
        for values in zip(
            *((each.seconds(speed), each.sent, each.new, each.written) for each in chosen),
            strict=True,
        )
    )


def _share(mine: float, theirs: float) -> str:
    return f"{(1 - mine / theirs) * 100:+.0f}"


def _report_sweep(report: Report, results: Results, speed: Speed, baseline: Way) -> None:
    table = report.table(
        f"Time saved over all four, %, against {baseline}",
        "first token after",
        *(f"{write} tokens/s" for write in _WRITES),
    )
    for first in _FIRSTS:
        shares = [_saved(results, Speed(first, speed.read, write), baseline) for write in _WRITES]
        table.add(f"{first:g} s", *shares)


def _report_before(report: Report, results: Results) -> None:
    table = report.table(
        "Tokens sent that are saved over all four, %, after a conversation of so many",
        "against",
        *(f"{before} tokens" for before in _BEFORE),
    )
    for baseline in ("step by step", "in parallel"):
        shares = [
            _share(_sent(results, "one program", before), _sent(results, baseline, before))
            for before in _BEFORE
        ]
        table.add(baseline, *shares)


def _sent(results: Results, way: str, before: int) -> int:
    chosen = [solved for (_, how), solved in results.items() if how == way]
    return sum(solved.sent + before * len(solved.turns) for solved in chosen)


def _report_items(report: Report, longer: dict[int, Results], speed: Speed) -> None:
    table = report.table(
        "The loop over more items: saved by one program, %",
        *("items", "time", "sent", "written"),
        *("time, parallel", "sent, parallel", "written, parallel"),
    )
    for items, results in longer.items():
        one, steps, parallel = (
            _sums(results, "loop", way, speed)
            for way in ("one program", "step by step", "in parallel")
        )
        table.add(
            items, *(_share(one[i], than[i]) for than in (steps, parallel) for i in (0, 1, 3))
        )


def _referring(results: Results, count: Count, speed: Speed) -> str:
    pattern = next(pattern for pattern in patterns() if pattern.name == "transform")
    steps = by_steps(pattern, count, _flat(pattern), referring=True).seconds(speed)
    mine = results["transform", "one program"].seconds(speed)
    written = results["transform", "step by step"].seconds(speed)
    return (
        f"With tools that take earlier results by name instead of by value, transform would save"
        f" {_share(mine, steps)} % of the time instead of {_share(mine, written)} %."
    )


def _saved(results: Results, speed: Speed, baseline: Way) -> str:
    mine = _sums(results, "all four", "one program", speed)[0]
    return _share(mine, _sums(results, "all four", baseline, speed)[0])


def _reading(results: Results, speed: Speed) -> str:
    slow = Speed(speed.first, speed.read / 5, speed.write)
    shares = [_saved(results, each, "step by step") for each in (speed, slow)]
    return (
        f"With a fifth of the reading speed the time saved over all four is {shares[1]} % instead"
        f" of {shares[0]} %."
    )


def main() -> None:
    """Read the command line, measure, publish."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.roundtrips")
    parser.add_argument("--quick", action="store_true", help="fewer samples, rougher numbers")
    for name, default, what in (
        ("--first", _DEFAULT.first, "seconds to the first token"),
        ("--read", _DEFAULT.read, "tokens a second that the model reads"),
        ("--write", _DEFAULT.write, "tokens a second that it writes"),
    ):
        parser.add_argument(name, type=float, default=default, metavar="NUMBER", help=what)
    given = parser.parse_args()
    speed = Speed(given.first, given.read, given.write)
    report = asyncio.run(measure(Options(given.quick), speed))
    publish(report, " ".join([parser.prog, *sys.argv[1:]]), given.quick)


if __name__ == "__main__":
    main()
