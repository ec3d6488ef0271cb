"""The spawner: one single-threaded process that starts confined children.

It is run as ``python -I -S _zygote.py CONTROL_FD HOST_PID`` and imports the standard library
only. The plan comes as JSON on standard input (see ``_plan.Plan``); requests come as JSON
datagrams on the control socket, each with a number "seq" that its answer carries too:

    {"op": "spawn", "id": 7, "heap": 128} with three descriptors (the child's 0, 1, 2)
        → {"id": 7} with one descriptor, a pidfd, once the child is confined;
        or {"id": 7, "error": "…"}, with "layer" when one could not be put on or did not hold
    {"op": "limit", "id": 7, "limits": [[resource, value], …]} → {"id": 7}, or with "error"
    {"op": "reap", "id": 7}  after the pidfd says that the child is gone
        → {"id": 7, "status": wait status, "cpu": seconds, "maxrss": kilobytes}
    {"op": "release", "id": 7}  the same, of which nobody wants to know: no answer

An answer's "note" is for the log, if it is not empty. A child is reaped only when the host asks,
so a pid that the host holds is never used again for something else. When the host goes away,
however it goes, every child is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import Any

_X86_64 = os.uname().machine == "x86_64"
SYS_PIVOT_ROOT = 155 if _X86_64 else 41
SYS_UNSHARE = 272 if _X86_64 else 97
SYS_LANDLOCK_CREATE = 444
SYS_LANDLOCK_ADD = 445
PR_SET_PDEATHSIG = 1

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

EXEC_FD = 1000
"""Where the guest's binary is opened; the seccomp filter allows no other number."""
EXEC_PATH_ADDRESS = 0x100000
"""Where the empty path of execveat lies. The filter allows no other pointer and no mapping there,
so after the first execution nobody can make a path for a second one."""
ENTRY_SIZE = 11 * 8
"""Bytes of an entry of a table (see ``_runner.py``)."""

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p


class LayerError(Exception):
    """A layer could not be applied."""

    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(f"{layer}: {reason}")
        self.layer = layer
        self.reason = reason


def check(layer: str, what: str, result: int) -> int:
    """Raise LayerError when a libc call failed."""
    if result < 0:
        error = ctypes.get_errno()
        raise LayerError(layer, f"{what}: {os.strerror(error)} (errno {error})")
    return result


def prctl(option: int, *args: Any) -> int:
    padded = [ctypes.c_ulong(arg) if isinstance(arg, int) else arg for arg in args]
    return int(libc.prctl(ctypes.c_int(option), *padded, *[ctypes.c_ulong(0)] * (4 - len(padded))))


def syscall(number: int, *args: Any) -> int:
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return int(libc.syscall(ctypes.c_long(number), *wide))


# --- namespaces: once, for the spawner and all its children ------------------------------------


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
    """Make a root that holds ``files`` and the library and nothing else, read-only."""
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


# --- Landlock: the rules are made once, each child puts them on --------------------------------


def make_ruleset(plan: dict[str, Any]) -> int:
    """A Landlock ruleset descriptor that grants only what ``plan`` lists."""
    landlock = plan["landlock"]
    words = (ctypes.c_uint64 * 3)(
        landlock["handled_fs"], landlock["handled_net"], landlock["scoped"]
    )
    size = landlock["attr_size"]
    ruleset = check(
        "landlock",
        "landlock_create_ruleset",
        syscall(SYS_LANDLOCK_CREATE, ctypes.byref(words), size, 0),
    )
    for path, access in landlock["rules"]:
        add_rule(ruleset, path, access)
    return ruleset


def add_rule(ruleset: int, path: str, access: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    attr = access.to_bytes(8, sys.byteorder) + parent.to_bytes(4, sys.byteorder)
    buffer = ctypes.create_string_buffer(attr, len(attr))
    result = syscall(SYS_LANDLOCK_ADD, ruleset, 1, buffer, 0)
    os.close(parent)
    check("landlock", f"landlock_add_rule {path}", result)


# --- tables of system calls (see ``_tables.py``) -----------------------------------------------


Steps = list[list[Any]]
"""For each step of a worker's confinement: its layer, what it does, what it expects."""


class Table:
    """A table in memory, and the machine code that makes its calls."""

    def __init__(self, plan: dict[str, Any], run: Any) -> None:
        content = bytes.fromhex(plan["table"])
        self.memory = ctypes.create_string_buffer(content, len(content))
        self.base = ctypes.addressof(self.memory)
        self.run = run
        self.names, self.pid, self.first_step = plan["names"], plan["pid"], plan["first_step"]
        for at in plan["addresses"]:
            self.word(at).value += self.base

    def word(self, at: int) -> ctypes.c_int64:
        return ctypes.c_int64.from_address(self.base + at)

    def name(self, **values: int) -> None:
        """Put numbers wherever the table says their names."""
        for name, value in values.items():
            for at in self.names.get(name, ()):
                self.word(at).value = value

    def start(self) -> int:
        """The pid of the child that it makes. Raises StepError for a step that went wrong."""
        self.word(0).value = 0
        self.run(self.base)
        pid = ctypes.c_int32.from_address(self.base + self.pid).value
        if pid < 0:
            raise LayerError("exec", f"clone: {explain(pid)}")
        failed = self.word(0).value
        if failed:
            os.waitpid(pid, 0)
            raise StepError(
                (failed - self.base - self.first_step) // ENTRY_SIZE, self.word(8).value
            )
        return pid


class StepError(Exception):
    """A call of a table had another result than it should."""

    def __init__(self, step: int, result: int) -> None:
        super().__init__(f"step {step}: {explain(result)}")
        self.step = step
        self.result = result


def failure(error: StepError, steps: Steps) -> LayerError:
    """What it means for a worker that was to be confined by ``steps``."""
    if not 0 <= error.step < len(steps):
        return LayerError("exec", f"execveat: {explain(error.result)}")
    layer, what, expect = steps[error.step]
    if expect == "refusal":
        return LayerError(layer, f"{what} succeeded inside the jail")
    if expect == "spawner":
        return LayerError(layer, "the spawner ended meanwhile")
    return LayerError(layer, f"{what}: {explain(error.result)}")


class Command:
    """The program's command line and environment in memory."""

    def __init__(self, plan: dict[str, Any], heap: int, **more: str) -> None:
        env = {**plan["env"], **more}
        self.argv = strings([arg.replace("@HEAP@", str(heap)).encode() for arg in plan["argv"]])
        self.env = strings([f"{key}={value}".encode() for key, value in env.items()])

    def put_into(self, table: Table) -> None:
        table.name(argv=ctypes.addressof(self.argv), env=ctypes.addressof(self.env))


# --- workers that are executed one by one ------------------------------------------------------


class Executed:
    """Starts each worker by executing the program."""

    def __init__(self, plan: dict[str, Any], run: Any, ruleset: int) -> None:
        self.plan = plan
        self.table = Table(plan["executed"], run)
        self.table.name(ruleset=ruleset, spawner=os.getpid())
        self.heap = 0

    def start(self, heap: int, stdio: list[int]) -> int:
        """The pid of a confined child that executes the program. Raises LayerError."""
        if heap != self.heap:
            self.command = Command(self.plan, heap)
            self.command.put_into(self.table)
            self.heap = heap
        self.table.name(**dict(zip(("stdin", "stdout", "stderr"), stdio, strict=True)))
        try:
            return self.table.start()
        except StepError as error:
            raise failure(error, self.plan["steps"]) from None

    def stop(self) -> None:
        """Nothing is left of it."""


# --- workers that are copies of a template -----------------------------------------------------


TEMPLATE_CONTROL, TEMPLATE_RULESET, TEMPLATE_RECEIVED = 3, 4, (5, 6, 7, 8)
"""Descriptors of a template; the last are those that it is sent for a worker, where the kernel
puts them since they are the lowest that are free: 0, 1, 2, and the worker's last words."""
LIBRARY_FD = EXEC_FD + 1
CONTROL_MESSAGE = struct.Struct("=qQii4i")
"""A pid, and a struct cmsghdr with four descriptors (cmsg(3))."""
REPORT_SIZE = CONTROL_MESSAGE.size
WORKERS_OF_A_TEMPLATE = 32
"""They have their memory layout in common, so that what one has learned of it might help to
attack another."""
LIBRARY = "/onehop.so"
"""In the empty root."""
TEMPLATE_SECONDS = 20.0


class TemplateError(Exception):
    """There is no template, or none any more."""


class Copied:
    """Starts each worker as a copy of a process that has loaded the program and waits before its
    first instruction."""

    def __init__(
        self, plan: dict[str, Any], run: Any, ruleset: int, null: int, library: int
    ) -> None:
        self.plan = plan
        self.table = Table(plan["template"], run)
        in_root = library < 0
        self.path = LIBRARY if in_root else f"/proc/self/fd/{LIBRARY_FD}"
        self.table.name(
            spawner=os.getpid(),
            null=null,
            ruleset=ruleset,
            library=null if in_root else library,
        )
        self.pid = 0
        self.heap = 0
        self.workers = 0

    def start(self, heap: int, stdio: list[int]) -> int:
        """The pid of a confined child in which the program starts. Raises LayerError, and
        TemplateError when there is no template to copy."""
        if heap != self.heap or self.workers >= WORKERS_OF_A_TEMPLATE:
            self.stop()
        if not self.pid:
            self.execute(heap)
        self.workers += 1
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            with os.fdopen(ours, "rb", 0) as last_words:
                try:
                    pid = self.copy([*stdio, theirs])
                finally:
                    os.close(theirs)
                self.judge(pid, last_words.read(24))
                return pid
        except OSError as error:
            self.stop()
            raise TemplateError(f"the template has ended or does not answer ({error})") from None

    def copy(self, descriptors: list[int]) -> int:
        socket.send_fds(self.control, [b"\0"], descriptors)
        report = self.control.recv(REPORT_SIZE)
        if len(report) != REPORT_SIZE:
            raise OSError("no report")
        pid, _, _, _, *received = CONTROL_MESSAGE.unpack(report)
        if tuple(received) != TEMPLATE_RECEIVED:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise OSError(f"it has descriptors open that it should not have: {received}")
        return int(pid)

    def judge(self, pid: int, last_words: bytes) -> None:
        """A worker says something only when a step went wrong, and ends then."""
        if not last_words:
            return
        os.waitpid(pid, 0)
        failed, result, entries = struct.unpack("=qqq", last_words)
        step = (failed - entries) // ENTRY_SIZE - self.plan["copied"]["first_step"]
        raise failure(StepError(step, result), self.plan["steps"])

    def execute(self, heap: int) -> None:
        """Raises TemplateError."""
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(TEMPLATE_SECONDS)
        self.command = Command(self.plan, heap, LD_PRELOAD=self.path, LD_BIND_NOW="1")
        self.command.put_into(self.table)
        self.heap, self.workers = heap, 0
        with theirs:
            control = high(theirs.fileno())
        self.table.name(control=control)
        try:
            self.pid = self.table.start()
        except (StepError, LayerError) as error:
            raise TemplateError(f"the template cannot be started: {error}") from None
        finally:
            os.close(control)

    def stop(self) -> None:
        """It ends when its socket does."""
        pid, self.pid = self.pid, 0
        if pid:
            self.control.close()
            os.waitpid(pid, 0)


def high(descriptor: int) -> int:
    """A copy with a number that no table moves a descriptor to."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64)


def explain(result: int) -> str:
    return f"{os.strerror(-result)} (errno {-result})"


def load_code(code: bytes) -> Any:
    """Machine code as a function of an address."""
    size = (len(code) + 4095) & ~4095
    private_anonymous = 0x02 | 0x20
    none = ctypes.c_void_p(None)
    address = libc.mmap(none, ctypes.c_size_t(size), 3, private_anonymous, -1, ctypes.c_long(0))
    if address is None or address == ctypes.c_void_p(-1).value:
        raise LayerError("exec", "no memory for the steps of confinement")
    ctypes.memmove(address, code, len(code))
    if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), 5):
        reason = os.strerror(ctypes.get_errno())
        raise LayerError("exec", f"memory cannot be made executable, as V8 needs it too: {reason}")
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)


def strings(values: list[bytes]) -> Any:
    """An array of C strings with a NULL at the end, as execve takes it."""
    return (ctypes.c_char_p * (len(values) + 1))(*values, None)


def reserve_empty_path() -> None:
    """Map the page of the empty path; the child shares it, the guest's engine does not."""
    fixed_private_anonymous = 0x100000 | 0x02 | 0x20  # MAP_FIXED_NOREPLACE
    address = libc.mmap(
        ctypes.c_void_p(EXEC_PATH_ADDRESS),
        ctypes.c_size_t(4096),
        1,
        fixed_private_anonymous,
        -1,
        ctypes.c_long(0),
    )
    if address != EXEC_PATH_ADDRESS:
        raise LayerError("seccomp", "the page for the empty path cannot be mapped")


Starter = Copied | Executed
ATTEMPTS = 2
"""To start a worker by a template."""


# --- the spawner -------------------------------------------------------------------------------


def watch(pid: int) -> int:
    """A pidfd of a child; one that the host could not watch must not stay. Raises OSError."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


class Spawner:
    """Answers the host's requests until the host is gone."""

    def __init__(
        self, control: socket.socket, host: int, plan: dict[str, Any], starters: list[Starter]
    ) -> None:
        self.control = control
        self.host = host
        self.plan = plan
        self.starters = starters
        self.children: dict[int, int] = {}
        self.sequence = 0
        self.note = ""
        """What the host shall hear with the next answer."""

    def serve(self) -> None:
        poller = select.poll()
        poller.register(self.control, select.POLLIN)
        poller.register(self.host, select.POLLIN)
        while self.host not in (ready := {fd for fd, _ in poller.poll()}):
            if self.control.fileno() in ready and not self.answer():
                return

    def answer(self) -> bool:
        """Handle one request; False when the host closed the socket."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self.control, 65536, 3)
        except ConnectionResetError:  # closed with a reply unread
            return False
        if not message:
            return False
        request = json.loads(message)
        self.sequence = request["seq"]
        if request["op"] == "spawn":
            self.spawn(request, descriptors)
        elif request["op"] == "limit":
            self.limit(request["id"], request["limits"])
        elif request["op"] == "release":
            self.release(request["id"])
        else:
            self.reap(request["id"])
        return True

    def spawn(self, request: dict[str, Any], stdio: list[int]) -> None:
        child = request["id"]
        try:
            pid = self.start(request["heap"], stdio)
            pidfd = watch(pid)
        except LayerError as error:
            self.reply({"id": child, "layer": error.layer, "error": error.reason})
        except OSError as error:
            self.reply({"id": child, "error": f"{error}"})
        else:
            self.children[child] = pid
            self.reply({"id": child}, [pidfd])
            os.close(pidfd)
        finally:
            for descriptor in stdio:
                os.close(descriptor)

    def start(self, heap: int, stdio: list[int]) -> int:
        """A template may have been killed; when not even a new one can be copied, there shall be
        none any more."""
        for attempt in range(ATTEMPTS):
            try:
                return self.starters[0].start(heap, stdio)
            except TemplateError as error:
                if attempt + 1 == ATTEMPTS:
                    self.starters.pop(0)
                    self.note = str(error)
        return self.starters[0].start(heap, stdio)

    def limit(self, child: int, limits: list[list[int]]) -> None:
        """Tighten a child's limits. Root without CAP_SYS_RESOURCE, as in most containers, may do
        so only with the real user and group of the child (prlimit(2)), so it takes them on."""
        owner = self.plan["nobody"] if self.plan["drop_uid"] else None
        try:
            if owner is not None:
                os.setresgid(owner, -1, -1)
                os.setresuid(owner, -1, -1)
            for number, value in limits:
                resource.prlimit(self.children[child], number, (value, value))
            self.reply({"id": child})
        except (OSError, ValueError, KeyError) as error:
            self.reply({"id": child, "error": str(error)})
        finally:
            if owner is not None:
                os.setresuid(0, -1, -1)
                os.setresgid(0, -1, -1)

    def reap(self, child: int) -> None:
        pid = self.children.get(child)
        if pid is None:  # asked twice: whoever asked first did not wait for the answer
            self.reply({"id": child, "error": "no such child any more"})
            return
        reaped, status, usage = os.wait4(pid, os.WNOHANG)
        if reaped == 0:
            self.reply({"id": child, "error": "still running"})
            return
        del self.children[child]
        cpu = usage.ru_utime + usage.ru_stime
        self.reply({"id": child, "status": status, "cpu": cpu, "maxrss": usage.ru_maxrss})

    def release(self, child: int) -> None:
        pid = self.children.get(child)
        if pid is not None and os.waitpid(pid, os.WNOHANG)[0]:
            del self.children[child]

    def reply(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        # A host that is gone is seen by serve() next.
        answer = json.dumps({**message, "seq": self.sequence, "note": self.note}).encode()
        self.note = ""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.control, [answer], descriptors or [])

    def kill_all(self) -> None:
        self.starters[0].stop()
        for pid in self.children.values():
            os.kill(pid, signal.SIGKILL)
        for pid in self.children.values():
            os.waitpid(pid, 0)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    host_pid = int(sys.argv[2])
    plan = json.loads(sys.stdin.buffer.read())
    host = os.pidfd_open(host_pid)
    if os.getppid() != host_pid:
        return
    try:
        starters = prepare(plan, host)
    except (LayerError, OSError) as error:
        report = {"layer": getattr(error, "layer", "exec"), "reason": str(error)}
        control.send(json.dumps({"ready": False, **report}).encode())
        return
    spawner = Spawner(control, host, plan, starters)
    spawner.reply({"ready": True})
    try:
        spawner.serve()
    finally:
        spawner.kill_all()


def prepare(plan: dict[str, Any], host: int) -> list[Starter]:
    """Open what children need, while paths still mean what they mean to the host; the ways to
    start workers, the best first."""
    # A child shares this process's memory and stack, so no handler may ever run here.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    reserve_empty_path()
    open_binary(plan["binary"])
    ruleset = make_ruleset(plan) if plan["landlock"] else -1
    null = high(os.open(os.devnull, os.O_RDWR))
    library = read_library(plan)
    memory = -1 if plan["namespaces"] else high(in_memory(library))
    if plan["namespaces"]:
        enter_namespaces(plan, library)
        enter_pid_namespace(host)
    run = load_code(bytes.fromhex(plan["runner"]))
    executed = Executed(plan, run, ruleset)
    if not library:
        return [executed]
    shared = null if ruleset < 0 else high(ruleset)
    return [Copied(plan, run, shared, null, memory), executed]


def read_library(plan: dict[str, Any]) -> bytes:
    """What makes a template, for workers whose parent this process will be."""
    copied = plan["copied"]
    if copied is None:
        return b""
    image = bytearray.fromhex(copied["image"])
    for at in copied["names"]["spawner"]:
        struct.pack_into("=q", image, at, 1 if plan["namespaces"] else os.getpid())
    return bytes(image)


def in_memory(content: bytes) -> int:
    """A file that has no path."""
    descriptor = os.memfd_create("onehop")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return descriptor


def open_binary(path: str) -> None:
    """At the one number that the filter allows to execute."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    binary = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(binary, EXEC_FD, inheritable=False)
    os.close(binary)


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


if __name__ == "__main__":
    main()
