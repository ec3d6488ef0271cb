"""The snippets of a store, as the runs of one executor may call them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Unpack

from onehop.errors import NotCompiledError, StoreError, StoreUnavailableError, ToolError

if TYPE_CHECKING:
    from onehop.execution._run import Run
    from onehop.runs.saved import Snippet
    from onehop.sandbox import Sandbox
    from onehop.sandbox.calls import Grant, Layer
    from onehop.sandbox.snippets import Saving, Shelf, Snippets
    from onehop.stores.base import Store

_BELIEVED: Final = 0.8
"""Seconds that what the store said is believed: a change is to count within a second."""
_GRACE: Final = 300.0
"""Seconds that what is known holds while the store does not answer."""
_PATIENCE: Final = 1.0
"""Seconds that the store has to answer about an agent whose snippets are known already."""
_REMEMBERED: Final = 1024
"""Agents, and programs that were compiled."""
_WAYS: Final = ("snippets", "$search", "$describe", "$list")
"""How code comes to snippets: a run whose code has none of these words asks the store nothing."""

_log = logging.getLogger(__name__)


class ExecutorSnippets:
    """Saves and removes snippets, and gives runs what their agents may call. ``clock`` counts
    seconds."""

    def __init__(
        self,
        store: Store | None,
        sandbox: Sandbox,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._sandbox = sandbox
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, tuple[Snippet, ...], Shelf]] = OrderedDict()
        self._compiled: OrderedDict[str, str] = OrderedDict()
        self._joined: tuple[Grant, Shelf, Grant] | None = None
        self._listeners: dict[object, Callable[[], None]] = {}

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` in the event loop whenever snippets are others here; what is returned
        ends that. Those of another server are others here when a run or a client asks for them."""
        token = object()
        self._listeners[token] = listener
        return lambda: self._listeners.pop(token, None) and None

    def _tell(self) -> None:
        for listener in list(self._listeners.values()):
            listener()

    # --- what people do ---

    async def save(self, name: str, request_id: str, *, by: str, **more: Unpack[Saving]) -> Snippet:
        """See ``Snippets.save``; runs of this executor find it at once."""
        saved = await self._snippets.save(name, request_id, by=by, **more)
        self._known.clear()
        self._tell()
        return saved

    async def list(self, agent_id: str | None = None) -> list[Snippet]:
        """See ``Snippets.list``."""
        return await self._snippets.list(agent_id)

    async def show(self, name: str, agent_id: str | None = None) -> Snippet:
        """See ``Snippets.show``."""
        return await self._snippets.show(name, agent_id)

    async def remove(self, name: str, agent_id: str | None = None) -> Snippet:
        """See ``Snippets.remove``; runs that begin here from now on do not find it."""
        removed = await self._snippets.remove(name, agent_id)
        self._known.clear()
        self._tell()
        return removed

    @property
    def _snippets(self) -> Snippets:
        if self._store is None:
            raise StoreError("this executor keeps nothing: it was made without a store")
        from onehop.sandbox.snippets import Snippets

        return Snippets(self._store)

    # --- what runs get ---

    async def granted(self, run: Run, rules: Sequence[Layer]) -> Grant | None:
        """The run's grant, with the snippets that its agent may call. Raises StoreError."""
        request, grant = run.original.request, run.grant
        if request.session is None and not any(way in request.code for way in _WAYS):
            return grant
        agent_id = run.caller.agent_id
        if not (shelf := await self.shelf(agent_id)):
            return grant
        if grant is None:  # rules concern tools: the agent's would have nothing to say
            grant = self._sandbox.toolbox.bare(rules)
        return self._with(grant, shelf)

    def _with(self, grant: Grant, shelf: Shelf) -> Grant:
        """The last one is kept: most runs have the same tools."""
        joined = self._joined
        if joined is None or joined[0] is not grant or joined[1] is not shelf:
            joined = self._joined = grant, shelf, grant.with_snippets(shelf)
        return joined[2]

    async def shelf(self, agent_id: str) -> Shelf | None:
        """What this agent may call; None when that is nothing."""
        if self._store is None:
            return None
        known, now = self._known.get(agent_id), self._clock()
        if known is not None and now - known[0] < _BELIEVED:
            return known[2] or None
        from onehop.sandbox.snippets import Shelf

        try:
            async with asyncio.timeout(_PATIENCE if known else None):
                found = await self._found(self._store, agent_id)
        except (StoreUnavailableError, TimeoutError) as error:
            if known is not None and now - known[0] < _GRACE:
                return known[2] or None
            _log.info("the snippets of %s are not known now: %s", agent_id, error)
            return Shelf((), self._javascript, fault="the store does not answer")
        shelf = Shelf(found, self._javascript) if known is None or known[1] != found else known[2]
        if known is not None and known[1] != found:
            self._tell()
        self._known[agent_id] = now, found, shelf
        self._known.move_to_end(agent_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return shelf or None

    async def _found(self, store: Store, agent_id: str) -> tuple[Snippet, ...]:
        for_all = await store.snippets("")
        own = await store.snippets(agent_id) if agent_id else []
        return (*for_all, *own)

    async def _javascript(self, snippet: Snippet) -> str:
        """Its code for a worker, compiled by a process that reads nothing else, once."""
        key = f"{snippet.language} {snippet.code}"
        if key not in self._compiled:
            self._compiled[key] = await self._compile(snippet)
            if len(self._compiled) > _REMEMBERED:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return self._compiled[key]

    async def _compile(self, snippet: Snippet) -> str:
        reader = f"onehop snippet {snippet.agent_id} {snippet.name}"
        try:
            return await self._sandbox.javascript(snippet.code, snippet.language, reader)
        except NotCompiledError as error:
            from onehop.sandbox.snippets import SPACE

            path = f"{SPACE}.{snippet.name}"
            words = f"the snippet {snippet.name} cannot run here: {error}"
            raise ToolError("unavailable", words[:500], path) from None
