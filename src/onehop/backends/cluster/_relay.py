"""What a run says on its node, brought to its caller, and the answers of the caller's desk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from onehop.backends.cluster._messages import Answer, Ended, Question, Said, TimeIsUp
from onehop.runs.questions import Desk, Headway, Services, Shown
from onehop.types import LogEntry, OnLog

Ask = Callable[[Any], Awaitable[Any]]


class Relay:
    """Between one run on ``actor`` and its caller."""

    def __init__(
        self,
        actor: Any,
        ask: Ask,
        run_id: str,
        on_log: OnLog | None,
        desk: Desk | None,
        services: Services | None = None,
    ) -> None:
        """``ask`` awaits an answer of the actor."""
        self._actor = actor
        self._wait_for = ask
        self._run_id = run_id
        self._on_log = on_log
        self._desk = desk
        self._services = services
        self._handled = 0
        self.has_asked = False
        """Whether the code has asked the desk for anything, or shown something: a second run could
        do it twice."""

    async def follow(self, running: asyncio.Future[Ended]) -> Ended:
        """Pass on all that it says until ``running`` has ended, and then the rest."""
        fetching: asyncio.Future[tuple[Said, ...]] | None = None
        try:
            while not running.done():
                fetching = fetching or asyncio.ensure_future(self._fetch())
                both: list[asyncio.Future[Any]] = [running, fetching]
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if fetching.done():
                    self._pass_on(fetching.result())
                    fetching = None
            ended = running.result()
            if fetching and self._handled + len(ended.rest) < ended.said:
                self._pass_on(await fetching)  # it was on its way when the run ended
        finally:
            running.cancel()
            if fetching is not None:
                fetching.cancel()
        self._pass_on(ended.rest)
        return ended

    async def _fetch(self) -> tuple[Said, ...]:
        messages: tuple[Said, ...] = await self._wait_for(self._actor.hear.remote(self._run_id))
        return messages

    def _pass_on(self, messages: tuple[Said, ...]) -> None:
        for message in messages:
            self._handled += 1
            self._take(message)

    def _take(self, message: Said) -> None:
        if isinstance(message, LogEntry):
            if self._on_log is not None:
                self._on_log(message)
        elif isinstance(message, Shown | Headway):
            self._serve(message)
        elif self._desk is None:
            return
        elif isinstance(message, TimeIsUp):
            self._desk.run_out()
        else:
            self._ask(self._desk, message)

    def _serve(self, message: Shown | Headway) -> None:
        if self._services is None:
            return
        if isinstance(message, Headway):
            self._services.progress(message)
        else:
            self.has_asked = True
            self._services.show(message)

    def _ask(self, desk: Desk, asked: Question) -> None:
        self.has_asked = True

        def reply(value: bytes | None, error: bytes | None) -> None:
            self._actor.answer.remote(self._run_id, Answer(asked.number, value, error))

        desk.take(asked.question, reply)
