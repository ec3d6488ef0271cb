"""What a taken-over engine would try, made by a native program in the jail; run as a script it
prints each attempt's outcome as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from seccompy import syscall_nr

from onehop import jail
from onehop.errors import WorkerStartError
from onehop.jail.spawner.layout import EXEC_FD, EXEC_PATH_ADDRESS
from tests import native

Attempt = tuple[str, tuple[native.Arg, ...]]

ALLOWED_MISSING = ("seccomp",)
"""Only missing when ``machine`` says so."""
AT_FDCWD = -100
SOCKADDR = b"\x02\x00\x00\x50\x7f\x00\x00\x01" + b"\0" * 8
UNIX_SOCKADDR = b"\x01\x00/run/dbus/system_bus_socket\0"
SHELL = b"/bin/sh\0"

REFUSED: dict[str, Attempt] = {
    "read a file": ("openat", (AT_FDCWD, b"/etc/passwd\0", os.O_RDONLY, 0)),
    "list a folder": ("openat", (AT_FDCWD, b"/\0", os.O_RDONLY | os.O_DIRECTORY, 0)),
    "read its own memory map": ("openat", (AT_FDCWD, b"/proc/self/maps\0", os.O_RDONLY, 0)),
    "make a file": ("openat", (AT_FDCWD, b"/tmp/x\0", os.O_WRONLY | os.O_CREAT, 0o600)),
    "make a nameless file": ("openat", (AT_FDCWD, b"/tmp\0", os.O_RDWR | 0o20200000, 0o600)),
    "open a path only": ("openat", (AT_FDCWD, b"/etc\0", 0o10000000, 0)),
    "truncate": ("truncate", (b"/etc/passwd\0", 0)),
    "rename": ("renameat2", (AT_FDCWD, b"/a\0", AT_FDCWD, b"/b\0", 0)),
    "unlink": ("unlinkat", (AT_FDCWD, b"/etc/passwd\0", 0)),
    "make a folder": ("mkdirat", (AT_FDCWD, b"/tmp/x\0", 0o700)),
    "chmod": ("fchmodat", (AT_FDCWD, b"/etc/passwd\0", 0o777)),
    "open an internet socket": ("socket", (2, 1, 0)),
    "open a datagram socket": ("socket", (2, 2, 0)),
    "open a local socket": ("socket", (1, 1, 0)),
    "open a netlink socket": ("socket", (16, 3, 0)),
    "connect": ("connect", (0, SOCKADDR, 16)),
    "connect to a local service": ("connect", (0, UNIX_SOCKADDR, len(UNIX_SOCKADDR))),
    "send to an address": ("sendto", (0, b"x\0", 1, 0, SOCKADDR, 16)),
    "bind": ("bind", (0, SOCKADDR, 16)),
    "fork": ("clone", (int(signal.SIGCHLD), 0, 0, 0, 0)),
    "make a user namespace": ("clone", (0x10000000 | 0x00010000, 0, 0, 0, 0)),
    "clone3": ("clone3", (b"\0" * 64, 64)),
    "execve": ("execve", (SHELL, 0, 0)),
    "execveat by path": ("execveat", (AT_FDCWD, SHELL, 0, 0, 0)),
    "execveat by the number of the engine's descriptor": (
        "execveat",
        (EXEC_FD, SHELL, 0, 0, 0x1000),
    ),
    "execveat once more": ("execveat", (EXEC_FD, EXEC_PATH_ADDRESS, 0, 0, 0x1000)),
    "map the page of the exec path": ("mmap", (EXEC_PATH_ADDRESS, 4096, 3, 0x32, -1, 0)),
    "map around the page of the exec path": ("mmap", (0x10000, 0x100000, 3, 0x32, -1, 0)),
    "move a mapping there": ("mremap", (native.BASE, 4096, 4096, 3, EXEC_PATH_ADDRESS)),
    "grow a mapping downwards": ("mmap", (0x200000, 4096, 3, 0x122, -1, 0)),
    "fill the address space": ("mmap", (0, 1 << 45, 0, 0x4022, -1, 0)),
    "signal another process": ("kill", (1, 0)),
    "signal every process": ("kill", (-1, int(signal.SIGTERM))),
    "signal a thread elsewhere": ("tgkill", (1, 1, 0)),
    "queue a signal": ("rt_sigqueueinfo", (1, int(signal.SIGTERM), b"\0" * 128)),
    "open a pidfd": ("pidfd_open", (1, 0)),
    "become root": ("setuid", (0,)),
    "change groups": ("setgroups", (0, 0)),
    "raise a limit": ("prlimit64", (0, 7, b"\xff" * 16, 0)),
    "make an anonymous executable": ("memfd_create", (b"x\0", 0)),
    "map shared memory": ("mmap", (0, 4096, 3, 0x21, -1, 0)),
    "map shared memory, all flags known": ("mmap", (0, 4096, 3, 0x23, -1, 0)),
    "map the host's huge pages": ("mmap", (0, 2 << 20, 1, 0x40022, -1, 0)),
    "have memory written to the swap": ("madvise", (native.BASE, 4096, 21)),
    "have memory merged with that of others": ("madvise", (native.BASE, 4096, 12)),
    "read the clock of another process": ("clock_gettime", ((~1 << 3) | 2, b"\0" * 16)),
    "sleep by the clock of another process": ("clock_nanosleep", ((~1 << 3) | 2, 0, b"\0" * 16, 0)),
    "read the limits of another process": ("prlimit64", (1, 7, 0, b"\0" * 16)),
    "share memory": ("shmget", (1, 4096, 0o1666)),
    "send a message by queue": ("msgget", (1, 0o1666)),
    "make itself dumpable": ("prctl", (4, 1, 0, 0, 0)),
    "outlive its parent": ("prctl", (1, 0, 0, 0, 0)),
    "change the root": ("chdir", (b"/\0",)),
    "set a timer for a signal": ("timer_create", (0, 0, b"\0" * 8)),
    "watch files": ("inotify_init1", (0,)),
    "take a descriptor beyond its number": ("fcntl", (0, 0, EXEC_FD)),
    "receive a descriptor": ("recvmsg", (0, b"\0" * 56, 0)),
}

DEADLY: dict[str, Attempt] = {
    "ptrace": ("ptrace", (0, 0, 0, 0)),
    "bpf": ("bpf", (0, b"\0" * 64, 64)),
    "mount": ("mount", (b"none\0", b"/\0", b"tmpfs\0", 0, 0)),
    "unshare": ("unshare", (0x10000000,)),
    "io_uring": ("io_uring_setup", (8, b"\0" * 120)),
    "keyctl": ("keyctl", (0, 0, 0, 0, 0)),
    "write another process's memory": ("process_vm_writev", (1, 0, 0, 0, 0, 0)),
    "load a kernel module": ("finit_module", (0, b"\0", 0)),
}


async def confined(program: Path, machine: jail.Features) -> tuple[bytes, bytes, jail.Exit]:
    """Run ``program`` under the whole jail; its output, its errors, and how it ended."""
    launcher = jail.launcher(jail.decide(machine, ALLOWED_MISSING, {"worker": [str(program)]}, {}))
    await launcher.start()
    try:
        (in_, child_in), (out, child_out), (err, child_err) = (os.pipe() for _ in range(3))
        child = await launcher.spawn("worker", (in_, child_out, child_err), 16)
        for descriptor in (in_, child_in, child_out, child_err):
            os.close(descriptor)
        output = await asyncio.to_thread(_read_all, out)
        errors = await asyncio.to_thread(_read_all, err)
        os.close(child.exit_fd)
        return output, errors, await _reap(launcher, child.id)
    finally:
        await launcher.aclose()


async def _reap(launcher: jail.Launcher, child: int) -> jail.Exit:
    async with asyncio.timeout(10):
        while True:
            try:
                return await launcher.reap(child)
            except WorkerStartError:  # its output has ended, the process not quite
                await asyncio.sleep(0.01)


def _read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as stream:
        return stream.read()


def outcomes(
    machine: jail.Features, loader: str, only: Collection[str] = ()
) -> dict[str, int | str]:
    """Each refused attempt's return value, and each deadly one's end as ``signal N``; of a static
    program when ``loader`` is empty."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        return asyncio.run(_outcomes(machine, Path(folder), loader, only or {*REFUSED, *DEADLY}))


async def _outcomes(
    machine: jail.Features, folder: Path, loader: str, only: Collection[str]
) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    refused = [what for what in REFUSED if what in only]
    calls = [(syscall_nr(REFUSED[what][0]), REFUSED[what][1]) for what in refused]
    output, errors, _ = await confined(native.build(folder / "refused", calls, loader), machine)
    found.update(zip(refused, native.results(output), strict=True))
    assert not errors, errors
    for what in [what for what in DEADLY if what in only]:
        name, args = DEADLY[what]
        program = native.build(folder / name, [(syscall_nr(name), args)], loader)
        output, _, end = await confined(program, machine)
        found[what] = f"signal {end.signal}" if not output else "it went on"
    return found


def machine(what: str) -> jail.Features:
    """This machine, or this machine as if it had no namespaces, or no filters either."""
    found = jail.examine()
    if what == "namespaces":
        return found
    without = replace(found, namespaces="switched off for this test")
    return without if what == "none" else replace(without, seccomp=False)


if __name__ == "__main__":
    loader = native.loader() if sys.argv[2] == "copied" else ""
    print(json.dumps(outcomes(machine(sys.argv[1]), loader, sys.argv[3:])))
