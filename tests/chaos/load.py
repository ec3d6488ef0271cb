"""A load of calls over HTTP that goes on whatever happens to the server, and remembers what it was
answered. A call that got no answer is sent again with the same request id."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

import httpx2

from tests.chaos.calls import Call, call

CLIENTS: Final = 5
PATIENCE: Final = 60.0
"""Seconds in which each call must be answered."""
_REFUSALS: Final = {429, 503}
"""What a server may answer that cannot run anything now."""


RETURN: Final = 10.0
"""Seconds until what a server that came back knew of a run has come, if it knew anything."""


def is_lost(answer: httpx2.Response) -> bool:
    """Whether it says that the server of the run has ended, and that nothing is known of it."""
    return answer.status_code == 409 and bool(answer.json()["error"]["code"] == "run_lost")


def passes(answer: httpx2.Response) -> bool:
    """Whether it says to ask again later."""
    return answer.status_code in _REFUSALS or is_lost(answer)


@dataclass(frozen=True)
class Answer:
    """What came of one call; times by ``time.monotonic``."""

    call: Call
    began: float
    ended: float
    attempts: int
    result: dict[str, Any]

    @property
    def good(self) -> bool:
        """Whether it succeeded with the right output, or failed as an attack must."""
        if self.call.hostile:
            return not self.result["success"]
        return bool(self.result["success"]) and self.result["output"] == self.call.output

    @property
    def wrong(self) -> bool:
        """Whether it claims a success that is none."""
        return bool(self.result["success"]) and not self.good

    @property
    def error_type(self) -> str:
        return str((self.result.get("errorInfo") or {}).get("type"))


@dataclass
class Load:
    """Calls in turn, from several clients, from its start to its end."""

    url: str
    key: str
    prefix: str
    clients: int = CLIENTS
    make: Callable[[int, str], Call] = call
    answers: list[Answer] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """How often a call had to be sent again, and why."""
    lost: list[str] = field(default_factory=list)
    """Request ids of which a server has said, and kept saying, that their run is lost."""
    problems: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._numbers = count()
        self._ending = False
        self._said_lost: set[str] = set()
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self.clients)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Every call that has begun is answered first."""
        self._ending = True
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        self.problems += [f"a client failed: {end!r}" for end in ends if end is not None]

    async def good_since(self, moment: float, kind: str | None = None) -> bool:
        """Whether a call that began after ``moment`` was answered well."""
        return any(
            answer.began >= moment
            and answer.good
            and not answer.call.hostile
            and kind in (None, answer.call.kind)
            for answer in reversed(self.answers)
        )

    def note(self, answer: Answer) -> None:
        """It came."""
        self.answers.append(answer)

    async def _client(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=PATIENCE
        ) as client:
            while not self._ending:
                await self._ask(client, self.make(next(self._numbers), self.prefix))

    async def _ask(self, client: httpx2.AsyncClient, asked: Call) -> None:
        began = time.monotonic()
        for attempt in count(1):
            body = await self._attempt(client, asked)
            if body is not None:
                now = time.monotonic()
                self.note(Answer(asked, began, now, attempt, body))
                return
            waited = time.monotonic() - began
            if asked.request_id in self._said_lost and waited > RETURN:
                self.lost.append(asked.request_id)
                return
            if waited > PATIENCE:
                self.problems.append(f"{asked.request_id} ({asked.kind}) was never answered")
                return
            await asyncio.sleep(0.1)

    async def _attempt(self, client: httpx2.AsyncClient, asked: Call) -> dict[str, Any] | None:
        headers = {"X-Request-Id": asked.request_id}
        try:
            answer = await client.post("/api/v1/execute", json=asked.arguments, headers=headers)
        except httpx2.TransportError as error:
            self.refused[type(error).__name__] += 1
            return None
        if answer.status_code == 200:
            found: dict[str, Any] = answer.json()
            return found
        self.refused[str(answer.status_code)] += 1
        if is_lost(answer):
            self._said_lost.add(asked.request_id)
        if not passes(answer):
            told = f"{asked.request_id} ({asked.kind}): {answer.status_code} {answer.text[:300]}"
            self.problems.append(told)
        return None
