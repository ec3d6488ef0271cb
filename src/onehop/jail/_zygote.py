"""The spawner: one single-threaded process that forks, confines the child and executes the guest.

It is run as ``python -I -S _zygote.py CONTROL_FD HOST_PID`` and imports the standard library
only, so that a fork is cheap. The plan comes as JSON on standard input (see ``_plan.Plan``);
requests come as JSON datagrams on the control socket, each with a number "seq" that its answer
carries too:

    {"op": "spawn", "id": 7, "heap": 128} with three descriptors (the child's 0, 1, 2)
        → {"id": 7} with one descriptor, a pidfd; or {"id": 7, "error": "…"}
    {"op": "limit", "id": 7, "limits": [[resource, value], …]} → {"id": 7}, or with "error"
    {"op": "reap", "id": 7}  after the pidfd says that the child is gone
        → {"id": 7, "status": wait status, "cpu": seconds, "maxrss": kilobytes}

A child is reaped only when the host asks, so a pid that the host holds is never used again for
something else. When the host goes away, however it goes, every child is killed.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any, NoReturn

_X86_64 = os.uname().machine == "x86_64"
SYS_EXECVEAT = 322 if _X86_64 else 281
SYS_PIVOT_ROOT = 155 if _X86_64 else 41
SYS_CAPSET = 126 if _X86_64 else 91
SYS_UNSHARE = 272 if _X86_64 else 97
SYS_LANDLOCK_CREATE = 444
SYS_LANDLOCK_ADD = 445
SYS_LANDLOCK_RESTRICT = 446

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

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
EXIT_NOT_CONFINED = 98

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p


Command = tuple[Any, Any]
"""Arguments and environment, as arrays of C strings."""


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


def enter_namespaces(plan: dict[str, Any]) -> None:
    """Leave the host's users, mounts, processes, network and IPC behind."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    if uid != 0:
        flags |= CLONE_NEWUSER
    check("namespaces", "unshare", syscall(SYS_UNSHARE, flags))
    if uid != 0:
        map_user(uid, gid, plan["nobody"])
    enter_empty_root(plan["root_files"])


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


def enter_empty_root(files: list[str]) -> None:
    """Make a root that holds ``files`` and nothing else, read-only."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    base = "/tmp"  # noqa: S108 - only a mount point; what is below it stays out of sight
    old = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755")
    for path in files:
        inside = base + path
        os.makedirs(os.path.dirname(inside), 0o755, exist_ok=True)
        os.close(os.open(inside, os.O_WRONLY | os.O_CREAT, 0o444))
        # The mount hides what lies under base, so reach the original through the old root.
        mount(f"/proc/self/fd/{old}{path}", inside, None, MS_BIND)
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


# --- the child: confine, prove, execute --------------------------------------------------------


class Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))


class Confinement:
    """All that a child applies to itself, prepared before the fork."""

    def __init__(self, plan: dict[str, Any], ruleset: int | None, binary: int) -> None:
        self.plan = plan
        self.ruleset = ruleset
        self.binary = binary
        seccomp = plan["seccomp"]
        self.program = bytearray(base64.b64decode(seccomp["program"])) if seccomp else None
        self.commands: dict[int, Command] = {}

    def apply(self, stdio: list[int]) -> None:
        """Put every layer on this process, then try to break out; raise LayerError if one fails."""
        self.take_descriptors(stdio)
        check("no_new_privs", "prctl", prctl(PR_SET_NO_NEW_PRIVS, 1))
        self.apply_landlock()
        self.drop_privileges()
        self.set_rlimits()
        self.die_with_spawner()
        self.apply_seccomp()
        self.prove()

    def take_descriptors(self, stdio: list[int]) -> None:
        """Keep 0, 1, 2, the binary and, until it is used, the ruleset."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limit), limit))
        os.dup2(self.binary, EXEC_FD, inheritable=False)
        if self.ruleset is not None:
            self.ruleset = os.dup(self.ruleset)
        for target, source in enumerate(stdio):
            os.dup2(source, target)

    def apply_landlock(self) -> None:
        if self.ruleset is not None:
            result = syscall(SYS_LANDLOCK_RESTRICT, self.ruleset, 0)
            check("landlock", "landlock_restrict_self", result)
        os.closerange(3, EXEC_FD)
        os.closerange(EXEC_FD + 1, 4096)

    def drop_privileges(self) -> None:
        """Root becomes nobody; whoever it was, no capability is left."""
        nobody = self.plan["nobody"]
        if self.plan["drop_uid"]:
            try:
                os.setgroups([])
                os.setresgid(nobody, nobody, nobody)
                os.setresuid(nobody, nobody, nobody)
            except OSError as error:
                raise LayerError("uid", f"becoming nobody: {error}") from None
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
        none = (ctypes.c_uint32 * 6)()
        result = syscall(SYS_CAPSET, ctypes.byref(header), ctypes.byref(none))
        check("uid", "capset", result)

    def set_rlimits(self) -> None:
        for number, value in self.plan["rlimits"]:
            try:
                resource.setrlimit(number, (value, value))
            except (OSError, ValueError) as error:
                raise LayerError("rlimits", f"setrlimit {number}: {error}") from None

    def die_with_spawner(self) -> None:
        # A change of credentials clears this signal, so it comes after drop_privileges.
        check("rlimits", "prctl PDEATHSIG", prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL)))

    def apply_seccomp(self) -> None:
        if self.program is None:
            return
        own_pid = os.getpid().to_bytes(4, sys.byteorder)
        for offset in self.plan["seccomp"]["pid_offsets"]:
            self.program[offset : offset + 4] = own_pid
        code = (ctypes.c_char * len(self.program)).from_buffer(self.program)
        filter_ = Filter(len(self.program) // 8, ctypes.addressof(code))
        result = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_))
        check("seccomp", "installing the filter", result)

    def prove(self) -> None:
        """Try what must fail; a success means that a layer is not in force."""
        witness = self.plan["witness"]
        tries = {
            # The root is there with and without namespaces, and only Landlock forbids to list it.
            "landlock": ((try_list, "/"), (try_read, witness), (try_run, witness)),
            "seccomp": ((try_write, "/onehop"), (try_socket, ""), (try_memory, ""), (try_fork, "")),
            "rlimits": ((try_descriptor, ""),),
        }
        for layer in self.plan["proved"]:
            for attempt, target in tries[layer]:
                if attempt(target):
                    raise LayerError(layer, f"{attempt.__name__} succeeded inside the jail")

    def command(self, heap: int) -> Command:
        """The engine's command line with its heap limit; made once, before the fork."""
        if heap not in self.commands:
            argv = [arg.replace("@HEAP@", str(heap)).encode() for arg in self.plan["argv"]]
            env = [f"{key}={value}".encode() for key, value in self.plan["env"].items()]
            self.commands = {heap: (strings(argv), strings(env))}
        return self.commands[heap]

    def execute(self, command: Command) -> NoReturn:
        """Become the guest's engine; only ever returns by raising."""
        place_empty_path()
        empty_path = 0x1000  # AT_EMPTY_PATH
        syscall(SYS_EXECVEAT, EXEC_FD, EXEC_PATH_ADDRESS, *command, empty_path)
        error = ctypes.get_errno()
        raise LayerError("exec", f"execveat: {os.strerror(error)} (errno {error})")


def strings(values: list[bytes]) -> Any:
    """An array of C strings with a NULL at the end, as execve takes it."""
    return (ctypes.c_char_p * (len(values) + 1))(*values, None)


def place_empty_path() -> None:
    """The filter, on by now, forbids this mapping: ``reserve_empty_path`` made it before."""
    ctypes.memset(EXEC_PATH_ADDRESS, 0, 1)


def reserve_empty_path() -> None:
    """Map the page of the empty path; children inherit it, the guest's engine does not."""
    fixed_private_anonymous = 0x100000 | 0x02 | 0x20  # MAP_FIXED_NOREPLACE
    address = libc.mmap(
        ctypes.c_void_p(EXEC_PATH_ADDRESS),
        ctypes.c_size_t(4096),
        3,
        fixed_private_anonymous,
        -1,
        ctypes.c_long(0),
    )
    if address != EXEC_PATH_ADDRESS:
        raise LayerError("seccomp", "the page for the empty path cannot be mapped")


def try_read(path: str) -> bool:
    return succeeds(lambda: os.close(os.open(path, os.O_RDONLY)))


def try_list(path: str) -> bool:
    return succeeds(lambda: os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY)))


def try_run(path: str) -> bool:
    return succeeds(lambda: os.execv(path, [path]))  # noqa: S606 - it must fail


def try_write(path: str) -> bool:
    return succeeds(lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)))


def try_socket(_: str) -> bool:
    return succeeds(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close())


def try_memory(_: str) -> bool:
    return succeeds(lambda: os.close(os.memfd_create("onehop")))


def try_descriptor(_: str) -> bool:
    return succeeds(lambda: fcntl.fcntl(0, fcntl.F_DUPFD, EXEC_FD - 1))


def try_fork(_: str) -> bool:
    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    return succeeds(fork)


def succeeds(attempt: Any) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


# --- the spawner -------------------------------------------------------------------------------


class Spawner:
    """Answers the host's requests until the host is gone."""

    def __init__(
        self, control: socket.socket, host: int, plan: dict[str, Any], confinement: Confinement
    ) -> None:
        self.control = control
        self.host = host
        self.plan = plan
        self.confinement = confinement
        self.children: dict[int, int] = {}
        self.sequence = 0

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
        else:
            self.reap(request["id"])
        return True

    def spawn(self, request: dict[str, Any], stdio: list[int]) -> None:
        try:
            command = self.confinement.command(request["heap"])
            pid = os.fork()
            if pid == 0:
                self.become_guest(command, stdio)
            pidfd = os.pidfd_open(pid)
        except OSError as error:
            self.reply({"id": request["id"], "error": f"{error}"})
        else:
            self.children[request["id"]] = pid
            self.reply({"id": request["id"]}, [pidfd])
            os.close(pidfd)
        finally:
            for descriptor in stdio:
                os.close(descriptor)

    def become_guest(self, command: Command, stdio: list[int]) -> NoReturn:
        try:
            self.confinement.apply(stdio)
            self.confinement.execute(command)
        except BaseException as error:
            os.write(2, f"onehop-jail {getattr(error, 'layer', 'exec')}: {error}\n".encode())
            os._exit(EXIT_NOT_CONFINED)

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

    def reply(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        # A host that is gone is seen by serve() next.
        answer = json.dumps({**message, "seq": self.sequence}).encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.control, [answer], descriptors or [])

    def kill_all(self) -> None:
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
        confinement = prepare(plan)
    except (LayerError, OSError) as error:
        report = {"layer": getattr(error, "layer", "exec"), "reason": str(error)}
        control.send(json.dumps({"ready": False, **report}).encode())
        return
    if plan["namespaces"]:
        enter_pid_namespace(host)
    gc.collect()
    gc.freeze()  # a collection would touch, and so copy, what parent and children share
    gc.disable()
    spawner = Spawner(control, host, plan, confinement)
    spawner.reply({"ready": True})
    try:
        spawner.serve()
    finally:
        spawner.kill_all()


def prepare(plan: dict[str, Any]) -> Confinement:
    """Open what children need, while paths still mean what they mean to the host."""
    reserve_empty_path()
    binary = os.open(plan["binary"], os.O_RDONLY | os.O_CLOEXEC)
    ruleset = make_ruleset(plan) if plan["landlock"] else None
    if plan["namespaces"]:
        enter_namespaces(plan)
    return Confinement(plan, ruleset, binary)


def enter_pid_namespace(host: int) -> None:
    """Fork once: the child is the first process of the new namespace and goes on; if it ends,
    the kernel ends every other process there."""
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        return
    os.close(host)
    os.closerange(0, 1024)
    os.waitpid(pid, 0)
    os._exit(0)


if __name__ == "__main__":
    main()
