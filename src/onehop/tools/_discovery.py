"""Discovery: what code, a model or a person finds of the tools that they may call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from onehop.errors import ToolError
from onehop.tools._bound import Bound
from onehop.tools._brief import signature
from onehop.tools._catalogue import Catalogue
from onehop.tools._declarations import declarations
from onehop.tools._declared import Declared
from onehop.tools._harmless import one_line
from onehop.tools._observed import AsObserved
from onehop.tools._rules import Policy
from onehop.tools._search import Index

if TYPE_CHECKING:
    from onehop.tools.observed import Observed

MOST: Final = 50
"""Hits of one search."""
_DESCRIPTION: Final = 240
_SCHEMA: Final = 256 * 1024
"""Bytes of a schema that are given away whole."""
_SPARE: Final = 16
"""Hits beyond the limit that are looked at, as some may be denied."""


LookUp = Callable[[Bound], "Observed | None"]
"""What the answers of a tool have looked like."""


def _nothing(_bound: Bound) -> None:
    """No answer was looked at."""


class Discovery:
    """Answers about the tools of ``catalogue`` that ``policy`` does not deny whatever is asked.

    All arguments may come from a guest: wrong ones raise ToolError.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        policy: Policy,
        wider: Discovery | None = None,
        observed: LookUp = _nothing,
    ) -> None:
        """``wider`` lends its index, if it has all these tools; ``observed`` knows what answers
        have looked like."""
        self._observed = observed
        self._catalogue = catalogue
        self._policy = policy
        self._wider = wider

    @property
    def look_up(self) -> LookUp:
        """What knows what answers have looked like."""
        return self._observed

    def search(
        self, query: str, namespaces: Sequence[str] | None = None, limit: int = 10
    ) -> list[dict[str, Any]]:
        """The tools that fit ``query`` best, at most ``limit`` (1 to 50), the best one first."""
        _check(isinstance(query, str), "query", "text")
        _check(type(limit) is int and 1 <= limit <= MOST, "limit", f"1 to {MOST}")
        among = self._among if namespaces is None else self._inside(namespaces)
        return [self._hit(self._catalogue.bound[path]) for path in self._found(query, among, limit)]

    def describe(self, path: str) -> dict[str, Any]:
        """One tool: its declarations and its schemas."""
        bound = self._find(path)
        described = {
            "path": bound.path,
            "declarations": declarations([self.seen(bound)]),
            "inputSchema": _bounded(bound.input_schema),
        }
        if bound.output_schema is not None:
            described["outputSchema"] = _bounded(bound.output_schema)
        return described | self._manner(bound)

    def hit(self, path: str) -> dict[str, Any]:
        """One tool as ``search`` gives it."""
        return self._hit(self._find(path))

    def list(self, namespace: str | None = None) -> list[dict[str, Any]] | list[str]:
        """Namespaces with the number of their tools, or the paths of one; the empty one is that of
        tools without a namespace."""
        if namespace is None:
            return [{"namespace": name, "count": len(of)} for name, of in self.visible.items()]
        _check(isinstance(namespace, str), "namespace", "text")
        return [bound.path for bound in self.visible[self._known(namespace)]]

    def seen(self, bound: Bound) -> Declared:
        """A tool with the observed type of its answer, where it declares none. Not for the
        description of ``code_execute``, which stays the same as long as the tools do."""
        observed = self._observed(bound) if bound.is_observed else None
        return bound if observed is None else AsObserved(bound, observed)

    @cached_property
    def visible(self) -> Mapping[str, Sequence[Bound]]:
        """The tools by namespace, all in the order of their names."""
        found: dict[str, list[Bound]] = {}
        for bound in sorted(
            self._catalogue.bound.values(), key=lambda one: (one.namespace, one.path)
        ):
            if self._may_be_seen(bound):
                found.setdefault(bound.namespace, []).append(bound)
        return found

    @cached_property
    def index(self) -> Index:
        """Made when it is first needed, which takes a second for 17,000 tools."""
        if self._wider is not None and self._wider.has_all(self._catalogue):
            return self._wider.index
        return Index(self._catalogue.bound.values())

    def has_all(self, catalogue: Catalogue) -> bool:
        """Whether no tool of ``catalogue`` is missing here; some may be denied."""
        own = self._catalogue.bound
        if catalogue is self._catalogue:
            return True
        return all(own.get(path) is bound for path, bound in catalogue.bound.items())

    @cached_property
    def _among(self) -> Sequence[int]:
        if len(self.index) == len(self._catalogue.bound):
            return range(len(self.index))
        return self.index.numbers(self._catalogue.bound)

    def _inside(self, namespaces: Sequence[str]) -> Sequence[int]:
        is_list = isinstance(namespaces, list | tuple)
        _check(is_list and all(isinstance(name, str) for name in namespaces), "namespaces", "names")
        names = {self._known(name) for name in namespaces}
        return self.index.numbers(bound.path for name in names for bound in self.visible[name])

    def _found(self, query: str, among: Sequence[int], limit: int) -> Iterable[str]:
        most = limit + _SPARE
        while True:
            paths = self.index.search(query, among, most)
            seen = [path for path in paths if self._may_be_seen(self._catalogue.bound[path])]
            if len(seen) >= limit or len(paths) < most:
                return seen[:limit]
            most *= 8

    def _may_be_seen(self, bound: Bound) -> bool:
        return not self._policy.is_always_denied(bound)

    def _hit(self, bound: Bound) -> dict[str, Any]:
        words = one_line(bound.description, _DESCRIPTION)
        hit = {"path": bound.path, "signature": signature(self.seen(bound)), "description": words}
        return hit | self._manner(bound)

    def _manner(self, bound: Bound) -> dict[str, Any]:
        return {"effect": bound.effect, "asks": self._policy.may_ask(bound)}

    def _find(self, path: str) -> Bound:
        _check(isinstance(path, str), "path", "text")
        try:
            bound = self._catalogue.find_path(path)
        except ToolError as error:  # the alias of several
            near = [name for name in error.nearest or () if self._is_visible(name)]
            raise _unknown(path, near) from None
        if bound is None or not self._may_be_seen(bound):
            raise _unknown(path, self._catalogue.nearest(path, keep=self._may_be_seen))
        return bound

    def _is_visible(self, path: str) -> bool:
        bound = self._catalogue.bound.get(path)
        return bound is not None and self._may_be_seen(bound)

    def _known(self, namespace: str) -> str:
        if namespace not in self.visible:
            raise _unknown(namespace, get_close_matches(namespace[:_DESCRIPTION], self.visible))
        return namespace


def _bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema``, or one that allows anything and says why."""
    size = len(to_json(schema, inf_nan_mode="constants", serialize_unknown=True))
    if size <= _SCHEMA:
        return dict(schema)
    return {"$comment": f"{size} bytes, too many to show; see the declarations"}


def _check(holds: bool, field: str, expected: str) -> None:
    if not holds:
        message = f"{field} must be {expected}"
        raise ToolError("invalid_arguments", message, field=field, expected=expected)


def _unknown(name: str, nearest: Sequence[str]) -> ToolError:
    advice = f"; did you mean {', '.join(nearest)}?" if nearest else ""
    message = f"nothing is called {one_line(name, 80)!r}{advice}"
    return ToolError("unknown_tool", message, one_line(name, 200), nearest=nearest)
