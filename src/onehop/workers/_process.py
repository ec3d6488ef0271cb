"""One worker: a confined process that serves one job. Start, talk, kill, measure, reap."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from onehop.errors import WorkerStartError
from onehop.jail import Child, Exit, Launcher
from onehop.limits import MIB, Limits
from onehop.types import LogEntry, OnLog
from onehop.workers import _measure
from onehop.workers._pipes import Pipes, read_some
from onehop.workers._seal import seal
from onehop.workers.protocol import (
    SMALL_BODY,
    Failure,
    FrameReader,
    LargeResult,
    Log,
    Message,
    Original,
    ProtocolError,
    Ready,
    Result,
    Warm,
    encode_job,
    encode_warm,
    parse_message,
)

START_SECONDS = 20.0
"""From spawn to ready; it takes about 0.03 s on an idle machine."""
END_SECONDS = 5.0
"""From SIGKILL to the end of the process, in the worst case."""
SAMPLE_SECONDS = 0.05
IDLE_SECONDS = 0.01
"""From ready to the request to warm up, which a job that comes at once goes without."""
_STDERR_BYTES = 8192

_log = logging.getLogger(__name__)

Verdict = Literal["exit", "timeout", "memory", "cpu", "threads", "protocol", "cancelled"]


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked to run."""

    code: str
    """JavaScript."""
    context_json: str
    capture_console: bool
    limits: Limits
    original: Original | None = None
    """Of code that was TypeScript."""
    on_log: OnLog | None = None
    """Called in the event loop with each console line as it arrives, in order."""


@dataclass(frozen=True, slots=True)
class Died:
    """The run ended without a word from the guest that counts."""

    verdict: Verdict
    detail: str
    """What the host saw: the protocol's complaint, or the engine's last words."""
    exit: Exit | None


@dataclass(slots=True)
class Outcome:
    """How one job ended; all numbers are the host's own."""

    end: Result | LargeResult | Failure | Died
    elapsed: float
    cpu_seconds: float
    peak_bytes: int
    logs: list[LogEntry] = field(default_factory=list)
    logs_dropped: int = 0
    enforcement: tuple[str, ...] = ()


_OUT_OF_TURN = "a worker spoke out of turn, or ended, right after it was ready"


class Worker:
    """A process that is ready for one job. Made by ``start``; ``aclose`` reaps it."""

    def __init__(self, launcher: Launcher, process: Child, pipes: Pipes) -> None:
        self._launcher = launcher
        self._process = process
        self._pipes = pipes
        self._loop = asyncio.get_running_loop()
        self._exited = self._loop.create_future()
        self._output_ended = self._loop.create_future()
        self._exit: Exit | None = None
        self._killed = False
        self._status: _measure.Status | None = None
        self._watched = _measure.Watch(process.pid, None, None)
        self._warming = False
        self._listening = True
        self._resting: _measure.Sample | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._stderr = b""
        self._frames = FrameReader(SMALL_BODY)
        self._token = ""
        self._next_token = secrets.token_hex(16)
        self._on_message: Callable[[Message, int], None] = self._greet
        self._on_trouble: Callable[[Verdict, str], None] = lambda _verdict, _detail: self.kill()
        self._ready: asyncio.Future[Ready] = self._loop.create_future()
        self._max_output = 0
        self.enforcement: tuple[str, ...] = ()
        self.memory_bytes = 0
        self.on_early_exit: Callable[[], None] = lambda: None
        self._watch()

    # --- from spawn to ready ---

    @classmethod
    async def start(cls, launcher: Launcher, ceiling: Limits) -> Worker:
        """Spawn, wait for the lockdown, seal, and verify the confinement from outside.

        ``ceiling`` is what no job of this worker may exceed, whatever its own limits are.

        Raises WorkerStartError, or LayerUnavailableError when a layer is not in force.
        """
        pipes = Pipes.open()
        try:
            process = await launcher.spawn("worker", pipes.child_ends, ceiling.memory_bytes // MIB)
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.close_child_ends()
        worker = cls(launcher, process, pipes)
        worker.memory_bytes = ceiling.memory_bytes
        try:
            await worker._become_ready(ceiling)
        except BaseException:
            await asyncio.shield(worker.aclose())
            raise
        return worker

    async def _become_ready(self, ceiling: Limits) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.wait(
                    [self._ready, self._output_ended], return_when=asyncio.FIRST_COMPLETED
                )
        except TimeoutError:
            raise WorkerStartError(f"a worker was not ready after {START_SECONDS:g} s") from None
        if not self._ready.done():
            await self._explain_failed_start()
        try:
            await self._seal(ceiling)
        except OSError as error:
            if self._output_ended.done():  # killed for what it said, while it was being examined
                raise WorkerStartError(_OUT_OF_TURN) from None
            raise WorkerStartError(f"a worker could not be examined: {error}") from None
        self._idle_timer = self._loop.call_later(IDLE_SECONDS, self._warm_up)
        if self._output_ended.done():
            raise WorkerStartError(_OUT_OF_TURN)

    async def _seal(self, ceiling: Limits) -> None:
        self._status, self.enforcement = await seal(self._launcher, self._process, ceiling)
        ready = None if self._status is None else self._status.extent()
        self._watched = _measure.Watch(self._process.pid, self._status, ready)

    async def _explain_failed_start(self) -> None:
        self.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await asyncio.shield(self._exited)
        self._read_stderr()
        words = self._stderr.decode(errors="replace").strip()
        raise WorkerStartError(f"a worker ended before it was ready: {words[-500:] or 'silently'}")

    def _greet(self, message: Message, _size: int) -> None:
        if isinstance(message, Warm) and self._warming:
            self._rest()
        elif isinstance(message, Ready) and not self._ready.done():
            self._ready.set_result(message)
        else:
            raise ProtocolError("a frame out of turn before the job")

    def _warm_up(self) -> None:
        """Nobody wants this worker yet: let its code get hot."""
        self._warming = True
        self._pipes.write(encode_warm(), self._loop)

    @property
    def idle(self) -> bool:
        """Whether it can take its job."""
        return self._ready.done() and not self._token and not self._output_ended.done()

    # --- the job ---

    async def run(self, job: Job) -> Outcome:
        """Run ``job``. When the awaiting task is cancelled, the process is killed at once; after
        an answer it waits to be killed by ``aclose``."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        run = _Run(job, self._loop, self._watched)
        try:
            run.start = self._sample()
            self._dispatch(job, run)
            await run.ended
            return await self._conclude(run)
        except BaseException:
            self.kill()
            raise
        finally:
            run.stop()
            self._let_go()

    def _let_go(self) -> None:
        """Of the run: in a cycle with the worker, its texts would stay until a full collection."""
        self._on_message = lambda _message, _size: None
        self._on_trouble = lambda _verdict, _detail: None

    def stop(self) -> None:
        """End the run in progress as cancelled."""
        self._on_trouble("cancelled", "")

    def _rest(self) -> None:
        """From here on an idle worker uses nothing: no need to measure when the job comes."""
        self._warming = False
        _measure.forget_peak(self._process.pid)
        with contextlib.suppress(OSError):  # gone, which its pipe tells
            self._resting = _measure.sample(self._process.pid)

    def _sample(self) -> _measure.Sample:
        if self._resting is not None:
            return self._resting
        try:
            return _measure.sample(self._process.pid)
        except OSError:
            raise _ended_before_its_job() from None

    def _dispatch(self, job: Job, run: _Run) -> None:
        limits = job.limits
        self._token = self._next_token
        self._max_output = limits.output_bytes
        self._frames.max_body = 2 * limits.keep_bytes + SMALL_BODY
        self._on_message = run.on_message
        self._on_trouble = self._end_run(run)
        frame = encode_job(
            token=self._token,
            code=job.code,
            original=job.original,
            context_json=job.context_json,
            capture=job.capture_console,
            limits_json=_limits_json(limits),
        )
        run.arm(self._on_trouble)
        if not self._pipes.write(frame, self._loop):
            raise _ended_before_its_job()
        run.watch()

    def _end_run(self, run: _Run) -> Callable[[Verdict, str], None]:
        def end(verdict: Verdict, detail: str) -> None:
            """Kill now; what was printed before is still in the pipe and is read to its end."""
            if run.verdict is None and not run.ended.done():
                run.verdict, run.detail = verdict, detail
            self.kill()
            if self._output_ended.done():
                run.finish(None)

        return end

    async def _conclude(self, run: _Run) -> Outcome:
        if run.message is not None:
            usage = _measure.usage(self._process.pid, run.start, self._status)
            if usage is not None:
                return run.outcome(run.message, *usage, self.enforcement)
        self.kill()
        exit_ = await self._reaped()
        cpu, peak = _measure.usage_at_exit(exit_, run.start)
        end = run.message or Died(run.verdict or "exit", run.detail or self._last_words(), exit_)
        if isinstance(end, Died) and end.verdict in ("exit", "protocol"):
            _log.info("a worker ended early: %s, %r", exit_, end.detail[-500:])
        return run.outcome(end, cpu, peak, self.enforcement)

    def _last_words(self) -> str:
        return self._stderr.decode(errors="replace").strip()

    # --- watching the process ---

    def _watch(self) -> None:
        self._loop.add_reader(self._pipes.output, self._read_output)
        self._loop.add_reader(self._pipes.stderr, self._read_stderr)
        self._loop.add_reader(self._process.exit_fd, self._notice_exit)

    def _read_output(self) -> bool:
        """Whether there was something."""
        data = read_some(self._pipes.output)
        if not data:
            if data is not None:
                self._end_output("exit", "")
            return False
        try:
            for body in self._frames.feed(data):
                self._take(body)
        except ProtocolError as error:
            self._end_output("protocol", str(error))
        return True

    def _end_output(self, verdict: Verdict, detail: str) -> None:
        self._loop.remove_reader(self._pipes.output)
        if not self._output_ended.done():
            self._output_ended.set_result(None)
        self._on_trouble(verdict, detail)
        self.on_early_exit()

    def _take(self, body: bytes) -> None:
        if self._warming:  # its answer comes before all else, also when the job is on its way
            self._greet(parse_message(body, "", self._max_output), len(body))
        else:
            self._on_message(parse_message(body, self._token, self._max_output), len(body))

    def _read_stderr(self) -> None:
        data = read_some(self._pipes.stderr)
        if data == b"":
            self._loop.remove_reader(self._pipes.stderr)
        elif data:
            self._stderr = (self._stderr + data)[-_STDERR_BYTES:]

    def _notice_exit(self) -> None:
        self._loop.remove_reader(self._process.exit_fd)
        if not self._exited.done():
            self._exited.set_result(None)
        if self._listening:
            self._hear_the_rest()

    def _hear_the_rest(self) -> None:
        """A copy of the host by fork may have the pipe open, so that its end is not to be seen."""
        while not self._output_ended.done() and self._read_output():
            pass
        if not self._output_ended.done():
            self._end_output("exit", "")

    # --- the end ---

    def kill(self) -> None:
        """Send SIGKILL, once."""
        if not self._killed:
            self._killed = True
            self._process.kill()

    async def aclose(self) -> None:
        """Kill, reap, and close every descriptor."""
        self.on_early_exit = lambda: None
        self._stop_listening()
        self.kill()
        try:
            await self._ended()
            if self._exit is None:
                self._launcher.release(self._process.id)
        finally:
            self._close()

    async def _ended(self) -> None:
        async with asyncio.timeout(END_SECONDS):
            await asyncio.shield(self._exited)

    async def _reaped(self) -> Exit | None:
        """How the process ended; None when the spawner is gone and cannot say."""
        if self._exit is None:
            await self._ended()
            self._read_stderr()
            with contextlib.suppress(WorkerStartError):
                self._exit = await self._launcher.reap(self._process.id)
        return self._exit

    def _stop_listening(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._listening = False
        for descriptor in (self._pipes.output, self._pipes.stderr):
            self._loop.remove_reader(descriptor)

    def _close(self) -> None:
        if self._status is not None:
            self._status.close()
        self._loop.remove_reader(self._process.exit_fd)
        self._pipes.close()
        os.close(self._process.exit_fd)


@functools.lru_cache(maxsize=64)
def _limits_json(limits: Limits) -> str:
    """The limits as the guest gets them, so that it keeps to them by itself."""
    told = {
        "output": limits.output_bytes,
        "keep": limits.keep_bytes,
        "logs": limits.log_bytes,
        "entries": limits.log_entries,
    }
    return json.dumps(told)


class _Run:
    """The state of the job while it runs."""

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop, watched: _measure.Watch) -> None:
        self.job = job
        self.loop = loop
        self.watched = watched
        self.start = _measure.Sample(0, 0, 0.0)
        self.started = time.perf_counter()
        self.finished = 0.0
        self.ended: asyncio.Future[None] = loop.create_future()
        self.message: Result | LargeResult | Failure | None = None
        self.verdict: Verdict | None = None
        self.detail = ""
        self.logs: list[LogEntry] = []
        self.log_bytes = 0
        self.deadline = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.end: Callable[[Verdict, str], None] = lambda _verdict, _detail: None

    def arm(self, end: Callable[[Verdict, str], None]) -> None:
        """Start the clock."""
        self.end = end
        self.started = time.perf_counter()

    def watch(self) -> None:
        """Set the deadline and the sampling, which share a timer: most runs need neither."""
        now = self.loop.time()
        self.deadline = now + self.job.limits.timeout
        self._look_later(now)

    def _look_later(self, now: float) -> None:
        self.timer = self.loop.call_at(min(self.deadline, now + SAMPLE_SECONDS), self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if now >= self.deadline:
            self._expire()
        else:
            self._sample(now)

    def _expire(self) -> None:
        self.end("timeout", "")
        # The kill closes the pipe; if that is ever late, do not keep the caller.
        self.timer = self.loop.call_later(END_SECONDS, self.finish, None)

    def _sample(self, now: float) -> None:
        """A backstop behind the kernel's own limits, which count other things."""
        over = self.watched.over_limit(self.start, self.job.limits)
        if over is None:
            self._look_later(now)
        else:
            self.end(over, "")
            self.timer = self.loop.call_at(self.deadline, self._expire)

    def on_message(self, message: Message, size: int) -> None:
        if self.ended.done():
            return
        if isinstance(message, Log):
            self._log(message)
        elif isinstance(message, Ready | Warm):
            raise ProtocolError("a frame that is out of turn during the job")
        elif isinstance(message, Result) and size > self.job.limits.output_bytes + SMALL_BODY:
            raise ProtocolError("a result over the output limit")
        elif self.verdict is None:
            self.finish(message)

    def _log(self, log: Log) -> None:
        limits = self.job.limits
        self.log_bytes += len(log.message)
        if len(self.logs) >= limits.log_entries or self.log_bytes > limits.log_bytes:
            raise ProtocolError("more console output than the job allows")
        if not self.job.capture_console:
            raise ProtocolError("console output that the job forbids")
        elapsed = (time.perf_counter() - self.started) * 1000
        entry = LogEntry.trusted(level=log.level, message=log.message, time=round(elapsed, 3))
        self.logs.append(entry)
        if self.job.on_log is not None:  # what it raises is not the worker's fault
            self.loop.call_soon(self.job.on_log, entry)

    def finish(self, message: Result | LargeResult | Failure | None) -> None:
        if not self.ended.done():
            self.message = message
            self.finished = time.perf_counter()
            self.ended.set_result(None)

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.end = lambda _verdict, _detail: None

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
        )


def _ended_before_its_job() -> WorkerStartError:
    return WorkerStartError("the worker ended before it was given the job")
