"""A job, how it ended, and its state while it runs."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Final, Literal, Protocol

from onehop import types
from onehop._data import data
from onehop.inputs.frames import ProtocolError
from onehop.jail import Exit, measure
from onehop.limits import Limits
from onehop.runs.questions import (
    MOST_ASKS,
    MOST_SLEEPS,
    MOST_STORED,
    Ask,
    Call,
    Desk,
    Headway,
    Moves,
    Services,
    Shown,
    Sleep,
    Stored,
)
from onehop.workers._clock import RunClock
from onehop.workers._rest import Rest
from onehop.workers.protocol import (
    SMALL_BODY,
    Failure,
    LargeResult,
    Log,
    Names,
    Original,
    Result,
    encode_answer,
    encode_names,
    encode_refusal,
)

if TYPE_CHECKING:
    from onehop.types import LogEntry, OnLog

SAMPLE_SECONDS = 0.05
RESTING_SECONDS = 0.25
"""Between two looks at a run that only waits: of these there may be thousands."""
END_SECONDS = 5.0
"""From SIGKILL to the end of the process, in the worst case."""

Verdict = Literal["exit", "timeout", "memory", "cpu", "threads", "protocol", "cancelled"]
End = Callable[[Verdict, str], None]
"""Ends the run in progress, and says why."""
Send = Callable[[Iterable[bytes]], None]
"""Sends frames to the code that runs."""


class Turn(Protocol):
    """The place of a run among those that compute at the same time."""

    def begun(self) -> None:
        """The worker has the run's job: there is time for what it does not wait for."""

    def rest(self) -> bool:
        """Give the place up, because the run only waits for tools; whether it was taken."""
        ...

    async def resume(self) -> None:
        """Wait for a place again."""


_ANSWERS: Final = (Result, LargeResult, Failure)
_SERVED: Final = (Shown, Headway, Stored)
Word = Log | Names | Call | Ask | Sleep | Shown | Headway | Stored | Result | LargeResult | Failure
"""What a worker says while it runs."""


@data(frozen=True, slots=True)
class Job:
    """What a worker is asked to run."""

    code: str
    """JavaScript."""
    context_json: bytes
    capture_console: bool
    limits: Limits
    original: Original | None = None
    """Of code that was TypeScript."""
    on_log: OnLog | None = None
    """Called in the event loop with each console line as it arrives, in order."""
    desk: Desk | None = None
    """None when no tools are granted."""
    seed: int | None = None
    clock: float | None = None
    """See ``ExecutionRequest``."""
    moves: Moves | None = None
    """See ``CheckedRequest``."""
    services: Services | None = None
    session_json: str | None = None
    """How it is a call of a session; None: the worker runs nothing after it."""

    @property
    def fixed_json(self) -> str:
        """What the guest fixes before the code runs."""
        if self.seed is None and self.clock is None:
            return "null"
        moves = {"moves": self.moves} if self.moves else {}
        return json.dumps({"seed": self.seed, "clock": self.clock, **moves})


@data(frozen=True, slots=True)
class Died:
    """The run ended without a word from the guest that counts."""

    verdict: Verdict
    detail: str
    """What the host saw: the protocol's complaint, or the engine's last words."""
    exit: Exit | None


@data(frozen=False, slots=True)
class Outcome:
    """How one job ended; all numbers are the host's own."""

    end: Result | LargeResult | Failure | Died
    elapsed: float
    cpu_seconds: float
    peak_bytes: int
    logs: list[LogEntry] = field(default_factory=list)
    logs_dropped: int = 0
    enforcement: tuple[str, ...] = ()
    waited: float = 0.0
    """Seconds of ``elapsed`` in which calls of tools were open."""


class Run:
    """The state of the job while it runs."""

    def __init__(
        self,
        job: Job,
        loop: asyncio.AbstractEventLoop,
        watched: measure.Watch,
        end: End,
        send: Send,
        turn: Turn | None = None,
    ) -> None:
        self.job = job
        self.loop = loop
        self.watched = watched
        self.end = end
        self.send = send
        self.rest = Rest(turn, send)
        self.asked: dict[type[Call | Ask | Sleep | Stored], set[int]] = {}
        self.has_names = False
        self.start = self.first = measure.Sample(0, 0, 0.0)
        """When this job began, and the worker's first one, which memory is counted from."""
        self.started = self.finished = 0.0
        self.waited = 0.0
        self.ended: asyncio.Future[None] = loop.create_future()
        self.message: Result | LargeResult | Failure | None = None
        self.verdict: Verdict | None = None
        self.detail = ""
        self.logs: list[LogEntry] = []
        self.log_bytes = 0
        self.clock = RunClock(loop.time(), 0.0 if job.desk is None else job.desk.wait_seconds)
        self.timer: asyncio.TimerHandle | None = None
        self._context = contextvars.copy_context()
        """The caller's, for its tools: frames arrive in the context in which the worker started."""

    def watch(self, start: measure.Sample, first: measure.Sample, began: float) -> None:
        """Set the deadline and the sampling, which share a timer: most runs need neither. The job
        was given at ``began``, by a performance counter."""
        self.start, self.first, self.started = start, first, began
        self._look_later(self.loop.time(), self.job.limits.timeout)

    def _look_later(self, now: float, left: float) -> None:
        pause = SAMPLE_SECONDS if self.rest.has_place else RESTING_SECONDS
        self.timer = self.loop.call_at(now + min(left, pause), self._look)

    def _look(self) -> None:
        now = self.loop.time()
        left = self.job.limits.timeout - self.clock.own(now, self._cpu_seconds())
        if left <= 0:
            self._expire()
        else:
            self._sample(now, left)

    def _cpu_seconds(self) -> float:
        """What the run has used of the processor; only where that decides."""
        return self.watched.cpu_seconds(self.start) if self.clock.has_waited else 0.0

    def _expire(self) -> None:
        self.end("timeout", "")
        # The kill closes the pipe; if that is ever late, do not keep the caller.
        self.timer = self.loop.call_later(END_SECONDS, self.finish, None)

    def _sample(self, now: float, left: float) -> None:
        """A backstop behind the kernel's own limits, which count other things."""
        over = self.watched.over_limit(self.start, self.job.limits, self.first)
        desk = self.job.desk
        if over is not None:
            self.end(over, "")
            self.timer = self.loop.call_later(left, self._expire)
            return
        cpu = self.watched.cpu_seconds(self.start)
        if desk is not None and self.clock.only_waited(now, cpu) >= desk.wait_seconds:
            desk.run_out()
        self.rest.look(self.clock.is_open, cpu)
        self._look_later(now, left)

    def take(self, message: Word, size: int, token: str) -> None:
        """A frame of ``size`` bytes whose turn it is, in a run with that ``token``."""
        if isinstance(message, _ANSWERS):
            if isinstance(message, Result) and size > self.job.limits.output_bytes + SMALL_BODY:
                raise ProtocolError("a result over the output limit")
            self.finish(message)
        elif isinstance(message, Log):
            self._log(message)
        elif isinstance(message, _SERVED):
            self._serve(message, token)
        else:
            self._take_question(message, token)

    def _take_question(self, question: Names | Call | Ask | Sleep, token: str) -> None:
        desk = self.job.desk
        if desk is None:
            raise ProtocolError("a question about tools, and none are granted")
        if isinstance(question, Names):
            if self.has_names:
                raise ProtocolError("the names of tools were asked for twice")
            self.has_names = True
            self.send([encode_names(token, desk.names())])
            return
        if isinstance(question, Sleep) and not self.job.moves:
            raise ProtocolError("a timer of a job whose time the host does not keep")
        self._count(question, desk)
        if isinstance(question, Call):
            self.clock.open(self.loop.time())
        self._context.run(desk.take, question, functools.partial(self._reply, token, question))

    def _serve(self, message: Shown | Headway | Stored, token: str) -> None:
        services = self.job.services
        if services is None:
            raise ProtocolError("something for its host, which takes nothing")
        try:
            if isinstance(message, Shown):
                services.show(message)
            elif isinstance(message, Headway):
                services.progress(message)
            else:
                self._store(services, message, token)
        except ValueError as error:
            raise ProtocolError(str(error)) from None

    def _store(self, services: Services, question: Stored, token: str) -> None:
        if self._number_of(question) > MOST_STORED:
            raise ProtocolError("more questions about what is stored than a run may ask")
        services.store(question, functools.partial(self._reply, token, question))

    def _reply(
        self,
        token: str,
        question: Call | Ask | Sleep | Stored,
        value: bytes | None,
        error: bytes | None,
    ) -> None:
        at = self.job.desk.now if self.job.moves and self.job.desk is not None else None
        if value is not None:
            frames = encode_answer(token, question.id, value, at)
        else:
            frames = iter([encode_refusal(token, question.id, error or b"{}", at)])
        self.rest.send(frames, self._close if isinstance(question, Call) else _nothing)

    def _close(self) -> None:
        self.clock.close(self.loop.time())

    def _count(self, question: Call | Ask | Sleep, desk: Desk) -> None:
        """An honest guest refuses what goes beyond its budget by itself."""
        if self._number_of(question) > _most(question, desk):
            raise ProtocolError("more questions about tools than the job allows")
        arguments = question.arguments if isinstance(question, Call) else None
        if arguments is not None and len(arguments) > desk.most_arguments:
            raise ProtocolError("arguments of a call over their limit")

    def _number_of(self, question: Call | Ask | Sleep | Stored) -> int:
        """How many of its kind there are, with this one; each has an id of its own."""
        if any(question.id in ids for ids in self.asked.values()):
            raise ProtocolError("a question with an id that another one has had")
        asked = self.asked.setdefault(type(question), set())
        asked.add(question.id)
        return len(asked)

    def _log(self, log: Log) -> None:
        limits = self.job.limits
        self.log_bytes += len(log.message)
        if len(self.logs) >= limits.log_entries or self.log_bytes > limits.log_bytes:
            raise ProtocolError("more console output than the job allows")
        if not self.job.capture_console:
            raise ProtocolError("console output that the job forbids")
        elapsed = (time.perf_counter() - self.started) * 1000
        entry = types.LogEntry(level=log.level, message=log.message, time=round(elapsed, 3))
        self.logs.append(entry)
        if self.job.on_log is not None:  # what it raises is not the worker's fault
            self.loop.call_soon(self.job.on_log, entry)

    def finish(self, message: Result | LargeResult | Failure | None) -> None:
        """It is over, with the guest's answer or without."""
        if not self.ended.done():
            self.message = message
            self.finished = time.perf_counter()
            self.waited = self.clock.waited(self.loop.time())
            self.ended.set_result(None)

    def stop(self) -> None:
        """Let the clock rest."""
        self.rest.stop()
        if self.timer is not None:
            self.timer.cancel()

    def outcome(
        self,
        end: Result | LargeResult | Failure | Died,
        cpu: float,
        peak: int,
        enforcement: tuple[str, ...],
    ) -> Outcome:
        dropped = 0 if isinstance(end, Died) else end.dropped
        return Outcome(
            end=end,
            elapsed=self.finished - self.started,
            cpu_seconds=cpu,
            peak_bytes=peak,
            logs=self.logs,
            logs_dropped=dropped,
            enforcement=enforcement,
            waited=self.waited,
        )


def _most(question: Call | Ask | Sleep, desk: Desk) -> int:
    if isinstance(question, Sleep):
        return MOST_SLEEPS
    return desk.most_calls if isinstance(question, Call) else MOST_ASKS


def _nothing() -> None:
    pass
