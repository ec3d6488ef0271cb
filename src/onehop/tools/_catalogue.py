"""The tools that code may call, found by name. It never changes: other tools, another catalogue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json

from onehop.errors import ConfigError, InvalidRequestError, ToolError, UnknownToolsError
from onehop.tools._bound import Bound
from onehop.tools._compose import ACCEPTED, LoginFault, Provider, Tools, composed
from onehop.tools._lookalikes import skeleton
from onehop.tools._names import (
    Likeness,
    Spellings,
    alias_of,
    checked,
    checked_namespace,
    reached_as,
)
from onehop.tools._needs import require_checker
from onehop.tools._threads import Threads
from onehop.tools._tool import Tool

Wanted = Tool | Callable[..., Any] | str


class Catalogue:
    """Tools by their paths."""

    def __init__(
        self,
        bound: Iterable[Bound],
        threads: Threads,
        skipped: Mapping[str, str] | None = None,
        missing: Mapping[str, str] | None = None,
    ) -> None:
        """Raises ConfigError for two tools of one path, and for a tool that is called as a
        namespace, MissingExtraError without jsonschema."""
        self.skipped: Mapping[str, str] = skipped or {}
        """What providers have and this catalogue has not: a tool, or its output schema. By path,
        with the reason."""
        self.missing: Mapping[str, str] = missing or {}
        """Namespaces whose tools are not known, since their provider is not there; with the
        reason."""
        self._threads = threads
        self._members: dict[str, dict[str, Bound]] = {name: {} for name in self.missing}
        for one in bound:
            self._add(one)
        if both := sorted(self._members.keys() & self._members.get("", {}).keys()):
            raise ConfigError(f"tools.{both[0]}", "it is a tool and a namespace")
        self.bound: Mapping[str, Bound] = MappingProxyType(self._by_path())
        if self.bound:
            require_checker()

    @classmethod
    def of(
        cls, tools: Tools | Iterable[Any] | None = None, threads: Threads | None = None
    ) -> Catalogue:
        """Compose one of what a caller gave; providers are open already.

        Functions that are not async run in ``threads``, which the catalogue closes. Raises
        ConfigError that names the tool. A tool of a provider that cannot be used is left out.
        """
        given, places = composed(tools), threads or Threads()
        skipped: dict[str, str] = {}
        faults = {name: provider.fault for name, provider in given.providers.items()}
        missing = {name: fault for name, fault in faults.items() if fault is not None}
        return cls(list(_bind(given, places, skipped)), places, skipped, missing)

    def __len__(self) -> int:
        return len(self.bound)

    def close(self) -> None:
        """End the threads of functions that are not async, each when its call ends."""
        self._threads.close()

    def find(self, namespace: str, member: str) -> Bound | None:
        """The tool that code means by these names, or by their aliases.

        Raises ToolError that names all for an alias of several, and one for a namespace whose
        provider is not there.
        """
        if not namespace:
            return self._only(self._top.find(member), member, self._members.get("", {}))
        if not (space := self._space(namespace, member)):
            return None
        if space in self.missing:
            fault = self.missing[space]
            words = f"the tools of {space} are not known: {fault}"
            if isinstance(fault, LoginFault):
                raise ToolError("auth_required", words, f"{space}.{member}")
            raise ToolError("unavailable", words, f"{space}.{member}", retryable=True)
        members = self._members[space]
        return self._only(self._spellings[space].find(member), f"{space}.{member}", members)

    def find_path(self, path: str) -> Bound | None:
        """As ``find``, for ``namespace.tool`` or ``tool``."""
        if path in self.bound:
            return self.bound[path]
        namespace, _, member = path.partition(".")
        return self.find("", path) or (self.find(namespace, member) if member else None)

    def nearest(
        self, path: str, most: int = 3, keep: Callable[[Bound], bool] | None = None
    ) -> list[str]:
        """Paths that are close to one that is not there; of those that ``keep`` wants."""
        found = self._likeness.nearest(path, most if keep is None else most + 20)
        return [name for name in found if keep is None or keep(self.bound[name])][:most]

    def granted(
        self,
        wanted: Tools | Iterable[Wanted] | None,
        keep: Callable[[Bound], bool] | None = None,
    ) -> Catalogue:
        """What one call has: everything here if ``wanted`` is None.

        Otherwise what ``wanted`` has, and nothing else: functions and tools, and names and globs
        of what is here. Raises InvalidRequestError for a name that is not here, which names those
        near it that ``keep`` wants, and for what cannot be a tool.
        """
        if wanted is None:
            return self
        try:
            return self._granted([wanted] if isinstance(wanted, Tools) else _listed(wanted), keep)
        except ToolError as error:
            raise InvalidRequestError("tools", error.tool, f"one tool: {error}") from None
        except ConfigError as error:
            raise InvalidRequestError("tools", "one that cannot be used", str(error)) from None

    def _granted(self, listed: list[Any], keep: Callable[[Bound], bool] | None) -> Catalogue:
        names = [item for item in listed if isinstance(item, str)]
        added = [item for item in listed if not isinstance(item, str)]
        chosen = self._chosen(names, keep)
        skipped = dict(self.skipped)
        more = list(_bind(Tools(*added), self._threads, skipped))
        return Catalogue([*chosen, *more], self._threads, skipped, self._missing_in(names))

    def with_more(self, tools: Tools) -> Catalogue:
        """One of what is here and ``tools``. Raises ConfigError that names the tool."""
        skipped = dict(self.skipped)
        more = _bind(tools, self._threads, skipped)
        return Catalogue([*self.bound.values(), *more], self._threads, skipped, self.missing)

    @property
    def first_names(self) -> frozenset[str]:
        """What stands right behind ``tools.`` in code: tools without a namespace, and
        namespaces."""
        return frozenset({*self._members.get("", {}), *filter(None, self._members)})

    def _missing_in(self, names: list[str]) -> dict[str, str]:
        """The namespaces that are meant by ``names``, and whose tools are not known."""
        spaces = [name.partition(".")[0] for name in names]
        return {
            name: reason
            for name, reason in self.missing.items()
            if any(fnmatchcase(name, space) for space in spaces)
        }

    def names_json(self) -> bytes:
        """What the guest has to know, as JSON: ``roots`` and ``namespaces`` are the members by
        their names, ``aliases`` by namespace the name for each alias that is unique; those of the
        root and of the namespaces themselves under the empty name."""
        return self._names_json

    @cached_property
    def _names_json(self) -> bytes:
        roots = list(self._members.get("", {}))
        spaces = {name: list(members) for name, members in self._members.items() if name}
        aliases = {"": self._top.unique}
        aliases |= {name: spelt.unique for name, spelt in self._spellings.items() if spelt.unique}
        return to_json({"roots": roots, "namespaces": spaces, "aliases": aliases})

    @cached_property
    def _top(self) -> Spellings:
        return Spellings.of([*self._members.get("", {}), *filter(None, self._members)])

    @cached_property
    def _spellings(self) -> dict[str, Spellings]:
        return {name: Spellings.of(members) for name, members in self._members.items() if name}

    @cached_property
    def _likeness(self) -> Likeness:
        return Likeness(self.bound)

    def _add(self, one: Bound) -> None:
        members = self._members.setdefault(one.namespace, {})
        if one.member in members:
            raise ConfigError(f"tools.{one.path}", "two tools have this name; rename one")
        members[one.member] = one

    def _by_path(self) -> dict[str, Bound]:
        paths: dict[str, Bound] = {}
        for members in self._members.values():
            for one in members.values():
                if one.path in paths:
                    raise ConfigError(f"tools.{one.path}", "two tools have this path")
                paths[one.path] = one
        return paths

    def _space(self, namespace: str, member: str) -> str | None:
        found = [name for name in self._top.find(namespace) if name in self._members]
        if len(found) > 1:
            raise _ambiguous(f"{namespace}.{member}", found)
        return found[0] if found else None

    def _only(
        self, found: tuple[str, ...], path: str, members: Mapping[str, Bound]
    ) -> Bound | None:
        if len(found) > 1:
            raise _ambiguous(path, [members[n].path if n in members else n for n in found])
        return members.get(found[0]) if found else None

    def _chosen(self, names: list[str], keep: Callable[[Bound], bool] | None) -> list[Bound]:
        chosen: dict[str, Bound] = {}
        for name in names:
            if self._missing_in([name]) and not self._has(name):
                continue  # it may come up
            if not (found := list(self._matching(name))):
                near = ", ".join(self.nearest(name, keep=keep))
                advice = f"did you mean {near}?" if near else "no tool has a name like it"
                allowed = f"the name of a tool, or a glob that some tool matches: {advice}"
                raise UnknownToolsError("tools", repr(name)[:200], allowed)
            chosen |= {one.path: one for one in found}
        return list(chosen.values())

    def _has(self, name: str) -> bool:
        """Whether some tool that is known has a path like it."""
        return any(fnmatchcase(path, name) for path in self.bound)

    def _matching(self, name: str) -> Iterator[Bound]:
        if name in self.bound:
            yield self.bound[name]
        elif any(character in name for character in "*?["):
            yield from (one for path, one in self.bound.items() if fnmatchcase(path, name))
        elif (one := self.find_path(name)) is not None:
            yield one


def taken_by(own: Catalogue, tools: Tools) -> str | None:
    """The first name of ``tools`` that could be taken for one of ``own``, as it is, as code may
    write it, or as a person reads it: a stranger's tool takes no other's place."""
    taken = {alias_of(name) for name in own.first_names}
    first = [*(tool.name for tool in tools.root), *tools.namespaces]
    heads = ((name, reached_as(name).partition(".")[0] or name) for name in first if name)
    seen = {skeleton(alias) for alias in taken}
    return next((name for name, head in heads if _is_taken(head, taken, seen)), None)


def _is_taken(head: str, taken: Collection[str], seen: Collection[str]) -> bool:
    alias = alias_of(head)
    return alias in taken or (not alias.isascii() and skeleton(alias) in seen)


def _listed(given: Iterable[Any] | None) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigError("tools", f"got {given!r:.200}; {ACCEPTED}, or names of the sandbox's own")
    return list(given)


def _bind(tools: Tools, threads: Threads, skipped: dict[str, str]) -> Iterator[Bound]:
    for tool in tools.root:
        yield _bound(tool, "", threads)
    for name, members in tools.namespaces.items():
        checked_namespace(name)
        if isinstance(members, tuple):
            yield from (_bound(tool, name, threads) for tool in members)
            continue
        yield from _of_provider(name, members, threads, skipped)


def _of_provider(
    name: str, provider: Provider, threads: Threads, skipped: dict[str, str]
) -> Iterator[Bound]:
    """What a stranger lists: one tool that cannot be used takes no other with it."""
    reasons: Mapping[str, str] = getattr(provider, "skipped", {})
    skipped |= {f"{name}.{one}": reason for one, reason in reasons.items()}
    seen = set[str]()
    for tool in provider.tools():
        path = f"{name}.{tool.name}"
        one = _usable(tool, name, threads, skipped)
        if one is not None and one.member in seen:
            skipped[path] = f"tools.{path}: two tools have this name"
        elif one is not None:
            seen.add(one.member)
            yield one


def _usable(tool: Tool, namespace: str, threads: Threads, skipped: dict[str, str]) -> Bound | None:
    """Without its output schema, if that is what is wrong with it."""
    try:
        return _bound(tool, namespace, threads)
    except ConfigError as error:
        skipped[f"{namespace}.{tool.name}"] = str(error)
    if tool.output_schema is None:
        return None
    return _usable(replace(tool, output_schema=None), namespace, threads, skipped)


def _bound(tool: Tool, namespace: str, threads: Threads) -> Bound:
    prefix = f"{namespace}." if namespace else ""
    name = checked(tool.name, "a tool", f"tools.{prefix}{tool.name}"[:200])
    return Bound(tool, namespace, reached_as(name), threads)


def _ambiguous(path: str, names: list[str]) -> ToolError:
    both = " or ".join(names)
    return ToolError("unknown_tool", f"{path} may be {both}: write the name", path, nearest=names)
