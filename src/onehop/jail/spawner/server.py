"""The host's requests, answered until the host is gone."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
from typing import Any

from . import accounts
from .copied import Copied
from .errors import LayerError, TemplateError
from .executed import Executed
from .layout import COPIED

Starter = Copied | Executed
ATTEMPTS = 2
"""To start a worker by a template."""


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
        self,
        control: socket.socket,
        host: int,
        plan: dict[str, Any],
        starters: list[Starter],
        note: str,
    ) -> None:
        self.control = control
        self.host = host
        self.plan = plan
        self.starters = starters
        self.children: dict[int, int] = {}
        self.accounts: dict[int, int] = {}
        """The user and group of each child."""
        self.sequence = 0
        self.note = note
        """What the host hears with the next answer."""

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
        elif request["op"] == "program":
            self.learn(request, descriptors[0])
        elif request["op"] == "limit":
            self.limit(request["id"], request["limits"])
        elif request["op"] == "release":
            self.release(request["id"])
        elif request["op"] == "drop":
            self.drop(request["id"])
        else:
            self.reap(request["id"])
        return True

    def spawn(self, request: dict[str, Any], stdio: list[int]) -> None:
        child = request["id"]
        try:
            account = self.choose_account()
            pid = self.start(request["program"], request["heap"], stdio, account)
            pidfd = watch(pid)
        except LayerError as error:
            self.reply({"id": child, "layer": error.layer, "error": error.reason})
        except OSError as error:
            self.reply({"id": child, "error": f"{error}"})
        else:
            self.children[child] = pid
            self.accounts[child] = account
            self.reply({"id": child}, [pidfd])
            os.close(pidfd)
        finally:
            for descriptor in stdio:
                os.close(descriptor)

    def learn(self, request: dict[str, Any], descriptor: int) -> None:
        """One more program."""
        with open(descriptor, "rb") as file:
            self.plan["programs"][request["program"]] = json.load(file)
        self.reply({"id": request["id"]})

    def choose_account(self) -> int:
        if self.plan["own_accounts"]:
            return accounts.draw(self.accounts.values())
        return int(self.plan["nobody"])

    def forget(self, child: int) -> None:
        self.children.pop(child, None)
        self.accounts.pop(child, None)

    def start(self, program: str, heap: int, stdio: list[int], account: int) -> int:
        """A template may have been killed; when not even a new one can be copied, there must be
        none any more. A program with one process at a time is not worth a template."""
        if program != COPIED:
            return self.starters[-1].start(program, heap, stdio, account)
        for attempt in range(ATTEMPTS):
            try:
                return self.starters[0].start(program, heap, stdio, account)
            except TemplateError as error:
                if attempt + 1 == ATTEMPTS:
                    self.starters.pop(0)
                    self.note = str(error)
        return self.starters[0].start(program, heap, stdio, account)

    def limit(self, child: int, limits: list[list[int]]) -> None:
        """Tighten a child's limits. Root without CAP_SYS_RESOURCE, as in most containers, may do
        so only with the real user and group of the child (prlimit(2)), so it takes them on."""
        owner = self.accounts.get(child) if self.plan["drop_uid"] else None
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
        self.forget(child)
        cpu = usage.ru_utime + usage.ru_stime
        self.reply({"id": child, "status": status, "cpu": cpu, "maxrss": usage.ru_maxrss})

    def release(self, child: int) -> None:
        pid = self.children.get(child)
        if pid is not None and os.waitpid(pid, os.WNOHANG)[0]:
            self.forget(child)

    def drop(self, child: int) -> None:
        pid = self.children.get(child)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.forget(child)

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
