"""One worker: a confined process that serves one job, or, with realms, one after another. Start,
talk, kill, measure, reap."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Literal

from onehop.descriptors import shortage
from onehop.errors import WorkerStartError
from onehop.inputs.frames import FrameReader, ProtocolError
from onehop.inputs.gc import Body
from onehop.jail import Child, Exit, Launcher, Pipes, measure, read_some, seal
from onehop.limits import MIB, Limits
from onehop.workers._job import END_SECONDS, Died, Job, Outcome, Run, Turn, Verdict
from onehop.workers._states import WITH_JOB, State, turn
from onehop.workers.protocol import (
    SMALL_BODY,
    LargeResult,
    Message,
    Ready,
    Result,
    Warm,
    encode_context,
    encode_job,
    encode_warm,
    parse_message,
    tools_json,
)

START_SECONDS = 20.0
"""From spawn to ready; it takes about 0.03 s on an idle machine."""
IDLE_SECONDS = 0.01
"""From ready to the request to warm up, which a job that comes at once goes without."""
_STDERR_BYTES = 8192
_NEAR = 0.75
"""Share of a limit."""

_OUT_OF_TURN = "a worker spoke out of turn, or ended, right after it was ready"

Program = Literal["worker", "realms"]
"""What runs in the process: one job, or one after another, each in a realm of its own."""

_log = logging.getLogger(__name__)


class Worker:
    """A process that is ready for one job. Made by ``start``; ``aclose`` reaps it. One that has
    realms may be ready again after a job: see ``idle``."""

    def __init__(
        self, launcher: Launcher, process: Child, pipes: Pipes, program: Program = "worker"
    ) -> None:
        self._program = program
        self._launcher = launcher
        self._process = process
        self._pipes = pipes
        self._loop = asyncio.get_running_loop()
        self._exited = self._loop.create_future()
        self._output_ended = self._loop.create_future()
        self._exit: Exit | None = None
        self._killed = False
        self._state: State = "starting"
        self._run: Run | None = None
        self._status: measure.Status | None = None
        self._watched = measure.Watch(process.pid, None, None)
        self._listening = True
        self._resting: measure.Sample | None = None
        self._ahead: bytes | None = None
        """The context that it was given before its job."""
        self._idle_timer: asyncio.TimerHandle | None = None
        self._stderr = b""
        self._frames = FrameReader(SMALL_BODY)
        self._token = ""
        self._next_token = secrets.token_hex(16)
        self._ready: asyncio.Future[Ready] = self._loop.create_future()
        self._max_output = 0
        self.enforcement: tuple[str, ...] = ()
        self.memory_bytes = 0
        self.most_cpu_seconds = 0.0
        """What all its jobs may use; the kernel ends it soon after."""
        self._first: measure.Sample | None = None
        self.runs = 0
        """Jobs that it was given."""
        self.grown = 0
        """Bytes of memory that it had before its last run, beyond those when it was ready."""
        self.cpu_seconds = 0.0
        """CPU time that it had used before its last run."""
        self.used_cpu_seconds = 0.0
        """Of all its jobs, up to the last answer."""
        self.was_near_limit = False
        """Whether its last run was near a limit of memory or CPU time."""
        self.on_early_exit: Callable[[], None] = lambda: None
        self._watch()

    # --- from spawn to ready ---

    @classmethod
    async def start(
        cls, launcher: Launcher, ceiling: Limits, program: Program = "worker"
    ) -> Worker:
        """Spawn, wait for the lockdown, seal, and verify the confinement from outside.

        ``ceiling`` is what no job of this worker may exceed, whatever its own limits are; its CPU
        time is that of the process's whole life.

        Raises WorkerStartError, or LayerUnavailableError when a layer is not in force.
        """
        pipes = Pipes.open()
        try:
            process = await launcher.spawn(program, pipes.child_ends, ceiling.memory_bytes // MIB)
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.close_child_ends()
        worker = cls(launcher, process, pipes, program)
        worker.memory_bytes = ceiling.memory_bytes
        worker.most_cpu_seconds = ceiling.cpu_seconds
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
            why = shortage(error) or error
            raise WorkerStartError(f"a worker could not be examined: {why}") from None
        if self._program == "worker":  # one with realms has run some before it was ready
            self._idle_timer = self._loop.call_later(IDLE_SECONDS, self._warm_up)
        if self._output_ended.done():
            raise WorkerStartError(_OUT_OF_TURN)

    async def _seal(self, ceiling: Limits) -> None:
        self._status, self.enforcement = await seal(self._launcher, self._process, ceiling)
        ready = None if self._status is None else self._status.extent()
        self._watched = measure.Watch(self._process.pid, self._status, ready)

    async def _explain_failed_start(self) -> None:
        self.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await asyncio.shield(self._exited)
        self._read_stderr()
        words = self._stderr.decode(errors="replace").strip()
        raise WorkerStartError(f"a worker ended before it was ready: {words[-500:] or 'silently'}")

    def _greet(self, message: Ready) -> None:
        self._state = "idle"
        self._ready.set_result(message)

    def _warm_up(self) -> None:
        """Nobody wants this worker yet: let its code get hot."""
        self._idle_timer = None
        self._state = "warming"
        self._pipes.write(encode_warm(), self._loop)

    def _rest(self) -> None:
        """From here on an idle worker uses nothing: no need to measure when the job comes."""
        self._state = "running" if self._state == "overtaken" else "idle"
        measure.forget_peak(self._process.pid)
        with contextlib.suppress(OSError):  # gone, which its pipe tells
            self._resting = measure.sample(self._process.pid)

    @property
    def idle(self) -> bool:
        """Whether it can take its job, or another one."""
        return self._state in ("idle", "warming") and not self._output_ended.done()

    @property
    def is_kept(self) -> bool:
        """Whether it can take the next call of its session."""
        return self._state == "kept" and not self._output_ended.done()

    # --- the job ---

    def read_ahead(self, context_json: bytes) -> None:
        """Have it read the context of the job that it is about to get, unless it is not at rest:
        what it uses for that is the job's."""
        if self._state == "idle" and self._resting is not None:
            self._pipes.write(encode_context(context_json), self._loop)
            self._ahead = context_json

    async def run(
        self, job: Job, turn: Turn | None = None, meanwhile: Callable[[], object] | None = None
    ) -> Outcome:
        """Run ``job``, which has its ``turn`` among others; ``meanwhile`` is called once the worker
        is at it. When the awaiting task is cancelled, the process is killed at once; after an
        answer it waits to be killed by ``aclose``."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        try:
            start = self._sample()
            began = self._dispatch(job)
            run = self._run = self._followed(job, turn, start, began)
            if meanwhile is not None:
                meanwhile()
            await run.ended
            return self._answered(run) or await self._died(run)
        except BaseException:
            self.kill()
            raise
        finally:
            if self._run is not None:
                self._run.stop()
            self._run = None  # in a cycle, its texts would stay until a full collection
            self._rest_later()

    def _rest_later(self) -> None:
        """Between two calls of its session a worker waits for a frame, and uses nothing soon after
        its answer: it is measured then, so that the next call need not wait for that."""
        if self._state == "kept" and self._listening:
            self._idle_timer = self._loop.call_later(IDLE_SECONDS, self._measure_resting)

    def _measure_resting(self) -> None:
        self._idle_timer = None
        with contextlib.suppress(WorkerStartError):  # gone, which its pipe tells
            self._resting = self._sample()

    def _followed(self, job: Job, turn: Turn | None, start: measure.Sample, began: float) -> Run:
        """What the host needs to follow a run. It is made while the worker is at it: nothing of the
        worker's is read before the event loop goes on."""
        limits = job.limits
        self._next_token = secrets.token_hex(16)
        self._max_output = limits.output_bytes
        largest = max(limits.keep_bytes, _arguments(job), MIB)  # the last is what is stored
        self._frames.max_body = 2 * largest + SMALL_BODY
        self.cpu_seconds = start.cpu_seconds
        if self._watched.ready is not None:
            self.grown = start.rss_bytes - self._watched.ready.rss_bytes
        if self._program == "worker":  # a session's calls share what they may use
            first = self._first = self._first or start
        else:
            first = start
        run = Run(job, self._loop, self._watched, self._end, self._sender(), turn)
        run.watch(start, first, began)
        if turn is not None:
            turn.begun()
        return run

    def _sender(self) -> Callable[[Iterable[bytes]], None]:
        """To the code of this run; nothing when that does not run any more."""
        token = self._token

        def send(frames: Iterable[bytes]) -> None:
            if self._state == "running" and self._token == token:
                for frame in frames:
                    self._pipes.write(frame, self._loop)

        return send

    def stop(self) -> None:
        """End the run in progress as cancelled."""
        self._end("cancelled", "")

    def _end(self, verdict: Verdict, detail: str) -> None:
        """Kill now; what was printed before is still in the pipe and is read to its end."""
        run = self._run
        if run is not None and self._state in ("running", "overtaken"):
            self._state = "ending"
            run.verdict, run.detail = verdict, detail
        self.kill()
        if run is not None and self._output_ended.done():
            run.finish(None)

    def _sample(self) -> measure.Sample:
        if self._resting is not None:
            resting, self._resting = self._resting, None
            return resting
        try:
            if not self.runs or self._status is None:
                return measure.sample(self._process.pid)
            self._status.forget_peak()
            return self._status.sample()
        except OSError:
            raise _ended_before_its_job() from None

    def _dispatch(self, job: Job) -> float:
        """Give the worker its job; answers when."""
        self.runs += 1
        self._token = self._next_token
        self._state = "overtaken" if self._state == "warming" else "running"
        frame = encode_job(
            token=self._token,
            code=job.code,
            original=job.original,
            context_json=b"null" if job.context_json is self._ahead else job.context_json,
            capture=job.capture_console,
            limits_json=_limits_json(job.limits),
            tools_json=tools_json(job.desk, job.code),
            fixed_json=job.fixed_json,
            session_json=job.session_json or "null",
        )
        began = time.perf_counter()
        if not self._pipes.write(frame, self._loop):
            raise _ended_before_its_job()
        return began

    def _answered(self, run: Run) -> Outcome | None:
        """How a run ended whose worker has answered, and is still there."""
        if run.message is None:
            return None
        usage = measure.usage(self._process.pid, run.start, self._status)
        if usage is None:
            return None
        self._note_share(usage, run.job.limits)
        self.used_cpu_seconds = run.start.cpu_seconds - run.first.cpu_seconds + usage[0]
        return run.outcome(run.message, *usage, self.enforcement)

    async def _died(self, run: Run) -> Outcome:
        self.kill()
        exit_ = await self._reaped()
        cpu, peak = measure.usage_at_exit(exit_, run.start)
        end = run.message or Died(run.verdict or "exit", run.detail or self._last_words(), exit_)
        if isinstance(end, Died) and end.verdict in ("exit", "protocol"):
            _log.info("a worker ended early: %s, %r", exit_, end.detail[-500:])
        return run.outcome(end, cpu, peak, self.enforcement)

    def _note_share(self, usage: tuple[float, int], limits: Limits) -> None:
        cpu, peak = usage
        self.was_near_limit = (
            cpu >= _NEAR * limits.cpu_seconds or peak >= _NEAR * limits.memory_bytes
        )

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
        self._end(verdict, detail)
        self.on_early_exit()

    def _take(self, body: Body) -> None:
        token = self._token if self._state in WITH_JOB else ""
        message = parse_message(body, token, self._max_output)
        if turn(self._state, message) == "drop":
            return
        if isinstance(message, Ready):
            self._greet(message)
        elif isinstance(message, Warm):
            self._rest()
        elif self._run is not None:
            self._run.take(message, len(body), self._token)
            if self._run.ended.done():
                self._state = self._state_after(self._run, message)

    def _state_after(self, run: Run, message: Message) -> State:
        """A session goes on after any answer, and a process that has realms when it says so."""
        if run.job.session_json is not None:
            return "kept"
        return "idle" if self._is_ready_again(message) else "answered"

    def _is_ready_again(self, message: Message) -> bool:
        """Whether a process that has realms says so; the one run of any other is over."""
        if self._program == "worker" or not isinstance(message, Result | LargeResult):
            return False
        return message.again

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
            if self._loop.is_closed():  # before the worker was: nothing there can hear of its end
                await _readable(self._process.exit_fd)
            else:
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


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)


def _arguments(job: Job) -> int:
    """Bytes that the arguments of a call may have."""
    return 0 if job.desk is None else job.desk.most_arguments


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


def _ended_before_its_job() -> WorkerStartError:
    return WorkerStartError("the worker ended before it was given the job")
