"""What a caller composes: functions, tools, namespaces of them, and providers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from onehop.errors import ConfigError
from onehop.tools._tool import Tool, as_tool


class LoginFault(str):
    """Why tools are not known: a person has to log in first."""

    __slots__ = ()


class Provider(Protocol):
    """A namespace whose tools are found when it is opened: one connection."""

    on_change: Callable[[], None] | None
    """Called in the event loop when the tools are others."""

    @property
    def fault(self) -> str | None:
        """Why its tools are not known; None if they are."""

    async def open(self, namespace: str) -> None:
        """Connect, and learn the tools, which are those of this namespace. One that does not come
        up raises only if nothing may start without it."""

    def tools(self) -> Sequence[Tool]:
        """As they are now."""

    async def aclose(self) -> None:
        """Disconnect."""


class Tools:
    """Functions and tools at the root, and namespaces of them: ``Tools(now, crm=[find, add])``.

    A function, a Tool or another Tools can stand at the root. A namespace is a list of functions
    and tools, or a provider such as an upstream server. Raises ConfigError for anything else, and
    for a namespace that comes twice.
    """

    def __init__(self, /, *root: Tools | Tool | Callable[..., Any], **namespaces: Any) -> None:
        self.root: tuple[Tool, ...] = ()
        self.namespaces: dict[str, tuple[Tool, ...] | Provider] = {}
        for item in root:
            self._add(item)
        for name, members in namespaces.items():
            self._add_namespace(name, _members(name, members))

    def __repr__(self) -> str:
        return f"Tools({len(self.root)} tools, {len(self.namespaces)} namespaces)"

    @property
    def providers(self) -> dict[str, Provider]:
        """The namespaces that are opened and closed."""
        return {n: m for n, m in self.namespaces.items() if not isinstance(m, tuple)}

    def _add(self, item: Any) -> None:
        if not isinstance(item, Tools):
            self.root = (*self.root, as_tool(item))
            return
        self.root = (*self.root, *item.root)
        for name, members in item.namespaces.items():
            self._add_namespace(name, members)

    def _add_namespace(self, name: str, members: tuple[Tool, ...] | Provider) -> None:
        if name in self.namespaces:
            raise ConfigError(f"tools.{name}", "two namespaces have this name; rename one")
        self.namespaces[name] = members


ACCEPTED: Final = (
    "it must be a list of functions and Tool objects ([find, Tool('add', call)]), or a Tools with "
    "namespaces (Tools(find, crm=[add]))"
)
"""What an error says of what may be given as tools."""


def composed(given: Tools | Iterable[Any] | None) -> Tools:
    """What a caller gave in place of a ``Tools``. Raises ConfigError."""
    if isinstance(given, Tools):
        return given
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable | None):
        raise ConfigError("tools", f"got {given!r:.200}; {ACCEPTED}")
    return Tools(*(given or ()))


def _members(name: str, given: Any) -> tuple[Tool, ...] | Provider:
    if _is_provider(given):
        return cast("Provider", given)
    try:
        return tuple(_each(given))
    except ConfigError as error:
        message = str(error).removeprefix("tools: ")
        raise ConfigError(f"tools.{name}", message) from None


def _is_provider(given: Any) -> bool:
    return all(callable(getattr(type(given), name, None)) for name in ("open", "tools", "aclose"))


def _each(given: Any) -> Iterator[Tool]:
    if isinstance(given, Tools):
        if given.namespaces:
            raise ConfigError("tools", "a namespace cannot have namespaces in it")
        yield from given.root
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes | dict):
        yield from map(as_tool, given)
    else:
        raise ConfigError("tools", f"got {given!r:.200}; a namespace is a list of functions")
