"""The services of one run: what it shows, how far it is, and what its session keeps."""

from __future__ import annotations

import asyncio
import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Final

from onehop import types
from onehop.runs.questions import (
    MOST_REPORTS,
    MOST_SHOWN,
    MOST_SHOWN_BYTES,
    Headway,
    Reply,
    Shown,
    Stored,
)
from onehop.sandbox.services._names import name_of, type_of
from onehop.sandbox.services._stored_text import fault
from onehop.sandbox.services._values import NotKeptError, SessionValues

if TYPE_CHECKING:
    from collections.abc import Callable

    from onehop.sandbox.services._artifacts import ArtifactShelf
    from onehop.types import Artifact, OnProgress

_REPORT_SECONDS: Final = 0.04
"""Reports that come faster are not passed on, but for the last one."""

_log = logging.getLogger(__name__)


class RunServices:
    """Takes what one run hands over. ``aclose`` when it has ended."""

    def __init__(
        self,
        shelf: ArtifactShelf,
        on_progress: OnProgress | None = None,
        values: Callable[[], SessionValues] | None = None,
    ) -> None:
        """``values`` gives what the session of the run keeps; most calls ask for none of it."""
        self._shelf = shelf
        self._on_progress = on_progress
        self._values = values
        self._parts: list[bytes] = []
        self._shown = 0
        self._reports = 0
        self._reported_at = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()
        self.artifacts: list[Artifact] = []

    @cached_property
    def _turn(self) -> asyncio.Lock:
        """Questions about what is stored are answered in their order."""
        return asyncio.Lock()

    # --- what the worker needs of it ---

    def show(self, part: Shown) -> None:
        """See Services."""
        self._shown += len(part.data)
        if len(self.artifacts) >= MOST_SHOWN or self._shown > MOST_SHOWN_BYTES:
            raise ValueError("more files than a run may show")
        self._parts.append(part.data)
        if part.more:
            return
        data = b"".join(self._parts)
        self._parts.clear()
        type_ = type_of(part.type, part.kind, data)
        name = name_of(part.title, type_, len(self.artifacts) + 1)
        self.artifacts.append(self._shelf.keep(name, type_, data))

    def progress(self, report: Headway) -> None:
        """See Services."""
        self._reports += 1
        if self._reports > MOST_REPORTS:
            raise ValueError("more reports of progress than a run may make")
        loop = asyncio.get_running_loop()
        is_early = loop.time() - self._reported_at < _REPORT_SECONDS
        if self._on_progress is None or (is_early and report.fraction < 1):
            return
        self._reported_at = loop.time()
        told = types.Progress(fraction=report.fraction, message=report.message)
        loop.call_soon(self._on_progress, told)  # what it raises is not the worker's fault

    def store(self, question: Stored, reply: Reply) -> None:
        """See Services."""
        if self._values is None:
            raise ValueError("a question about what is stored, in a run without a session")
        answer = self._answer(self._values(), question, reply)
        task = asyncio.get_running_loop().create_task(answer)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def has_work(self) -> bool:
        """Whether ``aclose`` has something to wait for."""
        return bool(self._tasks)

    async def aclose(self) -> None:
        """The run has ended: what it has set is kept, and nobody waits for answers any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    # --- what is stored ---

    async def _answer(self, values: SessionValues, question: Stored, reply: Reply) -> None:
        async with self._turn:
            try:
                reply(await _carry_out(values, question), None)
            except NotKeptError as error:
                reply(None, json.dumps({"message": str(error)}).encode())
            except Exception:
                _log.exception("what a session keeps could not be reached")
                words = "the host failed; its log has the reason"
                reply(None, json.dumps({"message": words}).encode())


async def _carry_out(values: SessionValues, question: Stored) -> bytes:
    """The JSON text of the answer; empty for ``undefined``."""
    key = question.key
    if "\0" in key:
        raise NotKeptError("a key has no NUL character")
    if question.op == "get":
        return (await values.get(key) or "").encode()
    if question.op == "keys":
        return json.dumps(await values.keys()).encode()
    if question.op == "delete":
        return json.dumps(await values.delete(key)).encode()
    if (words := fault(question.value)) is not None:
        raise NotKeptError(words)
    await values.set(key, question.value)
    return b""
