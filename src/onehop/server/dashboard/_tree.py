"""JSON data as a tree that folds, bounded in depth, width and size; pure."""

from __future__ import annotations

import re
from typing import Any, Final

from markupsafe import Markup

from onehop.server.dashboard._shown import marked

_NODES: Final = 1500
"""Values of one tree."""
_WIDTH: Final = 200
"""Values of one object or list."""
_DEPTH: Final = 24
_TEXT: Final = 2_000
"""Characters of one text."""
_KEY: Final = 200
_OPEN: Final = 2
"""Levels that are open at first."""
_FEW: Final = 24
"""Values of a level that is open at first, at most."""
_PICTURE: Final = re.compile(
    r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]{16,1400000}={0,2}"
)


_OPENED: Final = Markup(" open")


class _Tree:
    def __init__(self) -> None:
        self.left = _NODES

    def node(self, value: Any, depth: int) -> Markup:
        self.left -= 1
        if isinstance(value, dict):
            pairs = [(key, each) for key, each in value.items()]
            return self._group(pairs, "{", "}", depth, labelled=True)
        if isinstance(value, list):
            return self._group(list(enumerate(value)), "[", "]", depth, labelled=False)
        return _leaf(value)

    def _group(
        self, pairs: list[tuple[Any, Any]], left: str, right: str, depth: int, *, labelled: bool
    ) -> Markup:
        if not pairs:
            return Markup('<span class="quiet">{}</span>').format(left + right)
        unit = "field" if labelled else "item"
        words = f"{len(pairs):,} {unit}" + ("" if len(pairs) == 1 else "s")
        if depth >= _DEPTH or self.left <= 0:
            return Markup('<span class="more">{}… {}{}</span>').format(left, words, right)
        rows = []
        for key, value in pairs[:_WIDTH]:
            if self.left <= 0:
                break
            label = Markup('<span class="key{}">{}</span>').format(
                "" if labelled else " place", marked(key, _KEY)
            )
            rows.append(Markup("<li>{}{}</li>").format(label, self.node(value, depth + 1)))
        rest = len(pairs) - len(rows)
        if rest > 0:
            rows.append(Markup('<li><span class="more">… {} more</span></li>').format(f"{rest:,}"))
        is_open = depth < _OPEN and len(pairs) <= _FEW
        return Markup(
            "<details{}><summary><span class=brace>{}</span> {} <span class=brace>{}</span>"
            "</summary><ul>{}</ul></details>"
        ).format(_OPENED if is_open else "", left, words, right, Markup("").join(rows))


def tree(value: Any) -> Markup:
    """``value`` as HTML."""
    return Markup('<div class="tree">{}</div>').format(_Tree().node(value, 0))


def _leaf(value: Any) -> Markup:
    if isinstance(value, str):
        if _PICTURE.fullmatch(value):
            return _picture(value)
        return Markup('<span class="text">"{}"</span>').format(marked(value, _TEXT))
    if value is None or isinstance(value, bool):
        word = "null" if value is None else str(value).lower()
        return Markup('<span class="word">{}</span>').format(word)
    return Markup('<span class="number">{}</span>').format(marked(value, _KEY))


def _picture(value: str) -> Markup:
    kind = value[11 : value.index(";")]
    return Markup(
        '<figure class="picture"><img src="{}" alt="A picture that the code returned" '
        'loading="lazy">'
        "<figcaption>{} picture, {} characters</figcaption></figure>"
    ).format(value, kind, f"{len(value):,}")
