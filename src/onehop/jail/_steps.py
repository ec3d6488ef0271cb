"""The system calls by which a process becomes a confined worker, in order, as data."""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal

from onehop._data import data
from onehop.jail._seccomp import Program
from onehop.jail.spawner.layout import EXEC_FD

Arg = int | str | bytes
"""A number; the name of something that depends on how the process is started ("stdin", "stdout",
"stderr", "ruleset", "filter"), or on the worker ("account"); or bytes, which are passed by their
address."""

Expect = Literal["success", "refusal", "spawner"]
"""What the call has to give: no error; an error; or the spawner's pid."""

_AT_FDCWD = -100
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_F_DUPFD = 0
_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
_NO_CAPABILITIES = bytes(24)
_LAST_DESCRIPTOR = (1 << 32) - 1
_CLONE_NEWUSER = 0x10000000
_THREAD = 0x50F00  # CLONE_VM, _FS, _FILES, _SIGHAND, _THREAD, _SYSVSEM
_RLIMIT_NPROC = 6
_INFINITY = (1 << 64) - 1


@data(frozen=True, slots=True)
class Step:
    """One system call of the child."""

    layer: str
    what: str
    """For the message when it fails."""
    call: str
    args: tuple[Arg, ...]
    expect: Expect = "success"
    keep: int | None = None
    """Where in the filter's program its result goes: an offset in bytes."""


@data(frozen=True, slots=True)
class Counted:
    """How the kernel is to count the threads of a worker apart from those of others."""

    by_namespace: bool
    """By a user namespace of its own; otherwise by its user id."""
    most: int
    """How many the kernel allows until the worker is sealed; negative for no bound."""


@data(frozen=True, slots=True)
class Confinement:
    """What there is to put on; a layer that is not planned is empty or None."""

    landlock: bool
    seccomp: Program | None
    rlimits: Mapping[int, int]
    drops_root: bool
    """Whether it has to become another user and group, "account"."""
    counted: Counted | None
    proved: Collection[str]
    """The layers that the child proves to hold."""
    witness: str
    """A program that everybody may read and run, so that only the jail can forbid it."""


def steps(jail: Confinement) -> list[Step]:
    """All of them, in order."""
    return [*_put_on(jail), *_prove(jail)]


def to_json(all_steps: list[Step], number: Callable[[str], int]) -> list[list[Any]]:
    """As the spawner takes them; ``number`` is that of a system call on this machine."""
    return [
        [step.layer, step.what, number(step.call), _plain(step.args), step.expect, step.keep]
        for step in all_steps
    ]


def _plain(args: tuple[Arg, ...]) -> list[Any]:
    return [{"hex": arg.hex()} if isinstance(arg, bytes) else arg for arg in args]


def _put_on(jail: Confinement) -> Iterator[Step]:
    for target, name in enumerate(("stdin", "stdout", "stderr")):
        yield Step("exec", f"dup3 of {name}", "dup3", (name, target, 0))
    yield Step("no_new_privs", "prctl", "prctl", (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if jail.landlock:
        yield Step("landlock", "landlock_restrict_self", "landlock_restrict_self", ("ruleset", 0))
    yield Step("exec", "close_range", "close_range", (3, EXEC_FD - 1, 0))
    yield Step("exec", "close_range", "close_range", (EXEC_FD + 1, _LAST_DESCRIPTOR, 0))
    yield from _drop_privileges(jail)
    for resource, value in jail.rlimits.items():
        limit = struct.pack("=QQ", value, value)
        yield Step("rlimits", f"prlimit {resource}", "prlimit64", (0, resource, limit, 0))
    # A change of credentials clears this signal, so it comes after them; and then the spawner
    # has to be there still.
    kill = int(signal.SIGKILL)
    yield Step("rlimits", "prctl PDEATHSIG", "prctl", (_PR_SET_PDEATHSIG, kill, 0, 0, 0))
    yield Step("exec", "getppid", "getppid", (), "spawner")
    yield from _filter(jail.seccomp)


def _drop_privileges(jail: Confinement) -> Iterator[Step]:
    """Root becomes another user; no capability is left to any user."""
    if jail.drops_root:
        yield Step("uid", "setgroups", "setgroups", (0, 0))
        yield Step("uid", "setresgid", "setresgid", ("account",) * 3)
        yield Step("uid", "setresuid", "setresuid", ("account",) * 3)
    if jail.counted is not None and jail.counted.by_namespace:
        yield Step("threads", "unshare", "unshare", (_CLONE_NEWUSER,))
    yield Step("uid", "capset", "capset", (_CAPABILITY_HEADER, _NO_CAPABILITIES))
    if jail.counted is not None:
        yield from _prove_counting(jail.counted.most)


def _prove_counting(most: int) -> Iterator[Step]:
    """A bound of one forbids a second thread. This is tried here, because under the
    filter no limit can be changed any more; the real bound comes when the worker is sealed."""
    hard = most if most >= 0 else _INFINITY
    yield _bound_threads(min(1, hard), hard)
    attempt = (_THREAD, 0, 0, 0, 0)
    yield Step("threads", "making a thread too many", "clone", attempt, "refusal")
    yield _bound_threads(hard, hard)


def _bound_threads(soft: int, hard: int) -> Step:
    limit = struct.pack("=QQ", soft, hard)
    return Step("threads", "prlimit NPROC", "prlimit64", (0, _RLIMIT_NPROC, limit, 0))


def _filter(program: Program | None) -> Iterator[Step]:
    if program is None:
        return
    for offset in program.pid_offsets:
        yield Step("seccomp", "getpid", "getpid", (), keep=offset)
    arguments = (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, "filter", 0, 0)
    yield Step("seccomp", "installing the filter", "prctl", arguments)


def _prove(jail: Confinement) -> Iterator[Step]:
    """Try what must fail; a success means that a layer is not in force."""
    tries = {
        # The root is there with and without namespaces, and only Landlock forbids to list it.
        # The program is run last: by then it is known that reading it is forbidden.
        "landlock": (
            ("listing /", "openat", (_AT_FDCWD, b"/\0", os.O_RDONLY | os.O_DIRECTORY, 0)),
            ("reading a program", "openat", (_AT_FDCWD, _path(jail.witness), os.O_RDONLY, 0)),
            ("running a program", "execve", (_path(jail.witness), 0, 0)),
        ),
        "seccomp": (
            ("making a file", "openat", (_AT_FDCWD, b"/onehop\0", os.O_WRONLY | os.O_CREAT, 0o600)),
            ("opening a socket", "socket", (int(socket.AF_INET), int(socket.SOCK_DGRAM), 0)),
            ("making an anonymous file", "memfd_create", (b"onehop\0", 0)),
            ("forking", "clone", (int(signal.SIGCHLD), 0, 0, 0, 0)),
        ),
        "rlimits": (("making a high descriptor", "fcntl", (0, _F_DUPFD, EXEC_FD - 1)),),
    }
    for layer in jail.proved:
        for what, call, args in tries[layer]:
            yield Step(layer, what, call, args, "refusal")


def _path(path: str) -> bytes:
    return path.encode() + b"\0"
