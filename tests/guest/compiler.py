"""A bare compiler: Deno with the compiler's code over pipes, without pool and jail."""

from __future__ import annotations

import atexit
import functools
import json
import struct
import subprocess

import deno

from onehop import guest
from onehop.compiler import Compiled, Refused
from onehop.compiler._answers import LibraryWanted, Ready, read_answer
from onehop.compiler._library import library

_MOST = 32 << 20


class BareCompiler:
    """One Deno process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [deno.find_deno_bin(), *guest.compiler_arguments(256)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=guest.ENVIRONMENT,
        )
        self._number = 0
        self.library_was_wanted = False
        """Whether TypeScript's own compiler had to be asked about the last program."""
        self._has_library = False
        assert isinstance(read_answer(self._receive(), 0), Ready)

    def compile(self, code: str, *, checked: bool = True) -> Compiled | Refused:
        self._number += 1
        question = {"id": self._number, "code": code, "most": _MOST, "checked": checked}
        self._send(json.dumps(question).encode())
        answer = read_answer(self._receive(), self._number)
        self.library_was_wanted = isinstance(answer, LibraryWanted)
        if isinstance(answer, LibraryWanted):
            self._send(library())
            answer = read_answer(self._receive(), self._number)
        assert isinstance(answer, Compiled | Refused)
        return answer

    def _send(self, body: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack(">I", len(body)) + body)
        self._process.stdin.flush()

    def _receive(self) -> bytes:
        assert self._process.stdout is not None
        (length,) = struct.unpack(">I", self._process.stdout.read(4))
        return self._process.stdout.read(length)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@functools.cache
def shared_compiler() -> BareCompiler:
    """One for all tests of this process: to them it keeps no state."""
    compiler = BareCompiler()
    atexit.register(compiler.close)
    return compiler
