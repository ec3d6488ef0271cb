"""HTML for notebooks, made of data that nobody trusts; pure.

Everything that is not ours is escaped, shortened, and shown without what would steer the reader:
control characters and those that turn the direction of writing are shown as signs. No script, no
link and no address is in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final, TypeVar

from onehop.types.shown.hidden import HIDDEN

T = TypeVar("T")
_LONGEST: Final = 10_000
"""Characters of one text."""
_SHORTEST: Final = 200
"""Characters of one in a table or a tree."""
_ENTRIES: Final = 100
"""Of one object or list that are shown."""
_NODES: Final = 1000
"""Values of one tree that are shown."""
_DEEPEST: Final = 12
_ROWS: Final = 200
_PICTURES: Final = 0x2400
_CODE: Final = "font-family:monospace;white-space:pre-wrap;word-break:break-word;margin:0"
_CELL: Final = "text-align:left;vertical-align:top;padding:2px 10px 2px 0"
_TONES: Final = {"good": "#2e8540", "bad": "#c9372c", "plain": "#808080", "waits": "#b26a00"}


def text(value: Any, most: int = _LONGEST) -> str:
    """Anything as escaped text, in a direction of its own."""
    words = str(value)
    more = f"… {len(words) - most} more characters" if len(words) > most else ""
    shown = HIDDEN.sub(_sign, words[:most])
    return f"<bdi>{escape(shown)}</bdi>{more}"


def _sign(found: re.Match[str]) -> str:
    code = ord(found.group())
    return chr(_PICTURES + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


def block(value: Any) -> str:
    """Text over several lines."""
    return f'<pre style="{_CODE}">{text(value)}</pre>'


def card(title: str, tone: str, parts: Iterable[str]) -> str:
    """All of one thing; ``title`` is HTML already, ``tone`` one of good, bad, plain, waits."""
    style = f"border-left:3px solid {_TONES[tone]};padding:2px 0 2px 10px"
    return f'<div style="{style}"><div><b>{title}</b></div>{"".join(parts)}</div>'


def fold(title: str, body: str, *, is_open: bool = False) -> str:
    """A part that can be folded; empty when it has no body."""
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{escape(title)}</summary>{body}</details>" if body else ""


def pairs(rows: Mapping[str, Any]) -> str:
    """Names and values, without those that are None."""
    cells = "".join(
        f'<tr><th style="{_CELL}">{escape(name)}</th><td style="{_CELL}">{_cell(value)}</td></tr>'
        for name, value in rows.items()
        if value is not None
    )
    return f"<table>{cells}</table>" if cells else ""


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; empty without rows."""
    if not rows:
        return ""
    head = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in heads)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{_cell(each)}</td>' for each in row) + "</tr>"
        for row in rows[:_ROWS]
    )
    more = f"<div>… {len(rows) - _ROWS} more rows</div>" if len(rows) > _ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    shown = f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
    return text(shown, _SHORTEST)


def tree(value: Any) -> str:
    """JSON data as a tree that folds."""
    return _Tree().of(value, 0)


class _Tree:
    """One tree, which ends when it has grown too large."""

    def __init__(self) -> None:
        self._left = _NODES

    def of(self, value: Any, depth: int) -> str:
        self._left -= 1
        if self._left <= 0 or depth > _DEEPEST:
            return "…"
        if isinstance(value, dict) and value:
            return self._branch(f"{{{len(value)}}}", value.items(), len(value), depth)
        if isinstance(value, list) and value:
            return self._branch(f"[{len(value)}]", enumerate(value), len(value), depth)
        if isinstance(value, str) and "\n" in value:
            return block(value)
        return f'<span style="{_CODE}">{text(_json(value))}</span>'

    def _branch(
        self, title: str, entries: Iterable[tuple[Any, Any]], count: int, depth: int
    ) -> str:
        rows: list[str] = []
        for name, each in entries:
            if len(rows) == _ENTRIES or self._left <= 0:
                rows.append(f"<div>… {count - len(rows)} more</div>")
                break
            rows.append(f"<div>{text(name, _SHORTEST)}: {self.of(each, depth + 1)}</div>")
        opened = " open" if depth < 2 else ""
        inside = f'<div style="padding-left:16px">{"".join(rows)}</div>'
        return f"<details{opened}><summary>{title}</summary>{inside}</details>"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


class Shown(list[T]):
    """A list that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        rows = [_columns(each) for each in self]
        heads = list(rows[0]) if rows else []
        cells = [[row.get(head) for head in heads] for row in rows]
        return table(heads, cells) or "<div>none</div>"


def _columns(each: Any) -> dict[str, Any]:
    """Of an object that says what of it belongs into a table, or of a dataclass."""
    columns: dict[str, Any] = (
        each.columns()
        if hasattr(each, "columns")
        else {name: getattr(each, name) for name in each.__dataclass_fields__}
    )
    return columns
