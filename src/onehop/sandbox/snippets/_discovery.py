"""Discovery of tools, and of the snippets beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Any, Final

from onehop.errors import ToolError
from onehop.sandbox.snippets._bound import SPACE, SnippetBound
from onehop.sandbox.snippets._shelf import Granted, Shelf, effect_of
from onehop.tools import Bound, Declared, Discovery, Policy, declarations, signature

CONSTANT: Final = "snippets"
"""The global by which code calls them."""


@dataclass(frozen=True, slots=True)
class AsGlobal:
    """A snippet as it is declared: a member of the constant `snippets`."""

    bound: SnippetBound

    @property
    def path(self) -> str:
        return self.bound.member

    @property
    def namespace(self) -> str:
        return ""

    @property
    def member(self) -> str:
        return self.bound.member

    @property
    def description(self) -> str:
        return self.bound.description

    @property
    def input_schema(self) -> Mapping[str, Any] | None:
        return self.bound.input_schema

    @property
    def output_schema(self) -> Mapping[str, Any] | None:
        return None

    @property
    def has_http(self) -> bool:
        return False

    @property
    def answer_note(self) -> str:
        return ""


class SnippetDiscovery(Discovery):
    """As that of ``grant``, with the snippets of ``shelf`` under their namespace.

    Their paths are ``$snippets.NAME``. One that cannot be called now is found with the reason, as
    ``refused``.
    """

    def __init__(self, grant: Granted, shelf: Shelf) -> None:
        super().__init__(grant.catalogue, grant.policy, grant.discovery, grant.discovery.look_up)
        self._grant = grant
        self._shelf = shelf
        self._snippets = Discovery(shelf.catalogue, Policy([]))

    def search(
        self, query: str, namespaces: Sequence[str] | None = None, limit: int = 10
    ) -> list[dict[str, Any]]:
        """As of tools; snippets stand in turn with them, since their words are weighed alone."""
        if namespaces is None:
            tools = super().search(query, None, limit)
            return _in_turn(tools, self._hits_of(query, limit), limit)
        if SPACE not in namespaces:
            return super().search(query, namespaces, limit)
        others = [name for name in namespaces if name != SPACE]
        tools = super().search(query, others, limit) if others else []
        return _in_turn(tools, self._hits_of(query, limit), limit)

    def describe(self, path: str) -> dict[str, Any]:
        """As of a tool."""
        bound = self._snippet(path)
        if bound is None:
            return super().describe(path)
        described = self._snippets.describe(bound.path)
        shown = declarations([AsGlobal(bound)], CONSTANT)
        return {**described, "declarations": shown} | self._more(bound)

    def hit(self, path: str) -> dict[str, Any]:
        """As of a tool."""
        bound = self._snippet(path)
        return super().hit(path) if bound is None else self._shown(bound)

    def usable(self) -> list[SnippetBound]:
        """Those that a run may call now."""
        spaces = self._snippets.visible.values()
        found = [bound for space in spaces for bound in space if isinstance(bound, SnippetBound)]
        return [each for each in found if self._shelf.refusal(each, self._grant) is None]

    def _hits_of(self, query: str, limit: int) -> list[dict[str, Any]]:
        hits = self._snippets.search(query, None, limit)
        found = (self._snippet(hit["path"]) for hit in hits)
        return [self._shown(bound) for bound in found if bound is not None]

    def list(self, namespace: str | None = None) -> list[dict[str, Any]] | list[str]:
        """As of tools, with the namespace of snippets last."""
        if namespace == SPACE:
            return self._snippets.list(SPACE)
        if namespace is not None:
            return super().list(namespace)
        return [*super().list(), *self._snippets.list()]

    def _snippet(self, path: str) -> SnippetBound | None:
        """``$snippets.NAME``; also ``snippets.NAME``, if no tool is called so. Raises ToolError."""
        if not isinstance(path, str):
            return None
        space, _, name = path.partition(".")
        if space == CONSTANT and self._grant.catalogue.bound.get(path) is None:
            space = SPACE
        if space != SPACE:
            return None
        bound = self._shelf.find(name)
        if bound is not None:
            return bound
        near = self._shelf.nearest(name)
        advice = f"; did you mean {', '.join(near)}?" if near else ""
        raise ToolError(
            "unknown_tool", f"no snippet is called {name[:80]!r}{advice}", path[:200], nearest=near
        )

    def _shown(self, bound: SnippetBound) -> dict[str, Any]:
        call = signature(AsGlobal(bound))
        hit = self._snippets.hit(bound.path)
        return {**hit, "signature": f"{CONSTANT}.{call}"} | self._more(bound)

    def _more(self, bound: SnippetBound) -> dict[str, Any]:
        """What its calls of tools may do, and why it cannot be called."""
        tools = self._grant.catalogue.bound
        used = [tools[path] for path in bound.uses if path in tools]
        asks = any(map(self._grant.policy.may_ask, used))
        more: dict[str, Any] = {"effect": effect_of(bound, tools), "asks": asks}
        refused = self._shelf.refusal(bound, self._grant)
        return more if refused is None else {**more, "refused": str(refused)}


def _in_turn(
    tools: Iterable[dict[str, Any]], snippets: Iterable[dict[str, Any]], limit: int
) -> list[dict[str, Any]]:
    both = chain.from_iterable(zip_longest(tools, snippets))
    return list(islice((hit for hit in both if hit is not None), limit))


def types_of(bounds: Iterable[Bound]) -> list[Declared]:
    """They as members of the constant."""
    return [AsGlobal(bound) for bound in bounds if isinstance(bound, SnippetBound)]
