"""What one call says of the tools that its code may use; it can only make them fewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from onehop.errors import InvalidRequestError
from onehop.tools import Rule, read_rule_list

MOST_NAMES: Final = 1000
LONGEST_NAME: Final = 400


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Names and globs of tools (None: all), and a layer of rules."""

    tools: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = ()


def narrowing_from(
    arguments: Mapping[str, Any], prefix: str = ""
) -> tuple[Narrowing, dict[str, Any]]:
    """The ``tools`` and ``rules`` among ``arguments``, as they come over a wire, and the others.

    Their names there may have a ``prefix``. Null is as if it was not there. Raises
    InvalidRequestError.
    """
    rest = dict(arguments)
    tools, rules = rest.pop(f"{prefix}tools", None), rest.pop(f"{prefix}rules", None)
    names = None if tools is None else _names(tools)
    return Narrowing(names, () if rules is None else read_rule_list(rules)), rest


def _names(given: Any) -> tuple[str, ...]:
    allowed = f"a list of at most {MOST_NAMES} names and globs of tools"
    if not isinstance(given, list) or len(given) > MOST_NAMES:
        got = f"{len(given)} names" if isinstance(given, list) else f"{given!r:.80}"
        raise InvalidRequestError("tools", got, allowed)
    for place, name in enumerate(given):
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            raise InvalidRequestError(f"tools[{place}]", f"{name!r:.80}", "a tool's name or a glob")
    return tuple(given)
