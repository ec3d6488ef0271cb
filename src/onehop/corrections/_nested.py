"""A whole call of ``code_execute``, as JSON, where only its code was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import from_json

from onehop.corrections._fence import find_fence
from onehop.definition import INPUT_SCHEMA, NAME
from onehop.inputs.languages import language_named

_MAX_LENGTH: Final = 262_144
"""Characters; longer texts are not read as JSON."""
_FIELDS: Final = frozenset(INPUT_SCHEMA["properties"])
_AROUND: Final = ("arguments", "input", "parameters")
"""Where the call of a tool has its arguments, beside its name."""
_TAGS: Final = frozenset({"json", "jsonc", "json5", ""})
_PROGRAM = re.compile(r"\breturn\b|=>|[;=(]")
_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "timeout": (int, float),
    "context": dict,
    "captureConsole": bool,
}


def nested_call(code: str, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The arguments that ``code`` consists of; None when it is a program, or data.

    ``names`` are wrong names of arguments, and what they mean.
    """
    text = _inside(code)
    if len(text) > _MAX_LENGTH or not (text.startswith("{") and text.endswith("}")):
        return None
    given = _arguments(_read(text))
    if given is None:
        return None
    call = {names.get(name, name): value for name, value in given.items()}
    is_one = call.keys() <= _FIELDS and len(call) == len(given)
    return call if is_one and _is_call(call) else None


def _inside(code: str) -> str:
    fence = find_fence(code) if "```" in code[:1000] or "~~~" in code[:1000] else None
    if fence is not None and (fence.tag in _TAGS or fence.ours):
        return code[fence.opening[1] : fence.closing[0]].strip()
    return code.strip("\ufeff \t\r\n")


def _read(text: str) -> Any:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        return None


def _arguments(value: Any) -> dict[str, Any] | None:
    """The arguments alone, if the name of the tool stands beside them."""
    if not isinstance(value, dict):
        return None
    around = [name for name in _AROUND if name in value]
    if value.get("name") != NAME or len(around) != 1 or len(value) != 2:
        return value
    inner = value[around[0]]
    inner = _read(inner) if isinstance(inner, str) else inner
    return inner if isinstance(inner, dict) else None


def _is_call(call: Mapping[str, Any]) -> bool:
    """Whether it can only be a call: what it says beside the code, or what the code is like."""
    code = call.get("code")
    if not isinstance(code, str) or not code.strip():
        return False
    if language_named(call.get("language")) is not None or _PROGRAM.search(code):
        return True
    return any(isinstance(call.get(name), kind) for name, kind in _KINDS.items())
