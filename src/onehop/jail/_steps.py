"""The system calls by which a process becomes a confined worker, in order, as data.

The spawner's child makes them one after the other and executes the engine last. It runs no
Python: it shares the spawner's memory until then (``CLONE_VM | CLONE_VFORK``, as vfork(2) does),
so that a start copies no page. ``RUNNER`` is the machine code that walks through the table.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from onehop.jail._seccomp import Program
from onehop.jail._zygote import EXEC_FD, EXEC_PATH_ADDRESS

Arg = int | str | bytes
"""A number; a name that the spawner knows ("stdin", "stdout", "stderr", "ruleset", "filter",
"argv", "env"); or bytes, which are passed by their address."""

Expect = Literal["success", "refusal", "spawner", "no return"]
"""What the call has to give: no error; an error; the spawner's pid; or nothing, being the last."""

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_F_DUPFD = 0
_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
_NO_CAPABILITIES = bytes(24)
_LAST_DESCRIPTOR = (1 << 32) - 1

RUNNER = {
    # run(table in rdi, flags of clone in rsi): what clone returned. The child never returns. It
    # uses no stack, because that is its parent's.
    "x86_64": bytes.fromhex(
        "4989f8"  #             mov r8, rdi
        "4889f7"  #             mov rdi, rsi           ; flags
        "31f6"  #               xor esi, esi           ; the same stack
        "31d2"  #               xor edx, edx
        "4531d2"  #             xor r10d, r10d
        "b838000000"  #         mov eax, 56            ; clone
        "0f05"  #               syscall
        "4885c0"  #             test rax, rax
        "7401"  #               jz child
        "c3"  #                 ret
        "4d89c4"  #      child: mov r12, r8
        "498d5c2410"  #         lea rbx, [r12+16]      ; the first entry
        "488b03"  #       next: mov rax, [rbx]
        "488b7b08"  #           mov rdi, [rbx+8]
        "488b7310"  #           mov rsi, [rbx+16]
        "488b5318"  #           mov rdx, [rbx+24]
        "4c8b5320"  #           mov r10, [rbx+32]
        "4c8b4328"  #           mov r8, [rbx+40]
        "4c8b4b30"  #           mov r9, [rbx+48]
        "0f05"  #               syscall
        "488b7b48"  #           mov rdi, [rbx+72]      ; where to keep the result
        "4885ff"  #             test rdi, rdi
        "7402"  #               jz judge
        "8907"  #               mov [rdi], eax
        "483b4338"  #    judge: cmp rax, [rbx+56]
        "7c0c"  #               jl failed
        "483b4340"  #           cmp rax, [rbx+64]
        "7f06"  #               jg failed
        "4883c350"  #           add rbx, 80
        "ebc6"  #               jmp next
        "49891c24"  #   failed: mov [r12], rbx
        "4989442408"  #         mov [r12+8], rax
        "bf62000000"  #         mov edi, 98
        "b8e7000000"  #         mov eax, 231           ; exit_group
        "0f05"  #               syscall
        "0f0b"  #               ud2
    ),
    # The same, with the table in x0 and the flags in x1.
    "aarch64": struct.pack(
        "<31I",
        0xAA0003E9,  #        mov x9, x0
        0xAA0103E0,  #        mov x0, x1             ; flags
        0xAA1F03E1,  #        mov x1, xzr            ; the same stack
        0xAA1F03E2,  #        mov x2, xzr
        0xAA1F03E3,  #        mov x3, xzr
        0xAA1F03E4,  #        mov x4, xzr
        0xD2801B88,  #        mov x8, #220           ; clone
        0xD4000001,  #        svc #0
        0xB4000040,  #        cbz x0, child
        0xD65F03C0,  #        ret
        0x9100412A,  # child: add x10, x9, #16       ; the first entry
        0xF9400148,  #  next: ldr x8, [x10]
        0xA9408540,  #        ldp x0, x1, [x10, #8]
        0xA9418D42,  #        ldp x2, x3, [x10, #24]
        0xA9429544,  #        ldp x4, x5, [x10, #40]
        0xD4000001,  #        svc #0
        0xF940254D,  #        ldr x13, [x10, #72]    ; where to keep the result
        0xB400004D,  #        cbz x13, judge
        0xB90001A0,  #        str w0, [x13]
        0xA943B14B,  # judge: ldp x11, x12, [x10, #56]
        0xEB0B001F,  #        cmp x0, x11
        0x540000AB,  #        b.lt failed
        0xEB0C001F,  #        cmp x0, x12
        0x5400006C,  #        b.gt failed
        0x9101414A,  #        add x10, x10, #80
        0x17FFFFF2,  #        b next
        0xA900012A,  # failed: stp x10, x0, [x9]
        0xD2800C40,  #        mov x0, #98
        0xD2800BC8,  #        mov x8, #94            ; exit_group
        0xD4000001,  #        svc #0
        0xD4200000,  #        brk #0
    ),
}
"""By machine. The table: where a failed entry's address and result go (2 words), then entries of
10 words: the call's number, 6 arguments, the least and the greatest result that is right, and an
address where the result is kept as 32 bits, or 0. Encodings are from the Intel SDM and the Arm
ARM; ``as`` gives the same bytes."""


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
    return [*_put_on(jail), *_prove(jail), _execute()]


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


def _execute() -> Step:
    arguments = (EXEC_FD, EXEC_PATH_ADDRESS, "argv", "env", _AT_EMPTY_PATH)
    return Step("exec", "execveat", "execveat", arguments, "no return")


def _path(path: str) -> bytes:
    return path.encode() + b"\0"
