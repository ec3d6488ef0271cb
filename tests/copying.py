"""The process that ``tests/copies.py`` makes copies of: modules, one thread, and no event loop.

A copy of it is ``onehop``, or the process that parses code. What such an ``onehop`` starts to parse
code is a copy of itself.
"""

from __future__ import annotations

import ast
import atexit
import ctypes
import gc
import importlib
import inspect
import json
import os
import pkgutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

NAME: Final = "onehop copies"
"""Its own name; its copies have Python's again."""
LENGTH: Final = struct.Struct("!Q")
ANALYSIS: Final = "(analysis)"
"""The word for a process that parses code; its socket is then its standard input."""
PIPES: Final = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
"""What ``subprocess.Popen`` calls the ends of its pipes."""
_SET_NAME: Final = 15
_DESCRIPTORS: Final = 1 << 16
_PATIENCE: Final = 10.0
_APART: Final = ("adapters", "cluster", "examiner", "guest", "jail.spawner", "testing", "__main__")
_LATE: Final = (
    "aiosqlite anyio._backends._asyncio deno onehop.examiner.server rich.console rich.table "
    "seccompy uvicorn.lifespan.on"
).split()
"""What others import when they need it."""


def serve(door: socket.socket) -> None:
    """Make a copy for each call that comes, until nobody can call. In a copy this returns, and
    ``sys.argv``, the streams, the folder and the environment are those of the call."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in (*_modules(), *_LATE):
        importlib.import_module(name)
    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot be copied"
    _call_it(NAME)
    gc.collect()
    gc.freeze()
    while received := _received(door):
        call, streams = received
        if _copy(door, streams):
            door.close()
            return _become(streams, *call)
    sys.exit()


def _modules() -> Iterator[str]:
    import onehop

    for found in pkgutil.walk_packages(onehop.__path__, "onehop."):
        if not found.name.removeprefix("onehop.").startswith(_APART):
            yield found.name


def _received(door: socket.socket) -> tuple[Any, list[int]] | None:
    head, streams, _, _ = socket.recv_fds(door, LENGTH.size, 3)
    if not head:
        return None
    (length,) = LENGTH.unpack(head)
    return ast.literal_eval(door.recv(length, socket.MSG_WAITALL).decode()), streams


def _copy(door: socket.socket, streams: Sequence[int]) -> bool:
    """Whether this is the copy. Its parent ends at once, so that it becomes the caller's child."""
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        copy = os.fork()
        if copy == 0:
            os.close(reading)
            os.close(writing)
            return True
        os.write(writing, LENGTH.pack(copy))
        os._exit(0)
    os.waitpid(between, 0)
    door.sendall(os.read(reading, LENGTH.size))
    for descriptor in (reading, writing, *streams):
        os.close(descriptor)
    return False


def _become(
    streams: Sequence[int],
    words: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    alone: bool,
) -> None:
    _call_it("python")
    if alone:
        os.setsid()
    for own, given in enumerate(streams):
        os.dup2(given, own)
        os.close(given)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder  # as `python -m` has it
    sys.argv[:] = ["onehop", *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_streams()
    from onehop.analysis import _zygote_process

    _zygote_process._start = _Analysis


def _open_streams() -> None:
    """Python looks at its start whether they are terminals."""
    for own, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        opened = open(  # noqa: SIM115
            own,
            "w" if own else "r",
            buffering=1 if own == 2 else -1,
            encoding=old.encoding,
            errors=old.errors,
            closefd=False,
        )
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


class _Analysis(subprocess.Popen[bytes]):
    """The process that parses code, for a copy: a copy of it."""

    def __init__(self, control: int) -> None:
        super().__init__(words(), stdin=control, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _execute_child(self, *arguments: Any) -> None:
        """What ``subprocess.Popen`` calls to start its program."""
        signature = inspect.signature(subprocess.Popen._execute_child)  # type: ignore[attr-defined]
        given = signature.bind(self, *arguments).arguments
        self.pid = os.fork()
        if self.pid == 0:
            streams = (given[name] for name in ("p2cread", "c2pwrite", "errwrite"))
            _analyse_alone(given["args"][1:], *streams)
        self._child_created = True
        self._close_pipe_fds(*(given[name] for name in PIPES))  # type: ignore[attr-defined]


def words() -> list[str]:
    """What says which process shall parse code, and for whom."""
    path = json.dumps([os.path.abspath(entry) for entry in sys.path])
    return [ANALYSIS, path, str(os.getpid())]


def _analyse_alone(words: Sequence[str], *streams: int) -> NoReturn:
    """Here may have been threads, an event loop, and any files."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    for own, given in enumerate(streams):
        os.dup2(given, own)
    os.closerange(len(streams), _DESCRIPTORS)
    analyse(*words)


def analyse(path: str, host: str) -> NoReturn:
    """Parse code for this host, until it ends."""
    try:
        from onehop.examiner.server import main

        _wait_for_parent(int(host))
        sys.path[:] = json.loads(path)
        sys.argv[:] = ["-c", host]
        main()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _wait_for_parent(host: int) -> None:
    """Until what has made this copy has ended, and the host is its parent."""
    deadline = time.monotonic() + _PATIENCE
    while os.getppid() != host and time.monotonic() < deadline:
        time.sleep(0.001)


def _call_it(name: str) -> None:
    ctypes.CDLL(None).prctl(_SET_NAME, name.encode(), 0, 0, 0)


def _leave(code: Any) -> None:
    """End as Python does, but for taking a thousand modules apart."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more, or it is closed
            stream.flush()
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    from onehop.cli import main

    serve(socket.socket(fileno=int(sys.argv[1])))
    if sys.argv[1:2] == [ANALYSIS]:
        analyse(*sys.argv[2:])
    try:
        main()
    except SystemExit as ended:
        _leave(ended.code)
