"""Honest inputs, varied: bytes changed, pieces lost, doubled and mixed, JSON values exchanged."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

_ODD: Final[tuple[Any, ...]] = (
    *(None, True, -1, 0, 1, 1.5, 2**53, 10**400, "", "x", "\ud800", "\u2028", "\U0001d4b3" * 9),
    *([], {}, [[]], {"": None}, ["a"] * 40, "9" * 5000, 1e308),
)
_SIGNS: Final = b'{}[]",:\\0159.eE+-/ \n\x00\xff\xed\xa0\x80ntu`$();=>'
_MARK: Final = b"1e999"
"""A number that Python cannot write."""


def vary(seed: bytes, others: list[bytes], dice: Random) -> bytes:
    """One input like ``seed``."""
    if dice.random() < 0.5:
        try:
            value = json.loads(seed)
        except (ValueError, RecursionError):
            pass
        else:
            return _written(_exchanged(value, dice), dice)
    return _damaged(seed, others, dice)


def _exchanged(value: Any, dice: Random) -> Any:
    if dice.random() < 0.15:
        return dice.choice(_ODD)
    if isinstance(value, dict):
        items = [(key, _exchanged(item, dice)) for key, item in value.items()]
        if items and dice.random() < 0.1:
            items.pop(dice.randrange(len(items)))
        if dice.random() < 0.1:
            items.append((dice.choice(["", "x", "kind", "id", "__proto__"]), dice.choice(_ODD)))
        return dict(items)
    if isinstance(value, list):
        return [_exchanged(item, dice) for item in value]
    return value


def _written(value: Any, dice: Random) -> bytes:
    text = json.dumps(value).encode()
    return text.replace(b"1.5", _MARK) if dice.random() < 0.2 else text


def _damaged(seed: bytes, others: list[bytes], dice: Random) -> bytes:
    data = seed
    for _ in range(dice.randint(1, 6)):
        start = dice.randrange(len(data) + 1)
        end = min(len(data), start + dice.choice((0, 1, 1, 4, 20)))
        other = dice.choice(others)
        place = dice.randrange(len(other) + 1)
        piece = dice.choice(
            (b"", bytes([dice.choice(_SIGNS)]), dice.randbytes(2), other[place : place + 30])
        )
        data = data[:start] + piece * dice.choice((1, 1, 1, 50)) + data[end:]
    return data
