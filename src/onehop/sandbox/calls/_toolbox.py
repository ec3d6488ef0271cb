"""The tools that a sandbox has, and what of them a run is granted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from onehop.errors import InvalidRequestError, ToolError
from onehop.runs.questions import Call
from onehop.runs.states import UpstreamState
from onehop.sandbox.calls._desk import Hear, RunDesk
from onehop.sandbox.calls._grant import Grant
from onehop.sandbox.calls._media import without_ids
from onehop.tools import (
    Bound,
    Catalogue,
    Discovery,
    Policy,
    Provider,
    Rule,
    Threads,
    Tool,
    ToolContext,
    ToolLimits,
    Tools,
    composed,
    read_rules,
    stray,
    unwrapped,
)
from onehop.tools.observed import Observed, Observer

if TYPE_CHECKING:
    from onehop.sandbox.calls._asking import Asker
    from onehop.sandbox.calls._beside import Beside
    from onehop.sandbox.calls._tape import Tape

Wanted = Tools | Iterable[Tool | Callable[..., Any] | str]
"""Tools for one run: those of a ``Tools``, functions and ``Tool`` objects beside the names and
globs of those that the sandbox has."""
Layer = Sequence[Rule | Mapping[str, Any]] | Mapping[str, Any]
"""Rules, as ``read_rules`` takes them."""


class Toolbox:
    """A sandbox's tools under its rules."""

    def __init__(
        self, tools: Wanted | None = None, rules: Layer = (), limits: ToolLimits | None = None
    ) -> None:
        self._threads = Threads()
        self._tools = composed(tools)
        self._opened: list[Provider] = []
        self._listeners: dict[object, Callable[[], None]] = {}
        self._rules = read_rules(rules)
        self.limits = limits or ToolLimits()
        """How much of them one run may use."""
        self.observer = Observer()
        """What the answers of tools have looked like."""
        self._read()

    async def open(self) -> None:
        """Open what provides tools, all at the same time. Raises what one raises that must be
        there."""
        providers = self._tools.providers.items()
        outcomes = await asyncio.gather(
            *(self._open(name, provider) for name, provider in providers), return_exceptions=True
        )
        if failure := next((o for o in outcomes if isinstance(o, BaseException)), None):
            await self.aclose()
            raise failure
        if providers:
            self._read()

    async def _open(self, name: str, provider: Provider) -> None:
        await provider.open(name)
        self._opened.append(provider)
        provider.on_change = self._read

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` in the event loop whenever the tools are others; what is returned
        ends that."""
        token = object()
        self._listeners[token] = listener
        return lambda: self._listeners.pop(token, None) and None

    async def aclose(self) -> None:
        """Close what provides tools, as far as it was opened here."""
        await self.observer.aclose()
        opened, self._opened = self._opened, []
        for provider in opened:
            provider.on_change = None
        await asyncio.gather(*(provider.aclose() for provider in opened))

    def _read(self) -> None:
        """Make a catalogue of what there is now. A run keeps the one that it began with."""
        self._catalogue = Catalogue.of(self._tools, self._threads)
        self._usual = self._under(self._policy(()), self._catalogue)
        self.usual = _unless_empty(self._usual)
        """What a run may use that names no tools and brings no rules: see ``grant``."""
        for listener in list(self._listeners.values()):
            listener()

    def upstreams(self) -> tuple[UpstreamState, ...]:
        """How the servers are now, in the order in which they were given."""
        return tuple(self._state(*each) for each in self._tools.providers.items())

    def _state(self, namespace: str, provider: Provider) -> UpstreamState:
        reason = getattr(provider, "away", provider.fault)
        return UpstreamState(
            namespace=namespace,
            up=reason is None,
            reason=reason,
            tools=len(provider.tools()),
        )

    @property
    def catalogue(self) -> Catalogue:
        """What there is."""
        return self._catalogue

    @property
    def discovery(self) -> Discovery:
        """What a run finds of them that is granted all."""
        return self._usual.discovery

    @property
    def offer(self) -> str:
        """What the description of ``code_execute`` says of them; empty when there are none."""
        return self._usual.offer

    def stray(self, rules: Layer | None = None) -> list[str]:
        """A sentence for each of the ``rules`` (the sandbox's own by default) that concerns none of
        the tools that there are now."""
        return stray(self._rules if rules is None else read_rules(rules), self._catalogue)

    @property
    def has_given(self) -> bool:
        """Whether there may be tools once it is open."""
        return bool(self._tools.root or self._tools.namespaces)

    @property
    def has_any(self) -> bool:
        """Whether there may be something to call."""
        return bool(self._catalogue.bound or self._catalogue.missing)

    def view(self, layers: Sequence[Layer] = (), beside: Beside | None = None) -> Grant:
        """What a caller under further ``layers`` of rules may see of the tools, and of what it has
        ``beside`` them. Raises InvalidRequestError."""
        usual = self._usual_with(beside)
        if not any(layers):
            return usual
        return self._under(self._policy(layers), usual.catalogue, usual.discovery)

    def _usual_with(self, beside: Beside | None) -> Grant:
        """All, under the server's rules only."""
        if beside is None:
            return self._usual
        own = self._catalogue
        if (kept := beside.kept(own)) is None:
            kept = self._under(self._policy(()), beside.catalogue(own))
            beside.keep(own, kept)
        return kept

    def grant(
        self,
        wanted: Wanted | None = None,
        layers: Sequence[Layer] = (),
        beside: Beside | None = None,
    ) -> Grant | None:
        """What a run may use: all tools, or those that are ``wanted``, under the server's rules and
        those of further ``layers``; what it has ``beside`` the sandbox's counts as that. None when
        it may use none.

        Raises ToolError for a name that is not there, and InvalidRequestError for wrong rules.
        """
        usual = self._usual_with(beside)
        if wanted is None and not any(layers):
            return _unless_empty(usual)
        self._refuse_closed(wanted)
        policy = self._policy(layers)
        chosen = usual.catalogue.granted(wanted, lambda one: not policy.is_always_denied(one))
        return _unless_empty(self._under(policy, chosen, usual.discovery))

    def bare(self, layers: Sequence[Layer] = ()) -> Grant:
        """No tool at all, for a run that has something else to call."""
        return self._under(self._policy(layers), Catalogue([], self._threads))

    def _refuse_closed(self, wanted: Wanted | None) -> None:
        """A connection is opened with the sandbox, and not for a run."""
        ours = self._tools.providers
        theirs = wanted.providers if isinstance(wanted, Tools) else {}
        for name, provider in theirs.items():
            if provider is not ours.get(name):
                allowed = "functions, tools and names: a server is given to the sandbox"
                raise InvalidRequestError(f"tools.{name}", "a server", allowed)

    def _policy(self, layers: Sequence[Layer]) -> Policy:
        return Policy([self._rules, *map(read_rules, layers)])

    def _under(self, policy: Policy, catalogue: Catalogue, wider: Discovery | None = None) -> Grant:
        discovery = Discovery(catalogue, policy, wider, self._observed)
        return Grant(catalogue, policy, self.limits, discovery, self._observe)

    def _observe(self, bound: Bound, answer: bytes) -> None:
        """An answer of a tool of the sandbox's own: what others hand in concerns nobody else."""
        if bound.is_observed and self._catalogue.bound.get(bound.path) is bound:
            self.observer.note(bound.namespace, bound.path, bound.fingerprint, answer)

    def _observed(self, bound: Bound) -> Observed | None:
        if self._catalogue.bound.get(bound.path) is not bound:
            return None
        return self.observer.of(bound.path, bound.fingerprint)


def _unless_empty(grant: Grant) -> Grant | None:
    return grant if grant.catalogue.bound or grant.catalogue.missing else None


def make_desk(
    grant: Grant,
    *,
    agent_id: str = "",
    channel_id: str = "",
    request_id: str = "",
    hear: Hear | None = None,
    asker: Asker | None = None,
    tape: Tape | None = None,
) -> RunDesk:
    """A desk for one run of an agent."""

    def context(path: str) -> ToolContext:
        return ToolContext(
            agent_id=agent_id, channel_id=channel_id, request_id=request_id, tool=path
        )

    return RunDesk(grant, context, hear, asker, tape)


async def call_directly(desk: RunDesk, path: str, arguments: Any) -> Any:
    """One call, not from code; the value as the code would get it. Raises ToolError, also for
    arguments that are not an object of JSON data."""
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def reply(value: bytes | None, error: bytes | None) -> None:
        if answered.done():
            return
        if value is not None:
            answered.set_result(value)
        else:
            answered.set_exception(_error_from(json.loads(error or b"{}")))

    namespace, _, member = path.partition(".")
    call = Call(1, namespace, member, *_as_json(arguments))
    desk.take(call if member else replace(call, namespace="", member=path), reply)
    try:
        return without_ids(unwrapped(json.loads(await answered)))
    finally:
        await desk.aclose(at_once=True)


def _as_json(arguments: Any) -> tuple[str | None, str]:
    """Their JSON text, or what is wrong with them; the desk says of both what it says to code."""
    given = dict(arguments) if isinstance(arguments, Mapping) else arguments
    try:
        return json.dumps(given), ""
    except (TypeError, ValueError, RecursionError) as error:
        return None, f"the arguments are not JSON: {str(error)[:200]}"


def _error_from(fields: dict[str, Any]) -> ToolError:
    """The inverse of ``ToolError.to_dict``."""
    known = dict(fields)
    code, message, tool = (known.pop(name) for name in ("code", "message", "tool"))
    retry_after = known.pop("retryAfter", None)
    return ToolError(code, message, tool, retry_after=retry_after, **known)
