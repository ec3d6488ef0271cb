"""The spawner's process from start to end."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import sys
from typing import Any

from .control import take
from .copied import Copied, high
from .errors import LayerError
from .executed import Executed
from .landlock import make_ruleset
from .layout import EXEC_FD, LEAST_DESCRIPTORS, LIBRARY_FD
from .namespaces import enter_namespaces, enter_pid_namespace
from .probe import optional_layers
from .server import Spawner, Starter
from .table import load_code, reserve_empty_path


def main() -> None:
    control = take(1)
    host_pid = int(sys.argv[1])
    try:
        host = os.pidfd_open(host_pid)
    except ProcessLookupError:  # it has ended already
        return
    if os.getppid() != host_pid:
        return
    if len(sys.argv) > 2:  # no plan is made yet, and it depends on this
        control.send(json.dumps(optional_layers(has_accounts=sys.argv[2] == "accounts")).encode())
    if (plan := read_plan(host)) is None:
        return
    try:
        starters, note = prepare(plan, host)
    except (LayerError, OSError) as error:
        reason = getattr(error, "reason", str(error))
        report = {"layer": getattr(error, "layer", "exec"), "reason": reason}
        control.send(json.dumps({"ready": False, **report}).encode())
        return
    spawner = Spawner(control, host, plan, starters, note)
    spawner.reply({"ready": True})
    try:
        spawner.serve()
    finally:
        spawner.kill_all()


def read_plan(host: int) -> dict[str, Any] | None:
    """The plan, once the host has made it; None if it ends before that."""
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN)
    poller.register(host, select.POLLIN)
    if host in {descriptor for descriptor, _ in poller.poll()}:
        return None
    line = sys.stdin.buffer.readline()
    return json.loads(line) if line else None


def prepare(plan: dict[str, Any], host: int) -> tuple[list[Starter], str]:
    """Open what children need, while paths still mean what they mean to the host; the ways to
    start workers, the best first, and why one is missing."""
    # A child shares this process's memory and stack, so no handler may ever run here.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    reserve_empty_path()
    open_binary(plan["binary"])
    ruleset = make_ruleset(plan) if plan["landlock"] else -1
    null = high(os.open(os.devnull, os.O_RDWR))
    library = read_library(plan)
    library_file, note = -1, ""
    if library and not plan["namespaces"]:
        library_file, note = in_memory(library)
    if plan["namespaces"]:
        enter_namespaces(plan, library)
        enter_pid_namespace(host)
    run = load_code(bytes.fromhex(plan["runner"]))
    executed = Executed(plan, run, ruleset)
    if note or not library:
        return [executed], note
    shared = null if ruleset < 0 else high(ruleset)
    return [Copied(plan, run, shared, null, library_file), executed], ""


def read_library(plan: dict[str, Any]) -> bytes:
    """What makes a template, for workers whose parent this process will be."""
    copied = plan["copied"]
    if copied is None:
        return b""
    image = bytearray.fromhex(copied["image"])
    for at in copied["names"]["spawner"]:
        struct.pack_into("=q", image, at, 1 if plan["namespaces"] else os.getpid())
    return bytes(image)


def in_memory(content: bytes) -> tuple[int, str]:
    """A file that has no path, or why there is none."""
    try:
        descriptor = high(os.memfd_create("onehop"))
    except OSError as error:
        return -1, f"no memory file for the template's library: {error}"
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return descriptor, ""


def open_binary(path: str) -> None:
    """At the one number that the filter allows to execute. The next number is taken too, because
    a template gets its library there."""
    allow_descriptors()
    binary = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(binary, EXEC_FD, inheritable=False)
    os.dup2(binary, LIBRARY_FD, inheritable=False)
    os.close(binary)


def allow_descriptors() -> None:
    """As many as may be; root may also raise the hard limit. Raises LayerError."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    least = most if most == resource.RLIM_INFINITY else max(most, LEAST_DESCRIPTORS)
    wanted = 4096 if most == resource.RLIM_INFINITY else min(4096, least)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, least))
    except (OSError, ValueError):
        raise LayerError(
            "exec",
            f"the limit of open files is {most} (RLIMIT_NOFILE; 'ulimit -Hn' shows it); workers "
            f"need a limit of {LEAST_DESCRIPTORS} or more",
        ) from None
