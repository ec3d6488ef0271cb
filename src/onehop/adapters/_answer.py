"""What an agent gets back from a call: text for its model, data for its program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from onehop.definition.text import render
from onehop.errors import InvalidRequestError, OnehopError, Overloaded, RateLimitedError
from onehop.types import ExecutionResult

_LONGEST: Final = 65_536
"""Characters of text that a model is given."""
_END: Final = 8192
"""Of these, how many are the end of the text: warnings, hints and the last console lines."""
REFUSALS: Final = (InvalidRequestError, Overloaded, RateLimitedError)
"""Why a call did not run, where the model itself can do something about it: mend it, or wait."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one call."""

    text: str
    """What the model reads."""
    data: dict[str, Any]
    """The contract's result; only ``success`` and ``error`` if the call was refused."""


def answer(result: ExecutionResult) -> Answer:
    """For a run, whether it succeeded or failed."""
    return Answer(_shorten(render(result)), result.to_dict())


def refusal(error: OnehopError) -> Answer:
    """For a call that did not run, for one of the reasons in ``REFUSALS``."""
    kind = "invalid request" if isinstance(error, InvalidRequestError) else "try again later"
    return Answer(f"Error ({kind}): {error}", {"success": False, "error": str(error)})


def _shorten(text: str) -> str:
    gone = len(text) - _LONGEST
    if gone <= 0:
        return text
    told = (
        f"({gone} more characters are left out. Return less: filter, group or count in the code.)"
    )
    return f"{text[: _LONGEST - _END]}…\n\n{told}\n\n…{text[-_END:]}"
