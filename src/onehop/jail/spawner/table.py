"""Tables of system calls in memory (``_tables.py`` lays them out), and what they need there."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from .errors import LayerError, StepError, explain
from .kernel import libc
from .layout import EXEC_PATH_ADDRESS


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
        failed, result, entries = (self.word(at).value for at in (0, 8, 16))
        if failed:
            os.waitpid(pid, 0)
            raise StepError(failed, result, entries, self.first_step)
        return pid


class Command:
    """A program's command line and environment in memory."""

    def __init__(self, plan: dict[str, Any], program: str, heap: int, **more: str) -> None:
        words = plan["programs"][program]
        env = {**plan["env"], **more}
        self.argv = strings([word.replace("@HEAP@", str(heap)).encode() for word in words])
        self.env = strings([f"{key}={value}".encode() for key, value in env.items()])

    def put_into(self, table: Table) -> None:
        table.name(argv=ctypes.addressof(self.argv), env=ctypes.addressof(self.env))


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
