"""A program made of calls and the references between them.

It knows nothing else of a task: not its text, not the answers. Calls that do not need each other
start together. What it writes is what a model would write at its best: without a comment, a check
or a mistake.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from benchmarks._complexfunc import Ref, Task

_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*")
_INDENT: Final = "  "
_CONVERT: Final = {"string": "String", "number": "Number"}
CUT: Final = (
    "const cut = v => Array.isArray(v) ? {count: v.length, first: v.slice(0, 3).map(cut)} : v && "
    'typeof v == "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, cut(x)])) : '
    'typeof v == "string" ? v.slice(0, 200) : v;'
)
"""Lists to their first three items and the count, texts to 200 characters: no knowledge of what is
in them. A model would name the fields that it wants, in about as many words."""


def compiled(task: Task, wanted: list[int], *, cut: bool = False, wrongly: bool = False) -> str:
    """The program; it returns the answers of the calls ``wanted``, in a list unless it is one.

    ``wrongly`` reads all answers as if they lay in a field ``data``, as a model may that has not
    seen one.
    """
    lines = [CUT] if cut else []
    for level in task.levels:
        calls = [_call(task, number, wrongly) for number in level]
        lines.append(_together([_variable(number) for number in level], calls))
    return "\n".join([*lines, f"return {_returned(wanted, cut)};"])


def at_once(task: Task, numbers: list[int]) -> str:
    """The calls ``numbers`` with their values written out, as an agent makes them in one turn."""
    calls = (task.calls[each] for each in numbers)
    made = (f"{_tool(each.tool)}({_literal(each.values, False)})" for each in calls)
    return f"return await Promise.all([{', '.join(made)}]);"


def _together(names: list[str], calls: list[str]) -> str:
    if len(calls) == 1:
        return f"const {names[0]} = await {calls[0]};"
    body = f",\n{_INDENT}".join(calls)
    return f"const [{', '.join(names)}] = await Promise.all([\n{_INDENT}{body},\n]);"


def _returned(wanted: list[int], cut: bool) -> str:
    names = [_variable(number) for number in wanted]
    if len(names) == 1:
        return f"cut({names[0]})" if cut else names[0]
    return f"[{', '.join(names)}]{'.map(cut)' if cut else ''}"


def _variable(number: int) -> str:
    return f"r{number + 1}"


def _call(task: Task, number: int, wrongly: bool) -> str:
    call = task.calls[number]
    return f"{_tool(call.tool)}({_literal(call.arguments, wrongly)})"


def _tool(name: str) -> str:
    return f"tools{_member(name)}"


def _literal(value: Any, wrongly: bool) -> str:
    if isinstance(value, dict):
        fields = (f"{_key(key)}: {_literal(each, wrongly)}" for key, each in value.items())
        return f"{{{', '.join(fields)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_literal(each, wrongly) for each in value)}]"
    return (
        _place(value, wrongly) if isinstance(value, Ref) else json.dumps(value, ensure_ascii=False)
    )


def _place(ref: Ref, wrongly: bool) -> str:
    path = ("data", *ref.path) if wrongly else ref.path
    place = _variable(ref.call) + "".join(map(_member, path))
    return f"{_CONVERT[ref.kind]}({place})" if ref.kind else place


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _member(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _NAME.fullmatch(step) else f"[{json.dumps(step, ensure_ascii=False)}]"
