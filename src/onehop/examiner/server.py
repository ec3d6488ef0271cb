"""The process that loads all that analysis needs, and forks a confined process for each agent.

It sees no text of an agent. It ends when the host closes its socket, or has ended: a copy of the
host by fork may hold the socket open.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from onehop.analysis._framing import read_frame, write_frame
from onehop.examiner.work import Work, load_rules
from onehop.jail.spawner.compute import confine
from onehop.jail.spawner.control import take
from onehop.jail.spawner.errors import LayerError

_CHANNEL = 1
"""Descriptor of a child's channel; it has no other but 0, which is /dev/null."""
_DESCRIPTORS = 1 << 16
_END_SECONDS = 1


def main() -> None:
    """Serve the host's requests, after the plan; they come by the standard input. The argument is
    the host's pid."""
    control = take(0)
    host = _watch(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's signals are for the host
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    work = Work()
    work.warm_up()
    gc.freeze()  # what is shared with the children is not looked at, and so stays shared
    gc.enable()  # it was off while all this was loaded
    if not _is_asked(control, host) or (plan := read_frame(control.fileno())) is None:
        return
    _send(control, {"ready": True})
    while message := _receive(control, host):
        _fork(control, plan, work, *message)
    _end_with_children()


def _end_with_children() -> None:
    """The host has ended them; none may be left to a parent that might not collect it. Those that
    it has not ended end with this process."""
    signal.alarm(_END_SECONDS)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _watch(host: int) -> int:
    """A descriptor that is readable when the host has ended."""
    descriptor = os.pidfd_open(host) if sys.platform == "linux" else -1
    if os.getppid() != host:
        sys.exit()
    return descriptor


def _is_asked(control: socket.socket, host: int) -> bool:
    """Wait until the host says something; whether it is still there."""
    watched = [control.fileno(), *([host] if host >= 0 else [])]
    return host not in select.select(watched, [], [])[0]


def _receive(control: socket.socket, host: int) -> tuple[dict[str, Any], list[int]] | None:
    if not _is_asked(control, host):
        return None
    try:
        message, descriptors, _, _ = socket.recv_fds(control, 65536, 1)
    except OSError:
        return None
    return (json.loads(message), list(descriptors)) if message else None


def _send(control: socket.socket, reply: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    with contextlib.suppress(OSError):  # the host is gone, which the next receive tells
        socket.send_fds(control, [json.dumps(reply).encode()], list(descriptors))


def _fork(
    control: socket.socket,
    plan: dict[str, Any],
    work: Work,
    request: dict[str, Any],
    channel: list[int],
) -> None:
    try:
        load_rules(request["rules"])
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            _be_child(plan, work, parent, channel[0])
        watched = os.pidfd_open(pid)
    except Exception as error:
        _send(control, {"error": f"{type(error).__name__}: {error}"})
    else:
        _send(control, {"pid": pid}, (watched,))
        os.close(watched)
    finally:
        for descriptor in channel:
            os.close(descriptor)


def _be_child(plan: dict[str, Any], work: Work, parent: int, channel: int) -> NoReturn:
    """Whatever goes wrong here must not go on as the parent's work."""
    try:
        os.dup2(channel, _CHANNEL)
        os.closerange(_CHANNEL + 1, _DESCRIPTORS)
        _serve(plan, work, parent)
    finally:
        os._exit(0)


def _serve(plan: dict[str, Any], work: Work, parent: int) -> None:
    try:
        confine(plan, parent)
    except LayerError as error:
        write_frame(_CHANNEL, {"layer": error.layer, "error": error.reason})
        return
    write_frame(_CHANNEL, {"ready": True})
    while (request := read_frame(_CHANNEL)) is not None:
        write_frame(_CHANNEL, work.answer(request))
