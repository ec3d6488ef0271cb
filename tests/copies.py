"""``onehop`` as a copy of a process that has its modules already: a start costs a tenth.

A copy is a process of its own in all that a test sees: streams, exit code, signals, folder and
environment. It does not show that ``onehop`` imports what it needs, in an order that works. So
``scripts/test --soak``, which CI runs, starts each one from nothing, and so does a test about that.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import os
import socket
import subprocess
import sys
import threading
from asyncio import unix_events
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from tests.copying import LENGTH, NAME, PIPES, words
from tests.sameness import same_each_time

ONEHOP: Final = [sys.executable, "-m", "onehop"]
_ROOT: Final = Path(__file__).parents[1]
_SUBREAPER: Final = 36
_READ_AT_START: Final = tuple(
    "PYTHON LC_ LANG OTEL_ _TYPER FORCE_COLOR NO_COLOR PY_COLORS TERMINAL_WIDTH".split()
)
"""Names of variables that Python, or a module when it is imported, reads."""
_INDIFFERENT: Final = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
_KNOWN: Final = frozenset(
    "args bufsize cwd encoding env errors shell start_new_session stderr stdin stdout text "
    "universal_newlines".split()
)
"""What may be asked of ``subprocess.Popen`` for a copy."""


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """``subprocess.Popen``, where a ``command`` that begins as ``ONEHOP`` does costs little."""
    if _may_be_copied(command, options):
        return _Copy(command, **options)
    return subprocess.Popen(command, **options)


def run(
    command: Sequence[str],
    *,
    input: Any = None,  # noqa: A002
    timeout: float = 60,
    capture_output: bool = False,
    check: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """``subprocess.run``, by ``start``."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with start(command, **options) as process:
        try:
            printed, complaint = process.communicate(input, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(command, process.returncode, printed, complaint)
    if check:
        done.check_returncode()
    return done


@contextmanager
def also_for_asyncio() -> Iterator[None]:
    """Meanwhile asyncio starts processes by ``start``, for clients that start ``onehop`` by it."""
    changed = SimpleNamespace(**vars(subprocess) | {"Popen": start})
    with mock.patch.object(unix_events, "subprocess", changed):
        yield


@contextmanager
def also_for_analysis() -> Iterator[None]:
    """Meanwhile the process that parses code for a sandbox of this one is a copy."""
    with mock.patch("onehop.analysis._zygote_process._start", _analysis):
        yield


def _analysis(control: int) -> subprocess.Popen[bytes]:
    return _Copy(
        [*ONEHOP, *words()],
        stdin=control,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={},
        start_new_session=True,
    )


def _may_be_copied(command: Sequence[str], options: Mapping[str, Any]) -> bool:
    if isinstance(command, str) or list(command[: len(ONEHOP)]) != ONEHOP or not same_each_time():
        return False
    given = options.get("env")
    return _KNOWN.issuperset(options) and _starts_alike(os.environ if given is None else given)


def _starts_alike(environment: Mapping[str, str]) -> bool:
    known = _parent().environment
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    read = {name: each for name, each in environment.items() if name.startswith(_READ_AT_START)}
    return all(
        known.get(name) == each for name, each in read.items() if name not in _INDIFFERENT
    ) and {*map(os.path.abspath, paths)} <= {*map(os.path.abspath, sys.path)}


class _Copy(subprocess.Popen[Any]):
    """A child of this process that another one has made for it."""

    def _execute_child(self, *arguments: Any) -> None:
        """What ``subprocess.Popen`` calls to start its program."""
        signature = inspect.signature(subprocess.Popen._execute_child)  # type: ignore[attr-defined]
        given = signature.bind(self, *arguments).arguments
        sys.audit("subprocess.Popen", given["executable"], *map(given.get, ("args", "cwd", "env")))
        ends = (given["p2cread"], given["c2pwrite"], given["errwrite"])
        call = (
            [os.fspath(word) for word in given["args"][len(ONEHOP) :]],
            os.getcwd() if given["cwd"] is None else os.fspath(given["cwd"]),
            dict(os.environ if given["env"] is None else given["env"]),
            given["start_new_session"],
        )
        streams = [own if end == -1 else end for own, end in enumerate(ends)]
        try:
            self.pid = _parent().copy(call, streams)
            self._child_created = True
        finally:
            self._close_pipe_fds(*(given[name] for name in PIPES))  # type: ignore[attr-defined]


class _Parent:
    """The process that is copied. It ends when this one does."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self._turn = threading.Lock()
        self._door, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.copying", str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )

    def copy(self, call: tuple[Any, ...], streams: Sequence[int]) -> int:
        """The id of a new child of this process."""
        body = repr(call).encode()
        with self._turn:
            _adopt(True)
            try:
                socket.send_fds(self._door, [LENGTH.pack(len(body))], list(streams))
                self._door.sendall(body)
                answer = self._door.recv(LENGTH.size, socket.MSG_WAITALL)
            except BaseException:  # a timeout of pytest: this answer is not for the next one
                end()
                raise
            finally:
                _adopt(False)
        assert answer, f"{NAME} has ended: {self._process.wait()}"
        return int(LENGTH.unpack(answer)[0])

    def end(self) -> None:
        """What is copied from now on is copied from another one."""
        self._door.close()
        self._process.kill()
        self._process.wait()


@functools.cache
def _parent() -> _Parent:
    return _Parent()


def end() -> None:
    """End the process that is copied, if there is one. Its copies go on."""
    if _parent.cache_info().currsize:
        _parent().end()
        _parent.cache_clear()


def _adopt(wanted: bool) -> None:
    """Whether a process below this one whose parent has ended becomes a child of this one."""
    ctypes.CDLL(None).prctl(_SUBREAPER, int(wanted), 0, 0, 0)
