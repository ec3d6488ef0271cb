"""The host's end of the spawner: start it, ask it for confined processes, reap them, stop it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from onehop.descriptors import shortage
from onehop.errors import LayerUnavailableError, SandboxUnavailableError, WorkerStartError
from onehop.jail._child import Exit, PidfdChild
from onehop.jail._plan import Plan
from onehop.jail._spawner_process import SpawnerProcess, hang_up, why_not_started

_PID = re.compile(rb"^Pid:\s+(\d+)$", re.MULTILINE)
_LOOK_SECONDS = 0.25
"""Between two looks whether it has answered. Silence is counted in looks: while this process's own
event loop stands still, nobody could hear an answer."""
_WAKE_LOOKS = 4
"""In vain; then a spawner that somebody has stopped gets SIGCONT."""
_LOSE_LOOKS = 20
"""In vain; then the spawner is given up, because its answers take milliseconds."""
_RETRY_SECONDS = 0.001

_log = logging.getLogger(__name__)

_Answer = asyncio.Future[tuple[dict[str, Any], list[int]]]


class ZygoteLauncher:
    """Starts processes under a Plan through one spawner process."""

    def __init__(self, plan: Plan, process: SpawnerProcess | None = None) -> None:
        """``process`` is the spawner if there is one already."""
        self.plan = plan
        self._control: socket.socket | None = None
        self._process = process
        self._known = set(plan.body["programs"])
        """The programs that the spawner has."""
        self._waiting: dict[int, _Answer] = {}
        self._ids = 0
        self._looks = 0
        """In vain, since it was heard last."""
        self._patience: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        """Whether the spawner answers."""
        return self._control is not None

    async def start(self) -> None:
        """Start the spawner. Raises LayerUnavailableError when a layer fails after all, and
        SandboxUnavailableError when it cannot be started."""
        process = self._process = self._process or SpawnerProcess()
        try:
            _check_ready(await process.plan(self.plan.to_json()), self.plan.layers)
        except BaseException as error:
            await self._end_process()
            if isinstance(error, OSError):  # TimeoutError too
                raise SandboxUnavailableError(why_not_started(error)) from None
            raise
        self._control = process.control
        asyncio.get_running_loop().add_reader(self._control, self._read)

    async def spawn(self, program: str, stdio: tuple[int, int, int], heap_mb: int) -> PidfdChild:
        """Start a program of the plan on these three descriptors (they stay the caller's to close).

        Raises LayerUnavailableError when a layer could not be put on it or did not hold.
        """
        if program not in self._known:
            await self._tell(program)
        reply, descriptors = await self._ask(
            "spawn", self._next_id(), stdio, program=program, heap=heap_mb
        )
        if reply.get("layer") in self.plan.layers:
            raise LayerUnavailableError(reply["layer"], reply["error"])
        if "error" in reply:
            raise WorkerStartError(f"the spawner could not start a worker: {reply['error']}")
        if not descriptors:
            self._drop(reply, descriptors)
            raise WorkerStartError("no descriptor is left for a worker (RLIMIT_NOFILE)")
        try:
            return PidfdChild(reply["id"], _pid_of(descriptors[0]), descriptors[0])
        except OSError as error:
            self._drop(reply, descriptors)
            why = shortage(error) or error
            raise WorkerStartError(f"the pid of a worker cannot be read: {why}") from None

    def _drop(self, reply: Mapping[str, Any], descriptors: Iterable[int]) -> None:
        """End a process that nobody takes, and have it collected."""
        for descriptor in descriptors:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)
        self._post("drop", reply["id"])

    async def _tell(self, program: str) -> None:
        """Hand the spawner a program that the plan had without its command line, which may be
        larger than a message."""
        file = _memory_file(json.dumps(self.plan.programs[program]).encode())
        try:
            await self._ask("program", self._next_id(), (file,), program=program)
        finally:
            os.close(file)
        self._known.add(program)

    async def limit(self, child: int, limits: Mapping[int, int]) -> None:
        """Set resource limits (numbers of the ``resource`` module) on a process."""
        reply, _ = await self._ask("limit", child, limits=list(limits.items()))
        if "error" in reply:
            raise LayerUnavailableError("rlimits", f"on a running worker: {reply['error']}")

    async def reap(self, child: int) -> Exit:
        """Collect a process that has ended; its pid is free after this."""
        reply, _ = await self._ask("reap", child)
        if "error" in reply:
            raise WorkerStartError(f"a worker could not be reaped: {reply['error']}")
        return Exit(reply["status"], reply["cpu"], reply["maxrss"] * 1024)

    def release(self, child: int) -> None:
        """Collect a process that has ended; nothing is asked about it any more."""
        self._post("release", child)

    def _post(self, op: str, child: int) -> None:
        """Say something that has no answer; the kernel collects what a spawner leaves."""
        message = json.dumps({"op": op, "id": child, "seq": 0}).encode()
        if not self._send(message, ()):
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._post, op, child)

    async def aclose(self) -> None:
        """End the spawner and every process that it started."""
        if self._control is not None:
            self._lose(WorkerStartError("the spawner was stopped"))
        await self._end_process()

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    async def _ask(
        self, op: str, child: int, descriptors: tuple[int, ...] = (), **fields: Any
    ) -> tuple[dict[str, Any], list[int]]:
        if self._control is None:
            raise WorkerStartError("the spawner is not running")
        future: _Answer = asyncio.get_running_loop().create_future()
        sequence = self._next_id()  # answers to one child can cross when an asker was cancelled
        self._waiting[sequence] = future
        self._expect_answer()
        message = json.dumps({"op": op, "id": child, "seq": sequence, **fields}).encode()
        try:
            while not (future.done() or self._send(message, descriptors)):  # noqa: ASYNC110
                # The socket's buffer is full: the spawner is behind.
                await asyncio.sleep(_RETRY_SECONDS)
            return await self._answered(future)
        finally:
            self._waiting.pop(sequence, None)

    async def _answered(self, future: _Answer) -> tuple[dict[str, Any], list[int]]:
        try:
            return await future
        except BaseException:  # an asker that was cancelled may have been answered already
            if future.done() and not future.cancelled() and future.exception() is None:
                self._leave(*future.result())
            raise

    def _leave(self, reply: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        """Nobody hears this answer any more; what it brings must not stay."""
        if descriptors:
            self._drop(reply, descriptors)

    def _send(self, message: bytes, descriptors: tuple[int, ...]) -> bool:
        """Whether that is done with: sent, or the spawner is gone, which those who wait hear."""
        if self._control is None:
            return True
        try:
            socket.send_fds(self._control, [message], list(descriptors))
        except BlockingIOError:
            return False
        except OSError as error:  # known before it is read: nothing more is asked of this spawner
            self._lose(WorkerStartError(f"the spawner is gone: {error}"))
        return True

    def _read(self) -> None:
        assert self._control is not None  # noqa: S101 - a reader is registered only while it is
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 65536, 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        self._looks = 0
        if not message:
            self._lose(WorkerStartError("the spawner ended unexpectedly"))
            return
        reply = json.loads(message)
        _log_note(reply)
        future = self._waiting.get(reply["seq"])
        if future is None or future.done():
            self._leave(reply, descriptors)
            return
        future.set_result((reply, list(descriptors)))

    def _lose(self, reason: Exception) -> None:
        control, self._control = self._control, None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if control is not None:
            asyncio.get_running_loop().remove_reader(control)
            hang_up(control)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(reason)

    # --- a spawner that does not answer ---

    def _expect_answer(self) -> None:
        if self._patience is None:
            self._looks = 0
            self._be_patient()

    def _be_patient(self) -> None:
        self._patience = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._patience = None
        if not self._waiting:
            return
        self._looks += 1
        if self._looks >= _LOSE_LOOKS:
            self._give_up()
            return
        if self._looks % _WAKE_LOOKS == 0:
            silence = self._looks * _LOOK_SECONDS
            _log.warning("the spawner has said nothing for %.1f s: it gets SIGCONT", silence)
            if self._process is not None:
                self._process.wake()
        self._be_patient()

    def _give_up(self) -> None:
        _log.error("the spawner does not answer: it is ended, and with it every worker it started")
        if self._process is not None:
            self._process.kill()
        self._lose(WorkerStartError("the spawner did not answer, and was ended"))

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.aclose()


def _check_ready(message: bytes, layers: Collection[str]) -> None:
    if not message:
        raise SandboxUnavailableError("the spawner ended before it was ready")
    reply = json.loads(message)
    if not reply["ready"] and reply["layer"] not in layers:
        raise SandboxUnavailableError(f"workers cannot be started: {reply['reason']}")
    if not reply["ready"]:
        raise LayerUnavailableError(reply["layer"], reply["reason"])
    _log_note(reply)


def _log_note(reply: dict[str, Any]) -> None:
    if reply["note"]:
        _log.warning("workers start more slowly from now on: %s", reply["note"])


def _memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("onehop")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _pid_of(pidfd: int) -> int:
    """The pid in this process's own namespace (proc(5), fdinfo of a pidfd)."""
    with open(f"/proc/self/fdinfo/{pidfd}", "rb", buffering=0) as info:
        found = _PID.search(info.read(4096))
    if found is None:
        raise OSError("the kernel does not tell it")
    return int(found[1])
