"""The values of masked fields, wherever else they stand in the same record."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Final
from urllib.parse import quote

from onehop.audit.redaction._tokens import LINE_BREAK, MASK

SHORTEST: Final = 8
"""Characters; shorter values recur by chance."""
_FEW: Final = 32
_MAX_COMPARED: Final = 500_000
_EDGE: Final = 4
"""Characters of a value that was cut that are taken for it."""
_MAX_EDGE: Final = 1_000


class Recurring:
    """A set of secret values; masks them in texts, also in JSON's and a URL's spelling."""

    def __init__(self, values: Iterable[str]) -> None:
        spelled = {form for value in values for form in _spellings(value)}
        self._values = sorted(spelled, key=lambda value: (-len(value), value))

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, value: str) -> bool:
        return value in self._set

    def mask(self, text: str) -> str:
        """The text without any of them."""
        if len(self._values) > _FEW:
            return self._scan(text)
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        return text

    def mask_cut(self, text: str) -> str:
        """Mask what is left of one where a text was cut: at its ends, and where ``…`` stands."""
        return "…".join(self._mask_edges(piece) for piece in text.split("…"))

    @cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self._values)

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """By the first characters of values, how long they are, the longest first."""
        found = defaultdict(set)
        for value in self._values:
            found[value[:SHORTEST]].add(len(value))
        return {start: sorted(lengths, reverse=True) for start, lengths in found.items()}

    def _scan(self, text: str) -> str:
        """One pass for any number of values; a text made to be slow is masked as a whole."""
        pieces, kept, at, compared = list[str](), 0, 0, 0
        while at <= len(text) - SHORTEST:
            lengths = self._lengths.get(text[at : at + SHORTEST], ())
            compared += len(lengths)
            if compared > _MAX_COMPARED:
                return MASK + LINE_BREAK * text.count(LINE_BREAK)
            found = next((size for size in lengths if text[at : at + size] in self._set), 0)
            if found:
                pieces += text[kept:at], MASK
                kept = at + found
            at += found or 1
        return "".join([*pieces, text[kept:]])

    @cached_property
    def _edges(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        first, last = defaultdict(list), defaultdict(list)
        for value in self._values[:_MAX_EDGE]:
            first[value[:_EDGE]].append(value)
            last[value[-_EDGE:]].append(value)
        return first, last

    def _mask_edges(self, piece: str) -> str:
        first, last = self._edges
        for end in range(min(len(piece), _MAX_EDGE), _EDGE - 1, -1):
            if any(each.endswith(piece[:end]) for each in last.get(piece[end - _EDGE : end], ())):
                piece = MASK + piece[end:]
                break
        for start in range(max(0, len(piece) - _MAX_EDGE), len(piece) - _EDGE + 1):
            candidates = first.get(piece[start : start + _EDGE], ())
            if any(each.startswith(piece[start:]) for each in candidates):
                return piece[:start] + MASK
        return piece


def _spellings(value: str) -> set[str]:
    stripped = value.strip()
    if len(stripped) < SHORTEST or stripped == MASK:
        return set()
    forms = {stripped, quote(stripped, safe="", errors="replace")}
    for ascii_only in (True, False):
        forms.add(json.dumps(stripped, ensure_ascii=ascii_only)[1:-1])
    # Single quotes are escaped where the console shows a text in them.
    forms.add(json.dumps(stripped, ensure_ascii=False)[1:-1].replace('\\"', '"'))
    return forms
