"""Search over the tools of a catalogue: BM25 over their names, descriptions and parameters.

The index is made once. It holds, for each word, the tools that have it and what that is worth; a
query adds those up. (The formula is BM25F of Robertson and Zaragoza, with the fields below.)
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from typing import Any, Final

from onehop.tools._declared import Declared
from onehop.tools._identifiers import kin_of, words_of

_SATURATION: Final = 1.2
_LENGTH: Final = 0.6
"""How much a long field counts against its words: 0 not at all, 1 in proportion."""
_PATH: Final = 3.0
_DESCRIPTION: Final = 1.0
_PARAMETER: Final = 0.7
_EXPLANATION: Final = 0.35
_KIN: Final = 0.45
"""What a related word is worth, over the same word."""
_BEGINNING: Final = 0.6
"""What a word is worth when the query has only its beginning."""
_BEGINNINGS: Final = 8
_SHORTEST: Final = 3
_CHARACTERS: Final = 2000
_PARAMETERS: Final = 64
_QUERY: Final = 500
_QUERY_WORDS: Final = 12


@dataclass(frozen=True, slots=True)
class _Postings:
    """The tools that have a word, by number, and what it adds to each."""

    tools: array[int]
    worth: array[float]


class Index:
    """The words of tools, which are numbered in the order of their paths."""

    def __init__(self, tools: Iterable[Declared]) -> None:
        ordered = sorted(tools, key=lambda tool: (tool.namespace, tool.path))
        self._tools = ordered
        self._numbers = {tool.path: number for number, tool in enumerate(ordered)}
        self._postings = _weighted(ordered)
        self._words = sorted(self._postings)

    def __len__(self) -> int:
        return len(self._tools)

    def numbers(self, paths: Iterable[str]) -> Sequence[int]:
        """The numbers of ``paths``, in their order here; others are left out."""
        return sorted(self._numbers[path] for path in paths if path in self._numbers)

    def search(self, query: str, among: Sequence[int], most: int) -> list[str]:
        """Paths of the ``most`` tools ``among`` all that fit best, the best one first.

        Tools that fit equally well come in the order of their paths.
        """
        worth = [0.0] * len(self)
        for word, factor in self._weights(query).items():
            postings = self._postings[word]
            for tool, value in zip(postings.tools, postings.worth, strict=True):
                worth[tool] += factor * value
        best = nlargest(most, among, key=worth.__getitem__)
        return [self._tools[tool].path for tool in best if worth[tool] > 0]

    def _weights(self, query: str) -> Mapping[str, float]:
        """Words of the index to look for, the rarest ones if there are too many."""
        weights: dict[str, float] = {}
        for word in dict.fromkeys(words_of(query[:_QUERY])):
            for found, factor in self._meant(word):
                weights[found] = max(factor, weights.get(found, 0.0))
        rarest = sorted(weights, key=lambda word: (len(self._postings[word].tools), word))
        return {word: weights[word] for word in rarest[:_QUERY_WORDS]}

    def _meant(self, word: str) -> Iterator[tuple[str, float]]:
        if word in self._postings:
            yield word, 1.0
        elif len(word) >= _SHORTEST:
            yield from ((found, _BEGINNING) for found in self._beginning_with(word))
        for group in kin_of(word):
            if group in self._postings:
                yield group, _KIN

    def _beginning_with(self, word: str) -> Iterator[str]:
        start = bisect_left(self._words, word)
        for found in self._words[start : start + _BEGINNINGS]:
            if not found.startswith(word):
                return
            yield found


def _weighted(tools: Sequence[Declared]) -> dict[str, _Postings]:
    fields = [_fields(tool) for tool in tools]
    usual = _usual_lengths(fields)
    found: defaultdict[str, _Postings] = defaultdict(lambda: _Postings(array("I"), array("f")))
    for number, of_tool in enumerate(fields):
        for word, count in _counts(of_tool, usual).items():
            found[word].tools.append(number)
            found[word].worth.append(count / (_SATURATION + count))
    for postings in found.values():
        rarity = _rarity(len(postings.tools), len(tools))
        for place, worth in enumerate(postings.worth):
            postings.worth[place] = worth * rarity
    return dict(found)


def _rarity(having: int, of_all: int) -> float:
    return math.log(1 + (of_all - having + 0.5) / (having + 0.5))


def _fields(tool: Declared) -> Mapping[float, list[str]]:
    """Its words, by what they are worth."""
    path = [*words_of(tool.path[:_CHARACTERS])]
    properties = tool.input_schema.get("properties") if tool.input_schema else None
    parameters = properties if isinstance(properties, Mapping) else {}
    explained = (_description(schema) for schema in parameters.values())
    return {
        _PATH: [*path],
        _PATH * _KIN: [group for word in path for group in kin_of(word)],
        _DESCRIPTION: [*words_of(tool.description[:_CHARACTERS])],
        _PARAMETER: _words(map(str, parameters)),
        _EXPLANATION: _words(explained),
    }


def _words(texts: Iterable[str]) -> list[str]:
    """Of the first texts, in all not more than one description may have."""
    return [*words_of(" ".join(islice(texts, _PARAMETERS))[:_CHARACTERS])]


def _description(schema: Any) -> str:
    text = schema.get("description") if isinstance(schema, Mapping) else None
    return text[:_CHARACTERS] if isinstance(text, str) else ""


def _usual_lengths(fields: Sequence[Mapping[float, list[str]]]) -> Mapping[float, float]:
    total: Counter[float] = Counter()
    for of_tool in fields:
        total.update({factor: len(words) for factor, words in of_tool.items()})
    return {factor: max(1.0, number / len(fields)) for factor, number in total.items()}


def _counts(fields: Mapping[float, list[str]], usual: Mapping[float, float]) -> Mapping[str, float]:
    """How often a tool has each word, weighted by field and by the field's length."""
    counts: defaultdict[str, float] = defaultdict(float)
    for factor, words in fields.items():
        length = 1 - _LENGTH + _LENGTH * len(words) / usual[factor]
        for word in words:
            counts[word] += factor / length
    return counts
