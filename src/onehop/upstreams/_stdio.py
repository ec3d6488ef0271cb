"""A server that runs here: its process, and messages as lines over its stdin and stdout.

The SDK's own transport for this reads lines of any length, so this one stands in for it.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from onehop.inputs.gc import no_collection
from onehop.inputs.values import has_more_values
from onehop.upstreams import _bounds
from onehop.upstreams._options import NESTED

_SUPERVISOR: Final = str(Path(__file__).with_name("_supervisor.py"))
_CHUNK: Final = 256 * 1024
_END: Final = 64
"""Bytes at the end of a line among which its id may be."""
_SETTLE: Final = 1.0
"""Seconds that a process has to end by itself, and again after it was asked to."""
_WRITE: Final = 30.0
"""Seconds in which a process must take a message."""
_PAUSE: Final = 0.01
_KEPT: Final = 2048
"""Bytes of its stderr that are kept to explain its end."""
_INHERITED: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "USER",
    "LOGNAME",
)
_ID_FIRST: Final = re.compile(rb'\{"jsonrpc":"2\.0","id":(\d{1,15})[,}]')
_ID_LAST: Final = re.compile(rb'"id":(\d{1,15})\}\s*$')

Message = SessionMessage | Exception
Sender = MemoryObjectSendStream[Message]
Receiver = MemoryObjectReceiveStream[SessionMessage]


class NotThereError(FileNotFoundError):
    """What a server needs to start is not on this machine; the text says what."""


def environment(named: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """What the process gets: a few variables that every program needs, and those that are named."""
    inherited = {name: environ[name] for name in _INHERITED if name in environ}
    return inherited | {NESTED: "1"} | dict(named)


@asynccontextmanager
async def run_server(
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    cwd: str | None,
    on_words: Callable[[str, bool], None],
) -> AsyncIterator[tuple[Any, Any]]:
    """Start a server; the streams that the SDK reads and writes. At the end its process is gone,
    and all that it has started. ``on_words`` gets the end of what it wrote on stderr, and whether
    it ended by itself.

    Raises OSError if it cannot be started.
    """
    _check_command(argv[0], environment, cwd)
    watched, alive = os.pipe()
    lifeline = _Lifeline(alive)
    try:
        process = await _start(argv, environment, cwd, watched)
    except BaseException:
        lifeline.cut()
        raise
    finally:
        os.close(watched)
    to_client, for_client = anyio.create_memory_object_stream[Message](0)
    to_server, for_server = anyio.create_memory_object_stream[SessionMessage](0)
    words = bytearray()
    by_itself = False
    try:
        async with anyio.create_task_group() as group:
            assert process.stdin and process.stdout and process.stderr  # noqa: PT018, S101
            group.start_soon(_read, process.stdout, to_client)
            group.start_soon(_write, process.stdin, for_server, to_client)
            group.start_soon(_listen, process.stderr, words)
            try:
                yield for_client, to_server
            finally:
                by_itself = not for_client.statistics().open_send_streams
                with anyio.CancelScope(shield=True):
                    for_client.close()
                    await _end(process, lifeline)
                group.cancel_scope.cancel()
    finally:
        lifeline.cut()
        _kill(process)
        for stream in (to_client, for_client, to_server, for_server):
            stream.close()
        _close(process)
        on_words(words.decode("utf-8", "replace").strip(), by_itself)


class _Lifeline:
    """The descriptor that a supervisor watches the other end of. Its number belongs to somebody
    else as soon as it is closed, and a task may be cancelled right after that: a flag that the task
    sets later is not enough."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def cut(self) -> None:
        """Close it, once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _check_command(command: str, environment: Mapping[str, str], cwd: str | None) -> None:
    """Raises NotThereError, which the supervisor could only say by its exit."""
    if cwd is not None and not os.path.isdir(cwd):
        raise NotThereError(f"the folder to run its command in, {cwd!r}, was not found")
    place = command if os.sep not in command else os.path.join(cwd or "", command)
    if shutil.which(place, path=environment.get("PATH")) is None:
        advice = "; put the arguments into args" if len(command.split()) > 1 else ""
        raise NotThereError(f"its command {command!r} was not found{advice}")


async def _start(
    argv: tuple[str, ...], environment: Mapping[str, str], cwd: str | None, watched: int
) -> asyncio.subprocess.Process:
    """The supervisor, which runs the server and ends with the other end of ``watched``."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", _SUPERVISOR, str(watched)),
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        cwd=cwd,
        limit=_CHUNK,
        start_new_session=True,
        pass_fds=(watched,),
    )


async def _read(stdout: asyncio.StreamReader, to_client: Sender) -> None:
    """Lines, until the process closes its stdout or the client is gone."""
    lines = _Lines()
    with to_client:
        try:
            while chunk := await stdout.read(_CHUNK):
                for message in lines.feed(chunk):
                    await to_client.send(message)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, _bounds.FloodError, OSError):
            return


async def _write(stdin: asyncio.StreamWriter, for_server: Receiver, to_client: Sender) -> None:
    """Messages as lines. A process that takes none for long is as good as dead."""
    try:
        async for item in for_server:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            stdin.write(text.encode() + b"\n")
            if stdin.transport.get_write_buffer_size() or stdin.transport.is_closing():
                async with asyncio.timeout(_WRITE):
                    await stdin.drain()
    except (OSError, TimeoutError):
        to_client.close()


async def _listen(stderr: asyncio.StreamReader, words: bytearray) -> None:
    """Its stderr: read, so that it never blocks, and forgotten but for the end."""
    while chunk := await stderr.read(_CHUNK):
        words += chunk
        del words[:-_KEPT]


class _Lines:
    """Messages from bytes that come in any pieces."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._skipped = 0
        self._end = b""

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that are whole now. Raises FloodError for a line without an end."""
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            self._hold(part)
            line, self._held = b"".join(self._held), []
            yield self._message(line)
            self._size = self._skipped = 0
        self._hold(rest)

    def _hold(self, part: bytes) -> None:
        if self._size + len(part) <= _bounds.MESSAGE:
            self._held.append(part)
            self._size += len(part)
            return
        if not self._skipped:  # of the line, its beginning is kept: the id may be there
            self._held = [b"".join(self._held)[:_END] or part[:_END]]
        self._size = _bounds.MESSAGE
        self._skipped += len(part)
        self._end = (self._end + part)[-_END:]
        if self._skipped > _bounds.SKIPPED:
            raise _bounds.FloodError(f"it sent a message of more than {_bounds.SKIPPED} bytes")

    def _message(self, line: bytes) -> Message:
        if self._skipped:
            return _too_large(line, self._end)
        if has_more_values(line, _bounds.VALUES):
            return _too_large(line[:_END], line[-_END:])
        try:
            with no_collection(len(line)):
                message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            return ValueError("a line that is not a message")
        return SessionMessage(message)


def _too_large(beginning: bytes, end: bytes) -> Message:
    """An error in place of the answer, if it says whose it is; the two places are those where
    servers write the id."""
    found = _ID_FIRST.match(beginning) or _ID_LAST.search(end)
    if found is None:
        return ValueError("a line that is too large")
    error = types.ErrorData(code=types.INTERNAL_ERROR, message=_bounds.TOO_LARGE)
    return SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=int(found[1]), error=error))


async def _end(process: asyncio.subprocess.Process, lifeline: _Lifeline) -> None:
    """Close its stdin, ask it to end, and have all that is left of it killed."""
    if process.stdin is not None:
        process.stdin.close()
    if not await _ends(process):
        _signal(process, signal.SIGTERM)
        await _ends(process)
    lifeline.cut()
    await _ends(process)


async def _ends(process: asyncio.subprocess.Process) -> bool:
    """Not ``wait``: that waits for the pipes too, which others may hold."""
    for _ in range(int(_SETTLE / _PAUSE)):
        if process.returncode is not None:
            return True
        await asyncio.sleep(_PAUSE)
    return process.returncode is not None


def _kill(process: asyncio.subprocess.Process) -> None:
    _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _close(process: asyncio.subprocess.Process) -> None:
    """Its pipes, which asyncio keeps open as long as anybody else holds them. One that was not
    waited for, as the task was cancelled twice, was killed just now: the loop may end before it."""
    transport = getattr(process, "_transport", None)
    if transport is None:
        return
    popen = transport.get_extra_info("subprocess")
    if process.returncode is None and popen is not None:
        with suppress(subprocess.TimeoutExpired):
            popen.wait(_SETTLE)
    transport.close()
