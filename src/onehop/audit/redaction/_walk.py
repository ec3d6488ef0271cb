"""JSON data of any size and depth: found in it what is secret, and copied without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from onehop.audit.redaction._names import Names
from onehop.audit.redaction._recurring import SHORTEST
from onehop.audit.redaction._tokens import MASK

MAX_DEPTH: Final = 256
MARGIN: Final = 8192
"""Characters of a cut text that are looked at beyond the cut, so that no secret is cut in two."""

_TOO_DEEP = "[Truncated]"
_HOLDERS: Final = (dict, list, tuple)
_Items = Iterator[tuple[Any, Any]]


def collect(value: Any, root: str, names: Names, max_fields: int) -> tuple[set[str], bool]:
    """The texts in the fields that ``names`` means, and whether all of ``value`` was seen."""
    found = set[str]()
    if not value:
        return found, True
    stack: list[tuple[Any, Any, str, bool]] = [(root, value, "", False)]
    while stack and max_fields > 0:
        max_fields -= 1
        name, part, around, inside = stack.pop()
        path = _join(around, name) if names.has_places else ""
        inside = inside or names.match(name if isinstance(name, str) else "", path)
        if isinstance(part, dict) or (inside and isinstance(part, list)) or names.has_places:
            stack += [(key, child, path, inside) for key, child in _items(part)]
        elif isinstance(part, list | tuple):
            stack += [("", child, path, inside) for child in part if isinstance(child, _HOLDERS)]
        if inside and (text := _secret_text(part)):
            found.add(text)
    return found, not stack


def _secret_text(value: Any) -> str:
    """The text by which a value could be known elsewhere."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 1000:
        value = str(value)
    return value if isinstance(value, str) and len(value) >= SHORTEST else ""


@dataclass(slots=True)
class Copy:
    """A copy in the making, in the order of the JSON text; it stops when it is large enough."""

    mask: Names
    omit: Names
    text: Callable[[str], str]
    is_secret: Callable[[str], bool]
    left: int
    """Characters that may still be copied; below zero when the copy is not whole."""
    untouched: frozenset[str] = field(default_factory=frozenset)
    """Names of fields that are copied as they are."""

    def of(self, value: Any, root: str) -> Any:
        """The copy of ``value``, which is itself a field of the name ``root``."""
        holder: dict[str, Any] = {}
        stack: list[tuple[_Items, Any, str]] = [(iter([(root, value)]), holder, "")]
        while stack and self.left >= 0:
            items, target, path = stack[-1]
            item = next(items, None)
            if item is None:
                stack.pop()
                continue
            below = self._take(item, target, path, len(stack))
            if below is not None:
                stack.append(below)
        return holder.get(root)

    def _take(
        self, item: tuple[Any, Any], target: Any, around: str, depth: int
    ) -> tuple[_Items, Any, str] | None:
        name, value = item
        path = _join(around, name) if self.mask.has_places or self.omit.has_places else ""
        plain = name if isinstance(name, str) else ""
        if self.omit.match(plain, path):
            return None
        if self.mask.match(plain, path):
            value = value if value is None or value == "" or isinstance(value, bool) else MASK
            self._put(target, name, value)
            return None
        if plain in self.untouched or not isinstance(value, dict | list | tuple):
            self._put(target, name, value if plain in self.untouched else self._scalar(value))
            return None
        if depth > MAX_DEPTH:
            self._put(target, name, _TOO_DEEP)
            return None
        child: Any = {} if isinstance(value, dict) else []
        self._put(target, name, child)
        return iter(_items(value)), child, path

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str):
            copied = self._cut(value)
            self.left -= len(value)
            return copied
        if isinstance(value, int) and abs(value) >= 10 ** (SHORTEST - 1):
            text = _secret_text(value)
            return MASK if text and self.is_secret(text) else value
        return value

    def _cut(self, value: str) -> str:
        if len(value) <= self.left + MARGIN:
            return self.text(value)
        # What lies beyond the cut was only needed to see a secret's end.
        return self.text(value[: self.left + MARGIN])[:-MARGIN]

    def _put(self, target: Any, name: Any, value: Any) -> None:
        self.left -= 2
        if isinstance(target, list):
            target.append(value)
            return
        key = self.text(name) if len(name) >= SHORTEST else name
        self.left -= len(name)
        while key in target:
            key += "+"
        target[key] = value


def _items(value: Any) -> Any:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


def _join(around: str, name: Any) -> str:
    return f"{around}.{name}" if around else str(name)
