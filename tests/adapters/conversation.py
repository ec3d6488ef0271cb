"""One suite for every adapter: whole agent loops, in which the real sandbox runs real code.

A framework's own fake model makes the calls that it is told to make, one a turn, and answers at the
end with what it heard last.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from onehop import Analytics, Event, Executor
from onehop.definition import DESCRIPTION, INPUT_SCHEMA, NAME
from onehop.events import ExecutionFailed, ExecutionStarted
from tests.users import ROOT

SUM = {"code": "return context.prices.reduce((a, b) => a + b)", "context": {"prices": [3, 4]}}
TYPED = {"code": "const n: number = 6; console.log('six'); return n * 7", "language": "typescript"}
FAILING = {"code": "const user = context.user;\nreturn user.name"}
FORBIDDEN = {"code": "return process.env.HOME"}
ENDLESS = {"code": "for (;;);", "timeout": 30_000}


@dataclass(frozen=True)
class Conversation:
    """What went between a fake model and its tool."""

    name: str
    description: str
    parameters: dict[str, Any]
    """The schema of a call that the model was told."""
    heard: list[str]
    """What the model was told of each call."""
    answer: str
    """What the agent said in the end."""
    data: list[Any] = field(default_factory=list)
    """The result of each call as the program around the agent gets it, if the framework can."""


class AgentLoop(ABC):
    """The tests that every adapter passes."""

    framework: ClassVar[str]
    keeps_data: ClassVar[bool] = True
    """Whether the framework hands the program a result that the model does not see."""

    @abstractmethod
    async def converse(
        self, executor: Executor, calls: Sequence[dict[str, Any]], agent_id: str = ""
    ) -> Conversation:
        """Run an agent whose fake model makes these calls."""

    async def test_the_model_is_told_of_the_tool_in_the_words_of_the_contract(
        self, executor: Executor
    ) -> None:
        told = await self.converse(executor, [SUM])
        assert told.name == NAME
        assert told.description.strip() == DESCRIPTION.strip()
        assert told.parameters["required"] == ["code"]
        assert set(told.parameters["properties"]) == set(INPUT_SCHEMA["properties"])

    async def test_what_the_code_returns_reaches_the_model_and_the_answer(
        self, executor: Executor
    ) -> None:
        told = await self.converse(executor, [SUM])
        assert told.heard == ["7"]
        assert told.answer == "I heard: 7"

    async def test_several_calls_are_made_one_after_the_other(self, executor: Executor) -> None:
        told = await self.converse(executor, [SUM, TYPED])
        assert told.heard == ["7", "Output:\n42\n\nConsole:\nsix"]

    async def test_the_program_gets_the_whole_result(self, executor: Executor) -> None:
        if self.keeps_data:
            told = await self.converse(executor, [TYPED])
            assert told.data[0]["success"] is True
            assert told.data[0]["output"] == 42
            assert told.data[0]["logs"] == ["six"]

    async def test_code_that_fails_is_a_result_with_its_place(self, executor: Executor) -> None:
        told = await self.converse(executor, [FAILING, SUM])
        assert told.heard[0].startswith("Error (runtime): TypeError: ")
        assert "(line 2, column 13)\n 2 | return user.name" in told.heard[0]
        assert told.answer == "I heard: 7"

    async def test_forbidden_code_does_not_run_and_the_model_hears_why(
        self, executor: Executor
    ) -> None:
        told = await self.converse(executor, [FORBIDDEN, SUM])
        assert told.heard[0].startswith("Error (validation): ValidationError: process does not")
        assert told.answer == "I heard: 7"

    async def test_a_call_that_makes_no_sense_is_answered_and_may_be_mended(
        self, executor: Executor
    ) -> None:
        told = await self.converse(executor, [{"code": "return 1", "timeout": 99_999}, SUM])
        assert told.heard[0].startswith("Error (invalid request): timeout: got 99999")
        assert told.answer == "I heard: 7"

    async def test_the_run_is_recorded_under_the_agent(self, executor: Executor) -> None:
        await self.converse(executor, [SUM], agent_id=f"{self.framework} agent")
        await executor.flush()
        stats = await Analytics(executor.store).get_agent_stats(f"{self.framework} agent")
        assert stats.successful_executions == 1

    async def test_cancelling_the_agent_ends_the_run(self, executor: Executor) -> None:
        work = self.converse(executor, [ENDLESS], agent_id="in a hurry")
        await check_that_cancelling_ends_the_run(executor, work)

    def test_the_example_runs_and_its_lines_are_those_of_the_page(self) -> None:
        check_example(self.framework)


async def check_that_cancelling_ends_the_run(
    executor: Executor, work: Coroutine[Any, Any, Any]
) -> None:
    """``work`` runs code without an end; it is cancelled as soon as that has started."""
    heard: asyncio.Queue[Event] = asyncio.Queue()
    types = ["code:execution:started", "code:execution:failed"]
    subscription = executor.bus.subscribe(heard.put_nowait, types=types)
    async with asyncio.timeout(20):
        agent = asyncio.create_task(work)
        assert isinstance(await heard.get(), ExecutionStarted)
        agent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await agent
        end = await heard.get()
    subscription.close()
    assert isinstance(end, ExecutionFailed)
    assert end.error_type == "cancelled"


def check_example(framework: str, what: str = "agent") -> None:
    """It prints its answer, and the page's snippet has no line that is not in it."""
    path = ROOT / "examples" / "adapters" / f"{framework}_{what}.py"
    printed = subprocess.run(
        [sys.executable, path],
        env={**os.environ, "ONEHOP_POOL_SIZE": "1"},
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=60,
    ).stdout
    ending = "The order of 30 is the largest; 42 is paid in all.\n" if what == "agent" else "42\n"
    assert printed.endswith(ending)
    page = (ROOT / "docs/how-to/frameworks.md").read_text("utf-8")
    section = page.partition(f"<!-- {path.name} -->\n```python\n")[2].partition("```")[0]
    lines = {line.strip() for line in path.read_text("utf-8").splitlines()}
    assert section
    assert {line.strip() for line in section.splitlines()} <= lines
