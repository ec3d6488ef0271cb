"""Namespaces: once, for the spawner and all its children."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any

from .errors import LayerError
from .kernel import PR_SET_PDEATHSIG, check, libc, prctl, syscall
from .layout import EXEC_FD, LIBRARY

_X86_64 = os.uname().machine == "x86_64"
SYS_PIVOT_ROOT = 155 if _X86_64 else 41
SYS_UNSHARE = 272 if _X86_64 else 97
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    32,
    4096,
    16384,
    1 << 18,
)
MNT_DETACH = 2


def enter_namespaces(plan: dict[str, Any], library: bytes) -> None:
    """Leave the host's users, mounts, processes, network and IPC behind, and the files too but
    those of the plan and the library that makes a template."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    if uid != 0:
        flags |= CLONE_NEWUSER
    check("namespaces", "unshare", syscall(SYS_UNSHARE, flags))
    if uid != 0:
        map_user(uid, gid, plan["nobody"])
    enter_empty_root(plan["root_files"], library)


def map_user(uid: int, gid: int, nobody: int) -> None:
    """Inside, the caller is nobody."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{nobody} {uid} 1"),
        ("gid_map", f"{nobody} {gid} 1"),
    ):
        try:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        except OSError as error:
            raise LayerError("namespaces", f"writing {name}: {error}") from None


def enter_empty_root(files: list[str], library: bytes) -> None:
    """Make a root that holds ``files``, the library and a dead link and nothing else, read-only."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    base = "/tmp"  # noqa: S108 - only a mount point; what is below it stays out of sight
    old = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in files:
        inside = base + path
        os.makedirs(os.path.dirname(inside), 0o755, exist_ok=True)
        os.close(os.open(inside, os.O_WRONLY | os.O_CREAT, 0o444))
        # The mount hides what lies under base, so reach the original through the old root.
        mount(f"/proc/self/fd/{old}{path}", inside, None, MS_BIND)
    with open(base + LIBRARY, "xb") as file:
        file.write(library)
    # Deno asks where its binary is when it loads the module that makes realms, and ends without an
    # answer. The link leads nowhere.
    os.makedirs(f"{base}/proc/self", 0o755)
    os.symlink("/deno", f"{base}/proc/self/exe")
    mount("none", base, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chdir(base)
    check("namespaces", "pivot_root", syscall(SYS_PIVOT_ROOT, b".", b"."))
    check("namespaces", "umount2", libc.umount2(b".", MNT_DETACH))
    os.chdir("/")
    os.close(old)


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind, data)]
    result = libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    check("namespaces", f"mounting {target}", result)


def enter_pid_namespace(host: int) -> None:
    """Fork once: the child is the first process of the new namespace and goes on; if it ends,
    the kernel ends every other process there."""
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        return
    os.close(host)
    os.closerange(0, EXEC_FD + 1)
    os.waitpid(pid, 0)
    os._exit(0)
