"""What a Python function returned, as JSON: every kind by a stated rule, and nothing by guess.

Decimal and integers beyond 2^53 become text, bytes ``{"$bytes": base64}``, sets lists, dates ISO
text, enums their value; dataclasses and pydantic models become objects. Anything else is refused
with its place.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from onehop.errors import ToolError
from onehop.inputs.integers import MOST
from onehop.tools._places import dotted
from onehop.tools._signature import BYTES

_DEEPEST: Final = 190
"""Levels: what reads JSON here takes 200."""
_LONG: Final = 10_000
"""Bits of an integer from which Python refuses to write its digits."""
_PLACES: Final = 3
"""Integers beyond 2^53 whose places are named."""
_DATES: Final = (datetime, date, time)
_LISTS: Final = (list, tuple, deque)
_TEXTS: Final = (
    UUID,
    PurePath,
    IPv4Address,
    IPv6Address,
    IPv4Network,
    IPv6Network,
)
"""Kinds of the standard library that are text."""
_KEYS: Final = (str, int, Decimal, *_DATES, Enum, UUID)


class MoreThanPlannedError(Exception):
    """It takes more than may be made here."""


def to_json_text(
    value: Any, largest: int, most: int | None = None, large: list[str] | None = None
) -> bytes:
    """JSON of ``value``, in UTF-8, of at most ``largest`` bytes. The places of the first integers
    beyond 2^53, which are text in it, are added to ``large``.

    Raises ToolError (``invalid_result``, ``too_large``), and MoreThanPlannedError where it takes
    more than about ``most`` characters.
    """
    plain = _Writer(largest, most, large).plain(value)
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), check_circular=False)
    made = text.encode()
    if len(made) > largest:
        raise _too_large(largest)
    return made


class _Writer:
    """Makes plain data of one value, and counts what its JSON takes at least."""

    def __init__(self, largest: int, most: int | None, large: list[str] | None = None) -> None:
        self._large = large
        self._largest = largest
        self._left = largest
        self._values = most
        self._path: list[int | str] = []

    def plain(self, value: Any) -> Any:
        """``value`` as dict, list, str, int, float, bool or None."""
        self._count(1)
        kind = type(value)
        if kind is dict:
            return self._object(value)
        if kind is list:
            return self._list(value)
        return value if self._is_plain(value) else self._other(value)

    def _is_plain(self, value: Any) -> bool:
        """Whether it is most of what there is: a scalar that is JSON as it is."""
        kind = type(value)
        if kind is str and value.isascii():
            self._left -= len(value)
            return True
        if kind is int:
            return bool(-MOST <= value <= MOST)
        if kind is float:
            return math.isfinite(value)
        return kind is bool or value is None

    def _other(self, value: Any) -> Any:
        for kinds, write in self._rules():
            if isinstance(value, kinds):
                return write(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return self._object({field.name: getattr(value, field.name) for field in fields})
        if type(value).__module__.partition(".")[0] in ("pydantic", "pydantic_core"):
            return self._as_pydantic(value)
        raise self._refused(f"a value of the type {type(value).__name__}")

    def _rules(self) -> Iterable[tuple[Any, Callable[[Any], Any]]]:
        """From the special to the general: an enum may be an int, a datetime is a date."""
        yield Enum, lambda value: self.plain(value.value)
        yield str, lambda value: self._text(str.__str__(value))
        yield int, self._int
        yield float, lambda value: self._float(float(value))
        yield Decimal, self._decimal
        yield (bytes, bytearray, memoryview), self._bytes
        yield _DATES, lambda value: value.isoformat()
        yield BaseModel, self._model
        yield Mapping, self._object
        yield _LISTS, self._list
        yield (set, frozenset), lambda value: self._list(_in_order(value))
        yield _TEXTS, lambda value: self._text(str(value))
        yield timedelta, self._as_pydantic

    def _model(self, value: BaseModel) -> Any:
        try:
            return self.plain(value.model_dump(by_alias=True, warnings=False))
        except (ValueError, TypeError, AttributeError) as error:
            raise self._refused(f"a {type(value).__name__} that pydantic cannot write") from error

    def _as_pydantic(self, value: Any) -> Any:
        try:
            return self.plain(to_jsonable_python(value))
        except (ValueError, TypeError, AttributeError) as error:
            raise self._refused(f"a {type(value).__name__} that pydantic cannot write") from error

    def _object(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        items = list(value.items())
        self._descend(4 * len(items))
        for key, item in items:
            name = key if type(key) is str and self._is_plain(key) else self._key(key)
            if name in made:
                raise self._refused(f"the key {name!r:.80}, which comes twice,")
            made[name] = item if self._is_plain(item) else self._inner(name, item)
        return made

    def _list(self, value: Iterable[Any]) -> list[Any]:
        items = list(value)
        self._descend(len(items))
        return [
            item if self._is_plain(item) else self._inner(index, item)
            for index, item in enumerate(items)
        ]

    def _inner(self, step: int | str, value: Any) -> Any:
        self._path.append(step)
        made = self.plain(value)
        self._path.pop()
        return made

    def _descend(self, size: int) -> None:
        if len(self._path) >= _DEEPEST:
            raise self._refused(f"more than {_DEEPEST} levels, or a cycle,")
        self._count(size)

    def _key(self, key: Any) -> str:
        if type(key) is str:
            return self._text(key)
        if isinstance(key, _KEYS) and not isinstance(key, bool):
            made = self.plain(key)
            return made if isinstance(made, str) else str(made)
        raise self._refused(f"a key of the type {type(key).__name__}")

    def _text(self, value: str) -> str:
        self._count(len(value))
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self._refused("a text with half a surrogate pair") from None
        return value

    def _int(self, value: int) -> int | str:
        value = int(value)
        if -MOST <= value <= MOST:
            return value
        if value.bit_length() > self._left * 4:
            raise _too_large(self._largest)
        if self._large is not None and len(self._large) < _PLACES:
            self._large.append(dotted(self._path))
        return self._text(str(Decimal(value)) if value.bit_length() > _LONG else str(value))

    def _float(self, value: float) -> float:
        if math.isfinite(value):
            return value
        raise self._refused(str(value))

    def _decimal(self, value: Decimal) -> str:
        if value.is_finite():
            return self._text(str(value))
        raise self._refused(str(value))

    def _bytes(self, value: bytes | bytearray | memoryview) -> dict[str, str]:
        self._count(len(value))
        return {BYTES: base64.b64encode(bytes(value)).decode()}

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _too_large(self._largest)
        if self._values is not None:
            self._values -= size
            if self._values < 0:
                raise MoreThanPlannedError

    def _refused(self, what: str) -> ToolError:
        place = dotted(self._path)
        where = f" at {place}" if place else ""
        return ToolError(
            "invalid_result",
            f"the tool returned what is not JSON: {what}{where}",
            field=place or None,
            expected="JSON data",
            effect="applied",
        )


def _in_order(values: Iterable[Any]) -> list[Any]:
    """A set's, in an order that the next run has too, where they have one."""
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def _too_large(largest: int) -> ToolError:
    return ToolError(
        "too_large",
        f"the tool's result is larger than {largest} bytes of JSON",
        effect="applied",
    )
