"""The ways to solve a task with tools, each played against a server, as turns of a model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final

from mcp.client import Client
from mcp.types import CallToolResult, TextContent

from benchmarks._compiler import at_once, compiled
from benchmarks._complexfunc import Definition, Task
from benchmarks._model import Conversation, Speed, Turn, begin, compact
from onehop.server.mcp._calls import CHANNEL_ID

Count = Callable[[str], int]
ARMS: Final = ("A", "A'", "B-all", "B-whole", "B-cut", "B-seen", "B'")
STEPS: Final = ARMS[:2]
PROGRAMS: Final = ARMS[2:]
ANSWER: Final = 100
"""Tokens of the last answer, the same in all arms."""
_TIMEOUT: Final = 30_000


@dataclass(frozen=True)
class Solved:
    """How one task went in one arm."""

    turns: Sequence[Turn]
    tools: float
    """Seconds in tools, or in runs of code."""
    rounds: int
    """Times that it waited for tools; calls at once are one time."""

    def seconds(self, speed: Speed, *, cached: bool = True) -> float:
        """From the task to the last word; without a cache the history is read in each turn."""
        read = self.turns if cached else [replace(each, new=each.total) for each in self.turns]
        return sum(turn.seconds(speed) for turn in read) + self.tools

    def tokens(self, repeated: float = 1) -> float:
        """Sent and written; what was sent before counts ``repeated`` times."""
        sent = sum(turn.new + repeated * (turn.total - turn.new) for turn in self.turns)
        return sent + sum(turn.written for turn in self.turns)

    def with_definitions(self, more: int) -> Solved:
        """The same with definitions of tools that are so many tokens longer."""
        turns = [replace(each, total=each.total + more) for each in self.turns]
        turns[0] = replace(turns[0], new=turns[0].new + more)
        return replace(self, turns=turns)

    def with_answer(self, tokens: int) -> Solved:
        """The same with a last answer of so many tokens."""
        last = self.turns[-1]
        longer = replace(last, written=last.written - ANSWER + tokens)
        return replace(self, turns=[*self.turns[:-1], longer])

    def with_code(self, more: int) -> Solved:
        """The same with a program that is so many tokens longer."""
        first, *others = self.turns
        longer = replace(first, written=first.written + more)
        return replace(self, turns=[longer, *others])

    def with_thinking(self, tokens: int) -> Solved:
        """The same with so many more tokens that are written in each turn, and not sent again."""
        turns = [replace(each, written=each.written + tokens) for each in self.turns]
        return replace(self, turns=turns)

    def with_tools(self, seconds: float) -> Solved:
        """The same with tools that take so much longer."""
        return replace(self, tools=self.tools + seconds * self.rounds)


@dataclass(frozen=True)
class _Ran:
    text: str
    """What the model reads."""
    is_preview: bool
    output: Any
    """None if it was too large to come back whole."""
    calls: frozenset[tuple[str, str, int]]
    """Tool, hash of the arguments, and the how manieth such call."""
    longest: float
    """Seconds of the longest call of a tool."""
    seconds: float
    """Of all."""


@dataclass(frozen=True)
class _Looked:
    """What one look at the tools of a task has brought."""

    asked: str
    text: str
    seconds: float
    tools: int
    observed: int
    """Tools whose answers have an observed type."""


def _take(conversation: Conversation, looked: _Looked) -> None:
    conversation.says(looked.asked)
    conversation.hears(looked.text)


class Player:
    """Plays tasks in every arm, through one connection to a server."""

    def __init__(
        self, client: Client, count: Count, offered: list[dict[str, Any]], tools: list[Definition]
    ) -> None:
        self._client = client
        self._count = count
        self._offered = offered
        self._tools = [each.offered() for each in tools]
        self.unseen = 0
        """Tasks with a tool that no earlier task has called."""
        self.previews: Counter[str] = Counter()
        """Outputs that were too large for MCP, so that the model got their beginning, by arm."""

    async def solve(self, task: Task) -> dict[str, Solved]:
        """Every arm; all make the same calls."""
        looked = await self._looked_up(task)  # before this task's answers can be seen
        by_step, made = await self._by_steps(task)
        last, every = task.last, [*range(len(task.calls))]
        whole = compiled(task, last)
        short = compiled(task, last, cut=True)
        solved = {
            **by_step,
            "B-all": await self._by_program("B-all", task, compiled(task, every), every, made),
            "B-whole": await self._by_program("B-whole", task, whole, last, made),
            "B-cut": await self._by_program("B-cut", task, short, None, made),
        }
        solved["B'"] = await self._after_mistakes(task, short, made)
        solved["B-seen"] = await self._after_a_look(task, whole, looked, made, solved["B'"])
        return {arm: solved[arm] for arm in ARMS}

    # --- A and A'

    async def _by_steps(self, task: Task) -> tuple[dict[str, Solved], frozenset[Any]]:
        one = [[number] for number in range(len(task.calls))]
        first = await self._by_turns(task, one)
        second = await self._by_turns(task, task.levels)
        assert first[1] == second[1], task.number
        return {"A": first[0], "A'": second[0]}, first[1]

    async def _by_turns(self, task: Task, turns: list[list[int]]) -> tuple[Solved, frozenset[Any]]:
        """Each turn's calls at once; their time is that of the longest, and nothing of the run that
        carries them."""
        conversation = begin(self._count, self._tools, task.text)
        ran = []
        for numbers in turns:
            conversation.says(*(self._written(task, number) for number in numbers))
            ran.append(await self._run(task, at_once(task, numbers)))
            _compare(task, numbers, ran[-1])
            for number in numbers:
                conversation.hears(compact(task.calls[number].response))
        solved = self._answered(conversation, sum(each.longest for each in ran), len(turns))
        return solved, _union([each.calls for each in ran])

    def _written(self, task: Task, number: int) -> str:
        call = task.calls[number]
        return compact({"name": call.tool, "arguments": call.values})

    # --- B

    async def _by_program(
        self, arm: str, task: Task, code: str, wanted: list[int] | None, made: frozenset[Any]
    ) -> Solved:
        conversation = self._begun(task)
        ran = await self._program(task, conversation, code)
        self.previews[arm] += ran.is_preview
        assert ran.calls == made, (task.number, code)
        if wanted is not None:
            _compare(task, wanted, ran)
        return self._answered(conversation, ran.seconds, len(task.levels))

    async def _after_mistakes(self, task: Task, code: str, made: frozenset[Any]) -> Solved:
        """It looks up the tools first, and takes the answers for something else once."""
        conversation = self._begun(task)
        looked = await self._looked_up(task)
        _take(conversation, looked)
        wrong = compiled(task, task.last, cut=True, wrongly=True)
        failed = await self._program(task, conversation, wrong)
        assert failed.text.startswith("Error"), failed.text[:200]
        ran = await self._program(task, conversation, code)
        assert ran.calls == made, (task.number, code)
        seconds = looked.seconds + failed.seconds + ran.seconds
        return self._answered(conversation, seconds, len(task.levels) + 1)

    async def _after_a_look(
        self, task: Task, code: str, looked: _Looked, made: frozenset[Any], else_: Solved
    ) -> Solved:
        """It looks up the tools first, whose answers' types were observed in earlier tasks, and
        makes no mistake. Where one was not, it goes as without."""
        if looked.observed < looked.tools:
            self.unseen += 1
            return else_
        conversation = self._begun(task)
        _take(conversation, looked)
        ran = await self._program(task, conversation, code)
        assert ran.calls == made, (task.number, code)
        return self._answered(conversation, looked.seconds + ran.seconds, len(task.levels) + 1)

    def _begun(self, task: Task) -> Conversation:
        return begin(self._count, self._offered, task.text)

    async def _program(self, task: Task, conversation: Conversation, code: str) -> _Ran:
        conversation.says(compact({"name": "code_execute", "arguments": {"code": code}}))
        ran = await self._run(task, code)
        conversation.hears(ran.text)
        return ran

    async def _looked_up(self, task: Task) -> _Looked:
        names = list(dict.fromkeys(call.tool for call in task.calls))
        arguments = {"names": names, "detail": "schema"}
        began = perf_counter()
        found = await self._client.call_tool("code_tools", arguments)
        taken, text = perf_counter() - began, _text(found)
        asked = compact({"name": "code_tools", "arguments": arguments})
        return _Looked(asked, text, taken, len(names), text.count("@observed in"))

    # --- both

    def _answered(self, conversation: Conversation, tools: float, rounds: int) -> Solved:
        turn = conversation.says()
        turns = [*conversation.turns[:-1], replace(turn, written=turn.written + ANSWER)]
        return Solved(turns, tools, rounds)

    async def _run(self, task: Task, code: str) -> _Ran:
        arguments = {"code": code, "timeout": _TIMEOUT}
        about: Any = {CHANNEL_ID: str(task.number)}
        began = perf_counter()
        result = await self._client.call_tool("code_execute", arguments, meta=about)
        taken = perf_counter() - began
        meta, data = result.meta or {}, result.structured_content or {}
        calls = meta.get("onehop/toolCalls", [])
        is_whole = data.get("status") == "completed" and not data.get("outputTruncated")
        return _Ran(
            text=_text(result),
            is_preview=bool(data.get("outputTruncated")),
            output=data["output"] if is_whole else None,
            calls=_numbered(calls),
            longest=max((each["duration"] for each in calls), default=0) / 1000,
            seconds=taken,
        )


def _text(result: CallToolResult) -> str:
    return "\n".join(each.text for each in result.content if isinstance(each, TextContent))


def _numbered(calls: Sequence[Mapping[str, Any]]) -> frozenset[tuple[str, str, int]]:
    seen: dict[tuple[str, str], int] = {}
    for call in calls:
        named = (call["tool"], call["argumentsHash"])
        seen[named] = seen.get(named, 0) + 1
    return frozenset((*named, times) for named, times in seen.items())


def _union(sets: Sequence[frozenset[tuple[str, str, int]]]) -> frozenset[tuple[str, str, int]]:
    times: dict[tuple[str, str], int] = {}
    for tool, digest, number in (each for one in sets for each in one):
        times[tool, digest] = times.get((tool, digest), 0) + number
    return frozenset((*named, number) for named, number in times.items())


def _compare(task: Task, wanted: list[int], ran: _Ran) -> None:
    """The output is what was recorded."""
    if ran.output is None:
        assert ran.is_preview, (task.number, ran.text[:300])
        return
    answers = [task.calls[number].response for number in wanted]
    outputs = (
        ran.output if isinstance(ran.output, list) and len(ran.output) == len(answers) else None
    )
    assert outputs == answers or [ran.output] == answers, task.number


def recording(tasks: Sequence[Task], tools: Sequence[Definition]) -> str:
    """What ``_playback`` needs."""
    from benchmarks._playback import key

    answers = {
        str(task.number): {key(call.tool, call.values): call.response for call in task.calls}
        for task in tasks
    }
    return json.dumps({"tools": [each.offered() for each in tools], "answers": answers})
