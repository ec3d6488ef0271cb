"""A result with its calls of tools, and with what they have kept from passing through the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from onehop.sandbox.calls._grant import SNIPPETS
from onehop.sandbox.calls._hints import with_hint
from onehop.types import Avoided, ExecutionResult, ToolCall

if TYPE_CHECKING:
    from onehop.sandbox.calls._desk import RunDesk

_BYTES_PER_TOKEN: Final = 4
FORMULA: Final = (
    "turns: calls that had an answer, but for one; "
    "tokens: (bytes of their arguments and answers - bytes of the output) / 4, at least 0"
)


def with_calls(result: ExecutionResult, desk: RunDesk) -> ExecutionResult:
    """Also of a run that failed, with a hint where it was about a tool: another try is informed."""
    result = with_hint(result, desk.grant)
    calls = desk.calls
    if not calls:
        return result
    changes: dict[str, Any] = {"tool_calls": calls}
    changes["avoided"] = _avoided(calls, len(to_json(result.output, inf_nan_mode="null")))
    if desk.warnings:
        changes["warnings"] = [*(result.warnings or ()), *desk.warnings]
    return result.model_copy(update=changes)


def _is_of_tool(call: ToolCall) -> bool:
    """A snippet's answer is its code, which no model would have read."""
    return not call.tool.startswith(f"{SNIPPETS}.")


def _avoided(calls: Sequence[ToolCall], output_bytes: int) -> Avoided | None:
    """Against an agent that makes each call in a turn of its own; None without calls."""
    answered = [call for call in calls if call.outcome in ("ok", "failed") and _is_of_tool(call)]
    if not answered:
        return None
    passed = sum(call.bytes_in + call.bytes_out for call in answered) - output_bytes
    tokens = max(0, passed) // _BYTES_PER_TOKEN
    return Avoided(turns=len(answered) - 1, tokens=tokens, formula=FORMULA)
