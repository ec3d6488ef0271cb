"""A recorded run as a request, and its replay beside what was recorded."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from onehop.requests import CheckedRequest, check_request
from onehop.sandbox.recordings._entries import ended
from onehop.sandbox.recordings._script import in_words
from onehop.types import ExecutionResult, Replay

if TYPE_CHECKING:
    from onehop.config import SandboxConfig
    from onehop.sandbox.recordings._offline import OfflineDesk
    from onehop.sandbox.recordings._program import Program

_PASSED: Final = {
    "language": "language",
    "timeout": "timeout",
    "context": "context",
    "captureConsole": "capture_console",
}
"""Arguments of a call that a replay needs, on the wire and here."""


def replayed(config: SandboxConfig, program: Program) -> CheckedRequest:
    """The request of a recorded run. Raises InvalidRequestError."""
    given = {name: program.arguments.get(wire) for wire, name in _PASSED.items()}
    checked = check_request(
        config,
        code=program.code,
        seed=program.seed,
        isolation=program.isolation,
        **{name: value for name, value in given.items() if value is not None},
    )
    moves: Any = "timers" if program.still else "all"
    request = checked.request.model_copy(update={"clock": program.clock})
    return dataclasses.replace(checked, request=request, moves=moves)


def compared(result: ExecutionResult, desk: OfflineDesk) -> Replay:
    """What came of a replay."""
    difference = _difference(result, desk)
    told = result.model_copy(update={"tool_calls": desk.calls or None})
    return Replay(same=difference is None, difference=difference, calls=desk.made, result=told)


def _difference(result: ExecutionResult, desk: OfflineDesk) -> str | None:
    tape = desk.tape
    if tape.difference is not None:
        return str(tape.difference)
    if (left := tape.script.next_call()) is not None:
        return f"at step {left.number} it was: {in_words(left)}; now the run has ended before"
    was, now = tape.script.ended, ended(result)
    if was is None:
        return "how the run ended was not recorded"
    if (was.error, was.success) != (now.error, now.success):
        return f"it ended with {was.error or 'success'}; now it ends with {now.error or 'success'}"
    if was.digest != now.digest:
        return f"its output was another one (SHA-256 {was.digest}, now {now.digest})"
    return None
