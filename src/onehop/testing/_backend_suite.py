"""What every Backend does alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from onehop.backends.base import Backend
from onehop.config import SandboxConfig
from onehop.errors import InvalidRequestError, OutputNotFoundError, SandboxClosedError
from onehop.sandbox import Sandbox
from onehop.types import LogEntry, code_hash

PATIENCE: Final = 30.0
"""Seconds after which a test gives up."""
SUM: Final = "return context.a + context.b"
THROWS: Final = "throw new RangeError('too far')"
PRINTS: Final = "console.log('one'); console.warn('two'); return 3"
SLEEPS: Final = "await new Promise((resolve) => setTimeout(resolve, 20_000))"
LARGE: Final = "return 'x'.repeat(5_000_000)"


class BackendSuite:
    """Subclass it as ``TestMine``, with a fixture ``backend`` that gives one that is not open.

    It runs the programs above: a backend that runs no code must know their answers.
    """

    @asynccontextmanager
    async def opened(self, backend: Backend) -> AsyncIterator[Sandbox]:
        """A sandbox on it, for at most PATIENCE."""
        async with asyncio.timeout(PATIENCE), Sandbox(SandboxConfig(), backend=backend) as sandbox:
            yield sandbox

    async def test_it_is_what_the_protocol_asks_for(self, backend: Backend) -> None:
        assert isinstance(backend, Backend)
        await backend.aclose()

    async def test_it_is_ready_while_it_is_open(self, backend: Backend) -> None:
        assert not backend.ready
        async with self.opened(backend) as sandbox:
            assert backend.ready
            assert sandbox.is_ready()
        assert not backend.ready

    async def test_a_value_comes_back_with_the_hash_of_its_code(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            result = await sandbox.execute(SUM, context={"a": 1, "b": 2})
        assert (result.success, result.output, result.error) == (True, 3, None)
        assert result.code_hash == code_hash(SUM)

    async def test_what_the_code_throws_is_a_result(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            result = await sandbox.execute(THROWS)
        assert not result.success
        assert result.error_info is not None
        assert (result.error_info.type, result.error_info.name) == ("runtime", "RangeError")
        assert result.error_info.message == "too far"
        assert str(result.error).startswith("RangeError: too far")

    async def test_lines_are_heard_in_order_and_kept(self, backend: Backend) -> None:
        heard: list[LogEntry] = []
        async with self.opened(backend) as sandbox:
            result = await sandbox.execute(PRINTS, on_log=heard.append)
        assert [(entry.level, entry.message) for entry in heard] == [
            ("log", "one"),
            ("warn", "two"),
        ]
        assert result.log_entries == heard
        assert result.logs == ["one", "[WARN] two"]

    async def test_lines_that_nobody_wants_are_not_kept(self, backend: Backend) -> None:
        heard: list[LogEntry] = []
        async with self.opened(backend) as sandbox:
            result = await sandbox.execute(PRINTS, capture_console=False, on_log=heard.append)
        assert (result.output, result.logs, heard) == (3, [], [])

    async def test_a_deadline_ends_a_run(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            result = await sandbox.execute(SLEEPS, timeout=100)
        assert result.error_info is not None
        assert result.error_info.type == "timeout"
        assert result.resource_usage.timeout

    async def test_cancelling_the_caller_ends_its_run_alone(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            task = asyncio.create_task(sandbox.execute(SLEEPS, timeout=25_000))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await sandbox.execute(SUM, context={"a": 1, "b": 2})).output == 3

    async def test_runs_at_the_same_time_get_their_own_answers(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            calls = (sandbox.execute(SUM, context={"a": n, "b": 1}) for n in range(8))
            results = await asyncio.gather(*calls)
        assert [result.output for result in results] == list(range(1, 9))

    async def test_a_large_output_is_read_in_pages(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            result = await sandbox.execute(LARGE)
            assert result.output_truncated
            assert len(result.output) < 5_000_000
            assert self._pages(sandbox, str(result.persisted_output_id)) == "x" * 5_000_000

    def _pages(self, sandbox: Sandbox, identifier: str) -> Any:
        text = ""
        place: int | None = 0
        while place is not None:
            page = sandbox.read_output(identifier, place, 1 << 20)
            text, place = text + page.text, page.next_offset
        return json.loads(text)

    async def test_an_output_that_is_not_kept_is_not_found(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            with pytest.raises(OutputNotFoundError):
                sandbox.read_output("nothing", 0, 10)

    async def test_sessions_are_kept_or_refused(self, backend: Backend) -> None:
        calls: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
        async with self.opened(backend) as sandbox:
            if not getattr(backend, "has_sessions", True):
                with pytest.raises(InvalidRequestError, match="no sessions"):
                    await sandbox.execute(SUM, context=calls[0], session="mine")
                return
            results = [await sandbox.execute(SUM, context=each, session="mine") for each in calls]
            assert [result.output for result in results] == [3, 7]
            assert await sandbox.end_session("mine")
            assert not await sandbox.end_session("mine")

    async def test_settings_may_change_while_it_is_open(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            sandbox.update_config(memory_limit=64)
            assert (await sandbox.execute(SUM, context={"a": 1, "b": 2})).output == 3

    async def test_closing_ends_what_runs_as_cancelled(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            task = asyncio.create_task(sandbox.execute(SLEEPS, timeout=25_000))
            await asyncio.sleep(0.05)
        error = (await asyncio.wait_for(task, PATIENCE)).error_info
        assert error is not None
        assert error.type == "cancelled"

    async def test_nothing_runs_after_closing(self, backend: Backend) -> None:
        async with self.opened(backend) as sandbox:
            request = sandbox.check(code=SUM, context={"a": 1, "b": 2})
        limits = SandboxConfig().limits(1000)
        with pytest.raises(SandboxClosedError):
            await backend.run(request, limits, "agent")
