"""Outputs too large for one answer, readable in pages by the agent whose run made them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import mcp_types as types

from onehop.backends.outputs import Outputs
from onehop.errors import InvalidRequestError, OutputNotFoundError, StoreError
from onehop.execution.executor import Executor
from onehop.limits import MIB
from onehop.stores.base import HistoryQuery
from onehop.types import OutputPage

PAGE: Final = 65_536
"""Characters of a page, unless less is asked for."""
TEMPLATE: Final = "onehop://outputs/{persistedOutputId}{?offset,limit}"
_PREFIX: Final = "onehop://outputs/"
_CAPACITY: Final = 64 * MIB
"""Bytes of outputs that are kept here; the sandbox keeps larger ones itself."""
_KNOWN: Final = 10_000
"""Ids whose owner is remembered."""
_RECENT: Final = 200
"""Of an agent's latest runs, how many are looked through for an id that came by another door."""
_DELIVERY: Final = 1.0
"""Seconds that a run which has just ended has to reach the store."""


class KeptOutputs:
    """What the sandbox has kept, and what was too large for an MCP answer only.

    An id of another agent is answered like one that never was.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._kept = Outputs(_CAPACITY)
        self._owners: OrderedDict[str, str] = OrderedDict()

    def keep(self, agent_id: str, text: str) -> str:
        """Keep the JSON text of an output; gives its id."""
        identifier = self._kept.keep(agent_id, text, complete=True)
        self.note(agent_id, identifier)
        return identifier

    def note(self, agent_id: str, identifier: str) -> None:
        """The sandbox keeps this output, for this agent."""
        self._owners[identifier] = agent_id
        while len(self._owners) > _KNOWN:
            self._owners.popitem(last=False)

    def of(self, agent_id: str) -> Iterator[str]:
        """The agent's ids, newest first."""
        own = (name for name, owner in reversed(self._owners.items()) if owner == agent_id)
        return filter(self._is_kept, own)

    async def read(self, agent_id: str, uri: str) -> OutputPage:
        """The page that a URI names. Raises OutputNotFoundError and InvalidRequestError."""
        identifier, offset, limit = _parse(uri)
        if not await self._owns(agent_id, identifier):
            raise _missing(identifier)
        return self._page(identifier, offset, limit)

    def _page(self, identifier: str, offset: int, limit: int) -> OutputPage:
        try:
            return self._kept.read(identifier, offset, limit)
        except OutputNotFoundError:
            return self._executor.sandbox.read_output(identifier, offset, limit)

    def _is_kept(self, identifier: str) -> bool:
        try:
            self._page(identifier, 0, 1)
        except OutputNotFoundError:
            return False
        return True

    async def _owns(self, agent_id: str, identifier: str) -> bool:
        if identifier in self._owners:
            return self._owners[identifier] == agent_id
        store = self._executor.store
        if store is None:
            return False
        await self._executor.flush(_DELIVERY)
        try:
            records = await store.history(HistoryQuery(agent_id=agent_id, limit=_RECENT))
        except StoreError:
            return False
        return any(item.details.get("persistedOutputId") == identifier for item in records)


def uri_of(identifier: str) -> str:
    """Where an output is read."""
    return _PREFIX + identifier


def link(identifier: str) -> types.ResourceLink:
    """A kept output, as results name it and clients list it."""
    return types.ResourceLink(
        uri=uri_of(identifier),
        name=identifier,
        title="Whole output",
        description="JSON text of an output that was too large to return at once.",
        mime_type="application/json",
    )


def template() -> types.ResourceTemplate:
    """How the pages of kept outputs are named."""
    return types.ResourceTemplate(
        uri_template=TEMPLATE,
        name="output",
        title="A page of a large output",
        description="JSON text of an output that was too large to return at once: "
        f"`limit` characters (at most {PAGE}) from `offset` on. Only of your own runs.",
        mime_type="application/json",
    )


def _parse(uri: str) -> tuple[str, int, int]:
    parts = urlsplit(uri)
    identifier = parts.path.removeprefix("/")
    if not uri.startswith(_PREFIX) or not identifier or "/" in identifier:
        raise OutputNotFoundError(f"there is no resource {uri[:200]!r}; a resource is {TEMPLATE}")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = [name for name in given if name not in ("offset", "limit")]
    if unknown:
        raise InvalidRequestError(unknown[0][:80], "an unknown field", "offset or limit")
    offset = _number(given, "offset", 0, 0, 2**53)
    return identifier, offset, _number(given, "limit", PAGE, 1, PAGE)


def _number(given: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = given.get(name, str(default))
    if text.isascii() and text.isdigit() and len(text) <= 16 and low <= int(text) <= high:
        return int(text)
    raise InvalidRequestError(name, repr(text)[:80], f"a number from {low} to {high}")


def _missing(identifier: str) -> OutputNotFoundError:
    return OutputNotFoundError(
        f"no output is kept under {identifier[:80]!r}: it was dropped for newer ones, "
        "or it is not an output of your runs; run the code again, and return less"
    )
