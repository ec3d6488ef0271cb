"""One compiler: a jailed process that compiles the TypeScript of one agent.

``guest/compiler.js`` is what runs in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from onehop.compiler._answers import (
    Answer,
    Compiled,
    LibraryWanted,
    Ready,
    Refused,
    read_answer,
)
from onehop.compiler._library import library
from onehop.compiler._reader import SMALL_ANSWER, GoneError, Reader
from onehop.inputs.gc import Body
from onehop.limits import MIB

_TIMES_THE_CODE = 8
"""An answer is about three times as long as the code: JavaScript, its escapes, its map."""
_MOST_ANSWER = 32 * MIB


class Compiler(Reader):
    """Compiles one program after another."""

    program = "compiler"
    answer_seconds = 5.0
    """It takes a thousandth of that for a program, and half a second to load the library."""
    has_library = False
    """Whether it has loaded TypeScript's own compiler."""

    async def compile(
        self, code: str, *, checked: bool = True, meanwhile: Callable[[], None] | None = None
    ) -> Compiled | Refused:
        """``meanwhile`` is called when it is at it. Raises GoneError, after which it is of no use
        any more."""
        self._number += 1
        most = min(_MOST_ANSWER, SMALL_ANSWER + _TIMES_THE_CODE * len(code.encode()))
        self._frames.max_body = most
        question = {"id": self._number, "code": code, "most": most, "checked": checked}
        answer = await self._ask(json.dumps(question).encode(), meanwhile=meanwhile)
        if isinstance(answer, Compiled) and not checked:
            return replace(answer, is_checked=False)
        if isinstance(answer, LibraryWanted) and not self.has_library:
            self.has_library = True
            answer = await self._ask(library())
        if not isinstance(answer, Compiled | Refused):
            self.kill()
            raise GoneError
        return answer

    async def _load(self, seconds: float) -> bool:
        return isinstance(await self._receive(seconds), Ready)

    def read(self, body: Body, number: int) -> Answer:
        """See Reader."""
        return read_answer(body, number)
