"""A rule's condition on the arguments: one field, one comparison, one literal."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_SHAPE: Final = re.compile(r"\s*([^\s<>=!]+)\s*(<=|>=|==|!=|<|>)\s*(\S.*?)\s*", re.DOTALL)
_MISSPELLED: Final = re.compile(r"\s*[^\s<>=!]+\s*(===|!==|=<|=>|<>|=)\s*[^\s=<>]")
_MEANT: Final = {"=": "==", "===": "==", "!==": "!=", "<>": "!=", "=<": "<=", "=>": ">="}
_LONGEST: Final = 1000
_ABSENT: Final = object()
_STEP: Final = r"[^\s\x00-\x1f\x7f-\x9f<>=!.]+"
_ANY_FIELD: Final = rf"{_STEP}(\.{_STEP})*"
_NUMBER: Final = r"-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,99})?([eE][+-]?[0-9]{1,2})?"
_JSON_TEXT: Final = r'"([^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'
_TEXT: Final = rf"{_JSON_TEXT}|'[^']*'"
WHEN: Final = (
    rf" *{_ANY_FIELD} *((<=|>=|==|!=|<|>) *({_NUMBER}|{_TEXT})|(==|!=) *(true|false|null)) *"
)
"""What conditions look like, for those who check their form elsewhere: each of these is one."""
HELP: Final = 'one field, one of < <= == != >= >, and a literal, such as amount > 100 or to == "me"'


@dataclass(frozen=True, slots=True)
class Condition:
    """``amount > 100``."""

    field: tuple[str, ...]
    comparison: str
    literal: Any

    def matches(self, arguments: Any) -> bool:
        """Whether it is true of the arguments, or cannot be decided: a field that is missing, or
        not of the literal's kind, matches."""
        value = arguments
        for step in self.field:
            value = _inside(value, step)
        if value is _ABSENT:
            return True
        if self.literal is not None and _kind(value) is not _kind(self.literal):
            return True
        return _COMPARE[self.comparison](value, self.literal)


def read_condition(text: str) -> Condition:
    """Raises ValueError for anything but a field, a comparison and a literal."""
    if len(text) > _LONGEST or not (parts := _SHAPE.fullmatch(text)):
        raise ValueError(_meant(text))
    if "" in parts[1].split("."):
        raise ValueError(f"a field with a name on both sides of each dot, not {parts[1]:.80}")
    try:
        literal = _literal(parts[3])
    except ValueError:
        raise ValueError(_meant(text)) from None
    if isinstance(literal, bool | None) and parts[2] not in ("==", "!="):
        raise ValueError(f"== or != before {parts[3]}")
    return Condition(tuple(parts[1].split(".")), parts[2], literal)


def _meant(text: str) -> str:
    """What may stand there, and which comparison was probably meant."""
    found = _MISSPELLED.match(text[:_LONGEST])
    return f"{HELP} (for {found[1]} write {_MEANT[found[1]]})" if found else HELP


def _literal(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1]:
        return text[1:-1]
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError(HELP) from None
    if isinstance(value, dict | list) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(HELP)
    return value


def _inside(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step, _ABSENT)
    if isinstance(value, list) and step.isdecimal() and len(step) < 8 and int(step) < len(value):
        return value[int(step)]
    return _ABSENT


def _kind(value: Any) -> type:
    """Numbers are of one kind, and true is not a number."""
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)
