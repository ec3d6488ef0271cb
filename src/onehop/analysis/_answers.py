"""Answers of analysis processes, which nobody trusts: bounded before anything is made of them."""

from __future__ import annotations

import logging
from typing import Any, Final

from onehop.analysis._link import AnalysisLostError
from onehop.errors import LayerUnavailableError
from onehop.inputs.gc import read_json
from onehop.inputs.values import has_more_values

_MOST_VALUES: Final = 50_000
"""Values of JSON. Repairing one character in ten of a long text takes about as many."""
_LARGE: Final = 32 * 1024
"""Bytes from which an answer is read in a thread."""

_log = logging.getLogger(__name__)


def is_large(body: bytes) -> bool:
    """Whether reading it would keep an event loop for long."""
    return len(body) > _LARGE


def read_answer(body: bytes) -> Any:
    """The result in an answer. Raises AnalysisLostError when there is none."""
    if has_more_values(body, _MOST_VALUES):
        raise _broken()
    try:
        answer = read_json(body)
    except (ValueError, RecursionError):
        raise _broken() from None
    match answer:
        case {"result": result}:
            return result
        case {"error": str(error)}:
            _log.error("an analysis failed: %s", error[-2000:])
            raise AnalysisLostError(f"the analysis failed: {error[-1000:]}")
    raise _broken()


def read_ready(body: bytes) -> None:
    """What a process says when it is confined. Raises LayerUnavailableError, AnalysisLostError."""
    try:
        answer = read_json(body)
    except ValueError:
        raise _broken() from None
    match answer:
        case {"ready": True}:
            return
        case {"layer": str(layer), "error": str(error)}:
            raise LayerUnavailableError(layer, f"for an analysis process: {error}")
    raise _broken()


def _broken() -> AnalysisLostError:
    return AnalysisLostError("the analysis process broke the protocol")
