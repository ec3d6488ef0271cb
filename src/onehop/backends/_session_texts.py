"""The texts of a session's calls, with what they declare: an agent that polls sends the same text
again and again, and reading one takes longer than running it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from onehop._data import data
from onehop.backends._digest import Digest
from onehop.backends._programs import Program, plain
from onehop.source import NOTHING, Kept, has_to_be_read
from onehop.types import ExecutionResult

if TYPE_CHECKING:
    from onehop.requests import CheckedRequest

_REMEMBERED: Final = 16
_MOST_TEXT: Final = 4_000
"""Characters of a text that is remembered."""
_MOST_FOUND: Final = 100
"""Places and names in it, which take more memory than it does."""


@data(frozen=True, slots=True)
class Told:
    """Of one text."""

    program: Program
    """What the worker runs."""
    kept: Kept
    """What that declares."""
    digest: Digest
    """Of the text itself."""


Read = Callable[["CheckedRequest"], Awaitable[Told | ExecutionResult]]
"""Has a text read by processes of its agent; a result when it cannot run."""


class SessionTexts:
    """Of one session; ``read`` reads those that are new."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: OrderedDict[tuple[str, str], Told] = OrderedDict()

    def at_once(self, request: CheckedRequest) -> Told | None:
        """What nobody has to be asked about."""
        key = request.request.language, request.request.code
        if (told := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return told
        program = plain(request)
        if program is None or has_to_be_read(program.code):
            return None
        return self._remembered(key, Told(program, NOTHING, Digest(request.request.code)))

    async def read(self, request: CheckedRequest) -> Told | ExecutionResult:
        """What ``at_once`` does not know."""
        told = await self._read(request)
        if isinstance(told, ExecutionResult):
            return told
        return self._remembered((request.request.language, request.request.code), told)

    def _remembered(self, key: tuple[str, str], told: Told) -> Told:
        if _is_small(key[1], told):
            self._known[key] = told
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return told


def _is_small(text: str, told: Told) -> bool:
    code, kept = told.program.code, told.kept
    if len(text) + len(code) > _MOST_TEXT or not kept.is_read:
        return False
    loops = kept.loops
    found = len(kept.edits) + len(kept.names) + len(loops.mentions) + len(loops.found)
    return kept is NOTHING or found <= _MOST_FOUND
