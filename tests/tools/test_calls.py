"""A tool that fails, hangs, blocks or ends the process fails its own call, and says no more than
it may."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onehop import Tool, ToolError, ToolFailed, tool
from onehop.tools import Bound, Catalogue, Tools
from onehop.tools._threads import Threads
from tests.tools.calling import CONTEXT, bound, call, failure
from tests.waiting import soon


def raising(error: BaseException, *, is_async: bool, effect: Any = "write") -> Bound:
    def sync() -> None:
        raise error

    async def not_sync() -> None:
        raise error

    return bound(tool(name="boom", effect=effect)(not_sync if is_async else sync))


both = pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])


@both
async def test_the_text_of_tool_failed_reaches_the_code(is_async: bool) -> None:
    error = await failure(raising(ToolFailed("no such person"), is_async=is_async))
    assert (error.code, error.message, error.tool) == ("failed", "no such person", "boom")
    assert error.effect == "unknown"


async def test_a_failed_read_had_no_effect() -> None:
    error = await failure(raising(ToolFailed("no"), is_async=True, effect="read"))
    assert error.effect == "none"


@pytest.mark.parametrize("text", ["x" * 10**6, "\ud800"])
async def test_the_text_is_bounded_and_can_be_sent(text: str) -> None:
    error = await failure(raising(ToolFailed(text), is_async=True))
    assert len(error.message.encode()) <= 8192


@both
@pytest.mark.parametrize(
    "raised",
    [
        ValueError("secret"),
        SystemExit("secret"),
        StopIteration("secret"),
        asyncio.CancelledError("secret"),
        ExceptionGroup("secret", [ValueError("secret")]),
        GeneratorExit("secret"),
        BaseException("secret"),
        TimeoutError("secret"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_of_another_exception_only_the_id_does(
    raised: BaseException, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        error = await failure(raising(raised, is_async=is_async))
    assert error.code == "internal"
    assert "secret" not in str(error.to_dict())
    name = error.message.rpartition(" ")[2]
    (record,) = [record for record in caplog.records if name in record.getMessage()]
    assert record.exc_info is not None
    assert record.exc_info[2] is not None
    if not isinstance(
        raised, StopIteration
    ):  # Python makes another error of that one, in our frame
        assert Path(record.exc_info[2].tb_frame.f_code.co_filename) == Path(__file__)
    assert error.__cause__ is None
    assert error.__suppress_context__


@both
async def test_a_tool_error_of_the_tool_keeps_its_code_under_the_tools_name(is_async: bool) -> None:
    raised = ToolError(
        "unavailable", "it is down", "other", retryable=True, retry_after=500, effect="none"
    )
    error = await failure(raising(raised, is_async=is_async))
    assert error.to_dict() == {
        "tool": "boom",
        "code": "unavailable",
        "message": "it is down",
        "retryable": True,
        "retryAfter": 500,
        "effect": "none",
    }


@both
async def test_a_tool_error_that_does_not_say_what_was_changed_may_have_changed_it(
    is_async: bool,
) -> None:
    raised = ToolError("unavailable", "it is down")
    error = await failure(raising(raised, is_async=is_async))
    assert error.effect == "unknown"


@both
@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt(), BaseExceptionGroup("", [KeyboardInterrupt()])]
)
async def test_an_interrupt_passes(raised: BaseException, is_async: bool) -> None:
    coroutine = raising(raised, is_async=is_async).invoke({}, CONTEXT)
    passed: list[BaseException] = []

    async def run() -> None:
        try:
            await coroutine
        except BaseException as error:  # a task that ends with an interrupt ends the loop
            passed.append(error)

    await run()
    assert passed == [raised]


async def test_cancelling_passes_and_ends_the_tool() -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(call(hang))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_sync_functions_run_at_once_and_the_loop_goes_on() -> None:
    barrier = threading.Barrier(5, timeout=30)

    def meet() -> int:
        return barrier.wait()

    one = bound(meet)
    places = await asyncio.gather(*(call(one) for _ in range(5)))
    assert sorted(places) == [0, 1, 2, 3, 4]


async def test_a_sync_function_sees_the_callers_context() -> None:
    who = contextvars.ContextVar("who", default="nobody")
    who.set("me")

    def ask() -> str:
        return who.get()

    assert await call(ask) == "me"


async def test_no_more_threads_than_stated_work_at_once() -> None:
    before = set(threading.enumerate())
    release, lock = threading.Event(), threading.Lock()
    inside: list[int] = [0, 0]

    def work() -> None:
        with lock:
            inside[0] += 1
            inside[1] = max(inside)
        release.wait(30)
        with lock:
            inside[0] -= 1

    catalogue = Catalogue.of(Tools(work), threads=Threads(3))
    one = catalogue.bound["work"]
    started: list[int] = []
    context = replace(CONTEXT, on_start=lambda: started.append(1))
    calls = [asyncio.create_task(one.invoke({}, context)) for _ in range(10)]
    await soon(lambda: inside[0] == 3)
    assert len(started) == 3, "a call that waits for a thread has not started"
    release.set()
    await asyncio.gather(*calls)
    assert (inside, len(started)) == ([0, 3], 10)
    catalogue.close()
    await soon(lambda: set(threading.enumerate()) <= before)


async def test_threads_that_hang_are_replaced_up_to_as_many_again() -> None:
    release = threading.Event()

    def hang(how: bool) -> int:
        if how:
            release.wait(30)
        return 1

    catalogue = Catalogue.of(Tools(hang), threads=Threads(2))
    one = catalogue.bound["hang"]
    for _ in range(2):
        assert await call(one, how=False) == 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await one.invoke({"how": True}, CONTEXT)
    error = await failure(one, how=False)
    assert (error.code, error.retryable) == ("unavailable", True)
    release.set()

    async def works() -> bool:
        try:
            return bool(await call(one, how=False))
        except ToolError:
            return False

    await soon(works)


async def test_all_agents_together_have_a_bound_too() -> None:
    release = threading.Event()
    catalogue = Catalogue.of(Tools(Tool("hang", lambda: release.wait(30))), Threads(2, most=3))
    one = catalogue.bound["hang"]
    for agent in ("ada", "ada", "bob"):
        context = replace(CONTEXT, agent_id=agent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await one.invoke({}, context)
    for agent in ("ada", "bob", "eve"):
        context = replace(CONTEXT, agent_id=agent)
        with pytest.raises(ToolError, match="do not end"):
            await one.invoke({}, context)
    release.set()
    catalogue.close()


def test_a_function_that_never_ends_does_not_hold_the_process() -> None:
    program = """
import asyncio, threading
from onehop import tool, ToolContext
from onehop.tools import Catalogue
@tool
def hang() -> None:
    threading.Event().wait()
async def main():
    one = Catalogue.of([hang]).bound["hang"]
    try:
        async with asyncio.timeout(0.1):
            await one.invoke({}, ToolContext("a", None, "r", ""))
    except TimeoutError:
        print("given up")
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "given up\n", done.stderr


def test_a_catalogue_serves_one_loop_after_another() -> None:
    one = bound(tool(name="one")(lambda: 1))
    for _ in range(2):
        assert asyncio.run(one.invoke({}, CONTEXT)) == b"1"


async def test_closed_threads_take_nothing_more() -> None:
    catalogue = Catalogue.of([tool(name="one")(lambda: 1)])
    catalogue.close()
    assert (await failure(catalogue.bound["one"])).code == "unavailable"


def test_without_docstring_parser_the_whole_docstring_is_the_description() -> None:
    program = """
import sys
sys.modules["docstring_parser"] = None
from onehop.tools import Catalogue
def find(name: str) -> None:
    '''Find.

    Args:
        name: Who.
    '''
print(Catalogue.of([find]).bound["find"].description)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "Find.\n\nArgs:\n    name: Who.\n", done.stderr
