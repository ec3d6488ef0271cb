"""What the spawner needs to start workers: tables for the runner, and how to read their failures.

A program is started in one of two ways. *Executed*: a child of the spawner, which shares its
memory until then as after vfork(2), confines itself and executes the program. *Copied*: the
dynamic loader brings the program into the memory of a process of its own, the template, once;
each worker is a fork of it that confines itself and then lets the program start. That saves every
worker what loading costs, and needs a program that has a dynamic loader.
"""

from __future__ import annotations

import platform
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onehop.jail.spawner.layout import (
    ENTRY_SIZE,
    EXEC_FD,
    EXEC_PATH_ADDRESS,
    LIBRARY_FD,
    REPORT_SIZE,
    TEMPLATE_CONTROL,
    TEMPLATE_RECEIVED,
    TEMPLATE_RULESET,
)
from onehop.jail.syscalls import _image
from onehop.jail.syscalls._code import HEADER_SIZE
from onehop.jail.syscalls._layout import (
    GREATEST,
    RETURN,
    WORD,
    Data,
    Entry,
    Name,
    Section,
    Word,
    go_on,
    lay_out,
)

_CLONE_VM, _CLONE_VFORK, _CLONE_PARENT = 0x100, 0x4000, 0x8000
_CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID = 0x200000, 0x1000000
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_GET_TID_ADDRESS = 1, 15, 40
_AT_EMPTY_PATH = 0x1000
_LAST_DESCRIPTOR = (1 << 32) - 1
_FAILED = 98

Number = Callable[[str], int]
"""The number of a system call on this machine."""


def executed(steps: Sequence[Sequence[Any]], filter_: bytes, number: Number) -> dict[str, Any]:
    """For workers that are executed one by one."""
    known: dict[str, Word] = {name: Name(name) for name in ("stdin", "stdout", "stderr", "ruleset")}
    known |= {"filter": Data("filter"), "account": Name("account")}
    child = [*(_entry(step, known) for step in steps), _execute(number)]
    return _started_by_the_spawner(child, filter_, number)


def template(number: Number) -> dict[str, Any]:
    """For the template, which the spawner executes without confining it: it is the loader's and
    the runner's code that it runs, until a fork of it has confined itself."""
    descriptors = [*(("null", target) for target in range(3)), ("control", TEMPLATE_CONTROL)]
    moves = [*descriptors, ("ruleset", TEMPLATE_RULESET), ("library", LIBRARY_FD)]
    child = [_success(number("dup3"), Name(name), target, 0) for name, target in moves]
    close_range = number("close_range")
    child += [
        _success(close_range, TEMPLATE_RULESET + 1, EXEC_FD - 1, 0),
        _success(close_range, LIBRARY_FD + 1, _LAST_DESCRIPTOR, 0),
        _success(number("prctl"), _PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0),
        Entry(number("getppid"), (), Name("spawner"), Name("spawner")),
        _execute(number),
    ]
    return _started_by_the_spawner(child, b"", number)


def copied(steps: Sequence[Sequence[Any]], filter_: bytes, number: Number) -> dict[str, Any]:
    """For workers that are copies of the template: the library that it is executed with."""
    accounts = _account_words(steps)
    table = lay_out(
        {
            "prepare": [_find_thread_id(number), _rename(b"onehop template", number)],
            "serve": _serve(number, 3 * WORD * len(accounts) or 1),
            "failed": _tell_and_exit(number),
            "child": _become_worker(steps, number),
        },
        {**_filter_data(filter_), **_messages(accounts)},
    )
    image, start = _image.build(table, platform.machine())
    return {
        "image": image.hex(),
        "names": {name: [start + at for at in places] for name, places in table.names.items()},
        "first_step": table.sections["child"] + ENTRY_SIZE - table.sections["failed"],
        "account_words": 3 * len(accounts),
    }


# --- executed ----------------------------------------------------------------------------------


def _started_by_the_spawner(
    child: Sequence[Entry], filter_: bytes, number: Number
) -> dict[str, Any]:
    flags = _CLONE_VM | _CLONE_VFORK | int(signal.SIGCHLD)
    clone = Entry(number("clone"), (flags,), keep=Data("pid"), on_zero=Section("child"))
    table = lay_out(
        {
            "start": [clone, RETURN],
            "failed": [Entry(number("exit_group"), (_FAILED,))],
            "child": child,
        },
        {"pid": bytes(8), **_filter_data(filter_)},
    )
    return {
        "table": table.content.hex(),
        "addresses": table.addresses,
        "names": table.names,
        "pid": table.labels["pid"],
        "first_step": table.sections["child"] - table.sections["failed"],
    }


def _execute(number: Number) -> Entry:
    """Ends the table: whatever it returns is wrong."""
    args = (EXEC_FD, EXEC_PATH_ADDRESS, Name("argv"), Name("env"), _AT_EMPTY_PATH)
    return Entry(number("execveat"), args, least=1, greatest=0)


# --- copied ------------------------------------------------------------------------------------


def _find_thread_id(number: Number) -> Entry:
    """Have the kernel say where libc keeps the thread's id, for ``_fork``."""
    place = Section("serve", _FORK * ENTRY_SIZE + 8 * (1 + _thread_id_argument()))
    return Entry(number("prctl"), (_PR_GET_TID_ADDRESS, place))


def _rename(name: bytes, number: Number) -> Entry:
    """What ps(1) calls the process, at most 15 bytes."""
    return _success(number("prctl"), _PR_SET_NAME, name + b"\0")


def _account_words(steps: Sequence[Sequence[Any]]) -> list[Section]:
    """Where in the entries of a worker the three ids stand that it is to have: each message brings
    those of the next worker, and the kernel writes them there."""
    behind_first = ENTRY_SIZE + WORD
    return [
        Section("child", behind_first + index * ENTRY_SIZE)
        for index, (_, _, _, args, _, _) in enumerate(steps)
        if "account" in args
    ]


def _serve(number: Number, size: int) -> list[Entry]:
    """For each message of ``size`` bytes with descriptors: fork, and tell the spawner the pid."""
    close = [_success(number("close"), descriptor) for descriptor in TEMPLATE_RECEIVED]
    report = (TEMPLATE_CONTROL, Data("report"), REPORT_SIZE)
    return [
        Entry(number("recvmsg"), (TEMPLATE_CONTROL, Data("message"), 0), size, size),
        _fork(number),
        *close,
        Entry(number("write"), report, REPORT_SIZE, REPORT_SIZE),
        go_on("serve"),
    ]


_FORK = 1
"""Its place among the entries of ``_serve``."""


def _fork(number: Number) -> Entry:
    """As libc's fork does, but that the spawner is the parent, which reaps and outlives it. Libc's
    note of the thread's id is renewed; a kernel without checkpoints (CONFIG_CHECKPOINT_RESTORE)
    does not tell where it is, and then the new id goes to a place that nobody reads."""
    flags = _CLONE_PARENT | _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID | int(signal.SIGCHLD)
    args: list[Word] = [flags, 0, 0, 0, 0]
    args[_thread_id_argument()] = Data("unread")
    return Entry(number("clone"), tuple(args), 0, GREATEST, Data("report"), Section("child"))


def _thread_id_argument() -> int:
    """Of clone(2), which has two orders of arguments."""
    return 3 if platform.machine() == "x86_64" else 4


def _become_worker(steps: Sequence[Sequence[Any]], number: Number) -> list[Entry]:
    known: dict[str, Word] = {"ruleset": TEMPLATE_RULESET, "filter": Data("filter"), "account": 0}
    known |= zip(("stdin", "stdout", "stderr"), TEMPLATE_RECEIVED, strict=False)
    return [
        # What is left open of it is closed by the steps, but for this number.
        _success(number("dup3"), TEMPLATE_RECEIVED[-1], EXEC_FD, 0),
        *(_entry(step, known) for step in steps),
        _rename(b"onehop worker", number),
        _success(number("close"), EXEC_FD),
        RETURN,
    ]


def _tell_and_exit(number: Number) -> list[Entry]:
    return [
        Entry(number("write"), (EXEC_FD, Section("prepare", -HEADER_SIZE), HEADER_SIZE)),
        Entry(number("exit_group"), (_FAILED,)),
    ]


def _messages(accounts: Sequence[Section]) -> dict[str, bytes | Sequence[Word]]:
    """A struct msghdr for recvmsg(2): the ids of the worker or one byte, and room for the
    descriptors behind the pid in the report, just as much as they take."""
    parts: list[tuple[Word, int]] = [(place, 3 * WORD) for place in accounts]
    vector = parts or [(Data("byte"), 1)]
    return {
        "byte": bytes(8),
        "vector": tuple(word for part in vector for word in part),
        "report": bytes(REPORT_SIZE),
        "message": (0, 0, Data("vector"), len(vector), Data("report", 8), REPORT_SIZE - 8, 0),
        "unread": bytes(8),
    }


# --- both --------------------------------------------------------------------------------------


def _entry(step: Sequence[Any], known: Mapping[str, Word]) -> Entry:
    """A step as ``_steps.to_json`` gives it."""
    _, _, call, args, expect, keep = step
    words = tuple(_word(arg, known) for arg in args)
    least, greatest = _EXPECTED[expect]
    return Entry(call, words, least, greatest, 0 if keep is None else Data("program", keep))


_EXPECTED: Mapping[str, tuple[Word, Word]] = {
    "success": (0, GREATEST),
    "refusal": (-4095, -1),
    "spawner": (Name("spawner"), Name("spawner")),
}


def _word(arg: Any, known: Mapping[str, Word]) -> Word:
    if isinstance(arg, str):
        return known[arg]
    return bytes.fromhex(arg["hex"]) if isinstance(arg, dict) else int(arg)


def _success(call: int, *args: Word) -> Entry:
    return Entry(call, args, 0, GREATEST)


def _filter_data(program: bytes) -> dict[str, bytes | Sequence[Word]]:
    """The program and its struct sock_fprog (seccomp(2))."""
    return {"program": program, "filter": (len(program) // 8, Data("program"))}
