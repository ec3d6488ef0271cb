"""The system calls by which a process becomes a confined worker, in order, as data."""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from onehop.jail._seccomp import Program
from onehop.jail.spawner.layout import EXEC_FD

Arg = int | str | bytes
"""A number; the name of something that depends on how the process is started ("stdin", "stdout",
"stderr", "ruleset", "filter"); or bytes, which are passed by their address."""

Expect = Literal["success", "refusal", "spawner"]
"""What the call has to give: no error; an error; or the spawner's pid."""

_AT_FDCWD = -100
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_F_DUPFD = 0
_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
_NO_CAPABILITIES = bytes(24)
_LAST_DESCRIPTOR = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Confinement:
    """What there is to put on; a layer that is not planned is empty or None."""

    landlock: bool
    seccomp: Program | None
    rlimits: Mapping[int, int]
    become: int | None
    """The user and group to become."""
    proved: Collection[str]
    """The layers of which the child shows that they hold."""
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
    yield from _drop_privileges(jail.become)
    for resource, value in jail.rlimits.items():
        limit = struct.pack("=QQ", value, value)
        yield Step("rlimits", f"prlimit {resource}", "prlimit64", (0, resource, limit, 0))
    # A change of credentials clears this signal, so it comes after them; and then the spawner
    # has to be there still.
    kill = int(signal.SIGKILL)
    yield Step("rlimits", "prctl PDEATHSIG", "prctl", (_PR_SET_PDEATHSIG, kill, 0, 0, 0))
    yield Step("exec", "getppid", "getppid", (), "spawner")
    yield from _filter(jail.seccomp)


def _drop_privileges(become: int | None) -> Iterator[Step]:
    """Root becomes nobody; whoever it was, no capability is left."""
    if become is not None:
        yield Step("uid", "setgroups", "setgroups", (0, 0))
        yield Step("uid", "setresgid", "setresgid", (become, become, become))
        yield Step("uid", "setresuid", "setresuid", (become, become, become))
    yield Step("uid", "capset", "capset", (_CAPABILITY_HEADER, _NO_CAPABILITIES))


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
