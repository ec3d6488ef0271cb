"""Characters that something between the model and us has changed: quotes, entities, escapes.

Nothing is changed unless the program certainly does not compile as it stands, and does without
the marks.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from onehop.corrections._draft import Draft, Repair
from onehop.corrections._edits import Edit
from onehop.corrections._program import returns_at_top
from onehop.corrections._report import shorten
from onehop.source._odd import INVISIBLE, REPLACEMENTS, SINGLE, SUSPECT, Mark, odd_marks
from onehop.source._tree import encode

if TYPE_CHECKING:
    from onehop.source._tree import SyntaxTree

_MAX_LENGTH: Final = 100_000
"""Characters; each mark is looked up in the tree by a walk over what stands before it."""
_MOST_MARKS: Final = 5_000
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,5}|#[xX][0-9a-fA-F]{1,4});")
_RAW = re.compile(r"[<>]|&(?!(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,5}|#[xX][0-9a-fA-F]{1,4});)")
_JSON_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_ESCAPES: Final = {"\\n": "\n", "\\r": "\n", "\\r\\n": "\n", "\\t": "\t"}
_TEXTS = frozenset(
    "string_fragment string template_string comment html_comment regex_pattern regex jsx_text "
    "escape_sequence hash_bang_line".split()
)
"""Parts of a tree in which any character may stand."""
_SHOWN: Final = {"\n": "a line end", "\t": "a tab", " ": "a space", "": "nothing"}


def respell(draft: Draft) -> Repair | None:
    """Write the program in the characters that it was meant in."""
    if len(draft.code) > _MAX_LENGTH or not SUSPECT.search(draft.code):
        return None
    marks = list(odd_marks(draft.code))
    if not 0 < len(marks) <= _MOST_MARKS or not _cannot_run(draft, marks):
        return None
    for kind, edits in _candidates(draft.code, marks):
        if edits and _runs(draft, edits):
            return Repair(kind, edits, *_shown(draft.code, edits[0]))
    return None


def _cannot_run(draft: Draft, marks: Iterable[Mark]) -> bool:
    tree = draft.tree
    if tree is None:
        return False
    if draft.broken or any(_is_code(tree, draft.code, mark) for mark in marks):
        return True
    return _is_swallowed(draft)


def _is_code(tree: SyntaxTree, code: str, mark: Mark) -> bool:
    """Whether a character is code; the grammar takes more characters than the engine."""
    if mark.kind not in ("quotes", "character"):
        return False
    byte = len(encode(code[: mark.start]))
    node = tree.root.descendant_for_byte_range(byte, byte + 2)
    return node is not None and node.type not in _TEXTS


def _is_swallowed(draft: Draft) -> bool:
    """Whether all is on one line, in which a comment takes what was meant to stand below it."""
    code = draft.code.strip()
    is_one_line = "\n" not in code and "\r" not in code and "//" in code
    return is_one_line and draft.tree is not None and not returns_at_top(draft.tree)


def _runs(draft: Draft, edits: tuple[Edit, ...]) -> bool:
    after = draft.changed(edits)
    tree = after.whole
    if tree is None or any(_is_left(tree, after.code, mark) for mark in odd_marks(after.code)):
        return False
    if draft.broken or not _is_swallowed(draft):
        return True
    return returns_at_top(tree)


def _is_left(tree: SyntaxTree, code: str, mark: Mark) -> bool:
    """Whether a mark still stands where nothing but code may stand."""
    return mark.kind in ("entity", "escape") or _is_code(tree, code, mark)


def _candidates(code: str, marks: list[Mark]) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """Ways to read the text, the more certain first."""
    quotes = [edit for mark in marks if mark.kind == "quotes" for edit in _quotes(mark)]
    for gap in (" ", ""):
        characters = _characters(marks, gap)
        yield "characters", (*quotes, *characters)
        if not any(edit.text == gap for edit in characters):
            break
    entities = tuple(_entities(code, marks))
    yield "entities", entities
    if any(mark.text == '\\"' for mark in marks):
        yield "escapes", tuple(_unescaped(code))
    escapes = tuple(_line_ends(marks))
    yield "escapes", escapes
    yield "characters", (*quotes, *_characters(marks, " "), *entities, *escapes)


def _quotes(mark: Mark) -> Iterator[Edit]:
    quote = "'" if mark.text[0] in SINGLE else '"'
    yield Edit(mark.start, mark.start + 1, quote)
    yield Edit(mark.end - 1, mark.end, quote)


def _characters(marks: list[Mark], gap: str) -> tuple[Edit, ...]:
    found = [mark for mark in marks if mark.kind == "character"]
    texts = [gap if mark.text in INVISIBLE else REPLACEMENTS.get(mark.text) for mark in found]
    pairs = zip(found, texts, strict=True)
    return tuple(Edit(mark.start, mark.end, text) for mark, text in pairs if text is not None)


def _entities(code: str, marks: list[Mark]) -> Iterator[Edit]:
    """All of them if all of the text was escaped, otherwise those that are code."""
    outside = [(mark.start, mark.end) for mark in marks if mark.kind == "entity"]
    everywhere = [found.span() for found in _ENTITY.finditer(code)]
    if outside != everywhere and (not outside or _RAW.search(code)):
        return
    for start, end in everywhere:
        yield Edit(start, end, html.unescape(code[start:end]).replace("\xa0", " "))


def _unescaped(code: str) -> Iterator[Edit]:
    """Of a text that was escaped as JSON twice, so that its own quotes have a backslash."""
    try:
        json.loads(f'"{code.strip()}"')
    except ValueError:
        return
    for found in _JSON_ESCAPE.finditer(code):
        yield Edit(found.start(), found.end(), json.loads(f'"{found.group()}"'))


def _line_ends(marks: list[Mark]) -> Iterator[Edit]:
    for mark in marks:
        if mark.kind == "escape" and mark.text in _ESCAPES:
            yield Edit(mark.start, mark.end, _ESCAPES[mark.text])


def _shown(code: str, edit: Edit) -> tuple[str, str]:
    shown = shorten(code[edit.start : edit.end])
    named = repr(code[edit.start])[1:-1] if not shown.isprintable() else shown
    return named, _SHOWN.get(edit.text, edit.text)
