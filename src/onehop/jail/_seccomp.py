"""The system-call filter: everything is refused but what V8 and Deno need to compute.

The list was found by running Deno under it (x86-64); aarch64 has the same calls less the old
ones that its kernel never had. Numbers come from ``seccompy``, which also refuses foreign ABIs;
x32 calls carry another number on x86-64 and so meet the default.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from onehop._data import data
from onehop.jail.spawner.layout import EXEC_FD, EXEC_PATH_ADDRESS

if TYPE_CHECKING:
    from seccompy import Filter

PID_SLOT = 0x7A3B1C5D
"""Stands for the worker's own pid until the worker knows it; no real pid is so large."""

ALLOWED = """
    read write readv writev pread64 close lseek fstat newfstatat statx stat lstat access faccessat
    faccessat2 readlink readlinkat getcwd poll ppoll epoll_create1 epoll_ctl epoll_wait epoll_pwait
    eventfd2 pipe2 dup munmap brk mincore membarrier futex set_robust_list rseq set_tid_address
    arch_prctl sched_yield sched_getaffinity sched_getparam sched_getscheduler gettid getpid getppid
    getuid geteuid getgid getegid uname sysinfo getrusage times nanosleep gettimeofday time getcpu
    restart_syscall rt_sigreturn rt_sigaction rt_sigprocmask sigaltstack getrandom exit exit_group
    pkey_alloc pkey_free mprotect pkey_mprotect
""".split()

X86_64_ONLY = frozenset(
    ["stat", "lstat", "access", "readlink", "poll", "epoll_wait", "arch_prctl", "time", "open"]
)
"""Old calls that aarch64 never had."""

KILLED = """
    ptrace process_vm_writev bpf mount umount2 pivot_root chroot move_mount open_tree fsopen
    fsmount mount_setattr io_uring_setup io_uring_enter io_uring_register keyctl add_key
    request_key init_module finit_module delete_module kexec_load kexec_file_load reboot swapon
    swapoff perf_event_open userfaultfd setns unshare acct quotactl settimeofday clock_settime
    sethostname setdomainname open_by_handle_at name_to_handle_at pidfd_getfd
""".split()
"""Never called by an honest engine: the process ends at the first one."""

_ACCMODE_CREAT_TRUNC_PATH = 0o3 | 0o100 | 0o1000 | 0o10000000
_CLONE_THREAD = 0x00010000
_CLONE_NEW_ANY = 0x7E020000  # NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_MAP_SHARED, _MAP_FIXED, _MAP_GROWSDOWN, _MAP_HUGETLB = 0x1, 0x10, 0x100, 0x40000
_MREMAP_FIXED = 0x2
_ADVICE = ((0, 4), (8, 8), (10, 11), (14, 19), (22, 23))
"""What memory is for, whether a fork, a dump or huge pages have it, and that it is wanted or not.
Not PAGEOUT and COLD, which hide it from a count of what is resident, nor MERGEABLE, by which the
time of a write tells what other processes have in memory."""
_LAST_CLOCK = 11
"""CLOCK_TAI. Beyond it are the clocks of other processes, and of devices."""
_LOW_WORD = 0xFFFFFFFF
_AT_EMPTY_PATH = 0x1000
_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA = 15, 16, 0x53564D41
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIO*


@data(frozen=True, slots=True)
class Program:
    """BPF bytes, and where a worker writes its own pid into them."""

    code: bytes
    pid_offsets: tuple[int, ...]


def build() -> Program:
    """The filter for this machine, compiled once. Raises seccompy.UnsupportedError elsewhere than
    on x86-64 and aarch64."""
    from seccompy import arch  # 60 ms: only where a jail is planned

    return _built(arch())


@cache
def _built(machine: str) -> Program:
    from seccompy import Action, Filter

    filter_ = Filter(default=int(Action.ERRNO) | errno.EPERM)
    skipped = X86_64_ONLY if machine == "aarch64" else frozenset()
    for name in ALLOWED:
        if name not in skipped:
            filter_.allow(name)
    for name in KILLED:
        filter_.kill(name)
    for name, add_rules in _CONDITIONAL.items():
        if name not in skipped:
            add_rules(filter_, name)
    code = filter_.program
    return Program(code, _offsets(code, PID_SLOT))


def _offsets(code: bytes, constant: int) -> tuple[int, ...]:
    """Byte offsets of the operands (struct sock_filter: u16, u8, u8, u32) equal to ``constant``."""
    instructions = struct.iter_unpack("=HBBI", code)
    return tuple(8 * i + 4 for i, (*_, k) in enumerate(instructions) if k == constant)


def _read_only(flags_index: int) -> Callable[[Filter, str], None]:
    def add(filter_: Filter, name: str) -> None:
        filter_.allow(name, args=[(flags_index, 6, 0, _ACCMODE_CREAT_TRUNC_PATH)])

    return add


def _one_of(index: int, values: tuple[int, ...]) -> Callable[[Filter, str], None]:
    def add(filter_: Filter, name: str) -> None:
        for value in values:
            filter_.allow(name, args=[(index, 6, value, _LOW_WORD)])

    return add


def _threads_only(filter_: Filter, name: str) -> None:
    filter_.allow(name, args=[(0, 6, _CLONE_THREAD, _CLONE_THREAD), (0, 6, 0, _CLONE_NEW_ANY)])


def _own_memory(filter_: Filter, name: str) -> None:
    """No mapping may reach the page of the empty path, nor grow or wander there. And none whose
    pages outlive their place in it: shared memory that was given back by advice, and the host's
    huge pages, are in no count of what a process has."""
    refuse = errno.EPERM
    for flag in (_MAP_SHARED, _MAP_HUGETLB):
        filter_.errno(name, refuse, args=[(3, 6, flag, flag)])
    filter_.errno(name, refuse, args=[(0, 4, 0), (0, 3, EXEC_PATH_ADDRESS)])
    filter_.errno(name, refuse, args=[(3, 6, _MAP_GROWSDOWN, _MAP_GROWSDOWN)])
    filter_.errno(name, refuse, args=[(0, 0, 0), (3, 6, _MAP_FIXED, _MAP_FIXED)])
    filter_.allow(name)


def _known_advice(filter_: Filter, name: str) -> None:
    """EINVAL for all other, as a kernel says that does not know it."""
    for first, last in _ADVICE:
        filter_.allow(name, args=[(2, 5, first), (2, 3, last)])
    filter_.errno(name, errno.EINVAL)


def _common_clock(filter_: Filter, name: str) -> None:
    filter_.allow(name, args=[(0, 3, _LAST_CLOCK)])


def _not_fixed(filter_: Filter, name: str) -> None:
    filter_.errno(name, errno.EPERM, args=[(3, 6, _MREMAP_FIXED, _MREMAP_FIXED)])
    filter_.allow(name)


def _exec_once(filter_: Filter, name: str) -> None:
    filter_.allow(
        name,
        args=[
            (0, 6, EXEC_FD, _LOW_WORD),
            (1, 0, EXEC_PATH_ADDRESS),
            (4, 6, _AT_EMPTY_PATH, _LOW_WORD),
        ],
    )


def _own_process(filter_: Filter, name: str) -> None:
    filter_.allow(name, args=[(0, 6, PID_SLOT, _LOW_WORD)])


def _unknown(filter_: Filter, name: str) -> None:
    """ENOSYS: glibc then uses the older call, which the filter can look into."""
    filter_.errno(name, errno.ENOSYS)


def _unix_pair(filter_: Filter, name: str) -> None:
    filter_.allow(name, args=[(0, 6, 1, _LOW_WORD)])


def _without_address(filter_: Filter, name: str) -> None:
    filter_.allow(name, args=[(4, 0, 0)])


def _read_own_limits(filter_: Filter, name: str) -> None:
    filter_.allow(name, args=[(0, 6, 0, _LOW_WORD), (2, 0, 0)])


_CONDITIONAL: Mapping[str, Callable[[Filter, str], None]] = {
    "open": _read_only(1),
    "openat": _read_only(2),
    "clone": _threads_only,
    "clone3": _unknown,
    "mmap": _own_memory,
    "madvise": _known_advice,
    "mremap": _not_fixed,
    "execveat": _exec_once,
    "prlimit64": _read_own_limits,
    "prctl": _one_of(0, (_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA)),
    "ioctl": _one_of(1, _IOCTL),
    "fcntl": _one_of(1, _FCNTL),
    "socketpair": _unix_pair,
    "recvfrom": _without_address,
    "clock_gettime": _common_clock,
    "clock_getres": _common_clock,
    "clock_nanosleep": _common_clock,
    "tgkill": _own_process,
    "kill": _own_process,
}
