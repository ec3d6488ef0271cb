"""What this machine allows, tried in processes that end at once. Prints JSON: for "namespaces" and
"threads" why the layer cannot be had, or an empty string."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable

from .accounts import draw
from .errors import LayerError
from .kernel import check, syscall
from .namespaces import CLONE_NEWUSER, SYS_UNSHARE, enter_namespaces

NOBODY = 65534


def main() -> None:
    sys.stdout.write(json.dumps(optional_layers(has_accounts=sys.argv[1] == "accounts")))


def optional_layers(*, has_accounts: bool) -> dict[str, str]:
    """By layer why it cannot be had; this process stays as it was."""

    def threads() -> str:
        return count_threads(has_accounts)

    namespaces, inside = split(answer(lambda: "\n".join(within_namespaces(threads))))
    # The worker will be in namespaces if it can.
    outside = answer(threads) if namespaces else inside
    return {"namespaces": namespaces, "threads": outside}


def within_namespaces(threads: Callable[[], str]) -> tuple[str, str]:
    try:
        enter_namespaces({"nobody": NOBODY, "root_files": ["/dev/urandom"]}, b"")
    except (LayerError, OSError) as error:
        return str(error), ""
    return "", threads()


def split(answers: str) -> tuple[str, str]:
    first, _, second = answers.partition("\n")
    return first, second


def answer(question: Callable[[], str]) -> str:
    """What a copy of this process answers."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(theirs, question().encode())
        except OSError as error:
            os.write(theirs, f"the probe failed: {error}".encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as stream:
        said = stream.read().decode()
    os.waitpid(pid, 0)
    return said


def count_threads(has_accounts: bool) -> str:
    """Why the kernel does not bound the threads of one process alone. Runs once in a process."""
    try:
        become_one_of_its_kind(has_accounts)
    except (LayerError, OSError) as error:
        return f"a worker can have neither a user id nor a user namespace of its own: {error}"
    resource.setrlimit(resource.RLIMIT_NPROC, (2, 2))
    ours, theirs = os.pipe()
    if not can_fork(ours, theirs):
        return "the kernel counts all processes of this user together (Linux before 5.14 does)"
    bounded = not can_fork(ours, theirs)
    os.close(theirs)
    return "" if bounded else "the kernel does not hold RLIMIT_NPROC for workers"


def become_one_of_its_kind(has_accounts: bool) -> None:
    """As a worker does."""
    is_root = os.geteuid() == 0
    if is_root:
        account = draw(()) if has_accounts else NOBODY
        os.setgroups([])
        os.setresgid(account, account, account)
        os.setresuid(account, account, account)
    if not (is_root and has_accounts):
        check("threads", "unshare", syscall(SYS_UNSHARE, CLONE_NEWUSER))


def can_fork(ours: int, theirs: int) -> bool:
    """The copy lives until this process has ended or closed its end of the pipe."""
    try:
        pid = os.fork()
    except BlockingIOError:
        return False
    if pid == 0:
        os.close(theirs)
        os.read(ours, 1)
        os._exit(0)
    return True
