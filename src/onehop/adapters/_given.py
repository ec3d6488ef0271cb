"""What all adapters do with the tools of their framework that code is to call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from onehop.definition import describe
from onehop.errors import ConfigError, ToolError
from onehop.types import Effect

Effects = Effect | Mapping[str, Effect]
"""What the tools do to the world: all of them the same, or by name; ``write`` where it is not
said."""
_LONGEST: Final = 1000
"""Characters of what a framework says of wrong arguments."""


def description(runner: object) -> str:
    """What a model reads of ``code_execute``: with the tools of ``runner``, as far as it has them
    in this process."""
    sandbox = getattr(runner, "sandbox", runner)
    toolbox = getattr(sandbox, "toolbox", None)
    return describe("" if toolbox is None else toolbox.offer)


def effect_of(name: str, effects: Effects) -> Effect:
    """Of the tool with this name."""
    return effects if isinstance(effects, str) else effects.get(name, "write")


def check_effects(effects: Effects, names: Iterable[str]) -> None:
    """Raise ConfigError for the effect of a tool that is not there: a typing error would leave
    one with the effect that nobody wanted."""
    if isinstance(effects, str):
        return
    known = set(names)
    for name in effects:
        if name not in known:
            raise ConfigError("effects", f"there is no tool {name!r}, only {sorted(known)}"[:500])


def unfit(name: str, words: str) -> ConfigError:
    """A tool that cannot be called from code as its framework would call it."""
    return ConfigError(f"tools.{name}", words)


def wrong_arguments(error: Exception) -> ToolError:
    """The framework's own check has refused what the schema lets pass."""
    return ToolError("invalid_arguments", _words(error), field=_field(error))


def _words(error: Exception) -> str:
    details = getattr(error, "errors", None)
    if callable(details) and (found := details()):
        place = ".".join(map(str, found[0].get("loc", ())))
        words = f"{place}: {found[0].get('msg', '')}" if place else str(found[0].get("msg", ""))
        return words[:_LONGEST]
    return str(error)[:_LONGEST]


def _field(error: Exception) -> str | None:
    details: Any = getattr(error, "errors", None)
    if callable(details) and (found := details()):
        return ".".join(map(str, found[0].get("loc", ()))) or None
    return None
