"""The tools that a sandbox has, and what of them a run is granted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from onehop.calls._desk import Hear, RunDesk, deaf
from onehop.calls._grant import Grant
from onehop.errors import ToolError
from onehop.questions import Call
from onehop.tools import (
    Catalogue,
    Discovery,
    Policy,
    Rule,
    Tool,
    ToolContext,
    ToolLimits,
    Tools,
    offer,
    read_rules,
)
from onehop.types import Effect

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
        self._catalogue = Catalogue.of(tools)
        self._rules = read_rules(rules)
        self._limits = limits or ToolLimits()
        self._usual = self._grant(self._catalogue, [])

    @property
    def catalogue(self) -> Catalogue:
        """What there is."""
        return self._catalogue

    @property
    def discovery(self) -> Discovery:
        """What a run finds of them that is granted all."""
        return self._usual.discovery

    @cached_property
    def offer(self) -> str:
        """What the description of ``code_execute`` says of them; empty when there are none."""
        return offer(self.discovery)

    @property
    def effects(self) -> frozenset[Effect]:
        """What the tools do that are not always denied."""
        spaces = self.discovery.visible.values()
        return frozenset(bound.effect for space in spaces for bound in space)

    def grant(self, wanted: Wanted | None = None, layers: Sequence[Layer] = ()) -> Grant | None:
        """What a run may use: all tools, or those that are ``wanted``, under the server's rules and
        those of further ``layers``. None when it may use none.

        Raises ToolError for a name that is not there, and InvalidRequestError for wrong rules.
        """
        if wanted is None and not any(layers):
            grant = self._usual
        else:
            catalogue = self._catalogue if wanted is None else self._catalogue.granted(wanted)
            grant = self._grant(catalogue, layers, self.discovery)
        return grant if grant.catalogue.bound else None

    def _grant(
        self, catalogue: Catalogue, layers: Sequence[Layer], wider: Discovery | None = None
    ) -> Grant:
        policy = Policy([self._rules, *map(read_rules, layers)])
        return Grant(catalogue, policy, self._limits, Discovery(catalogue, policy, wider))


def make_desk(
    grant: Grant,
    *,
    agent_id: str = "",
    channel_id: str = "",
    request_id: str = "",
    hear: Hear = deaf,
) -> RunDesk:
    """A desk for one run of an agent."""

    def context(path: str) -> ToolContext:
        return ToolContext(
            agent_id=agent_id, channel_id=channel_id, request_id=request_id, tool=path
        )

    return RunDesk(grant, context, hear)


async def call_directly(desk: RunDesk, path: str, arguments: Mapping[str, Any]) -> Any:
    """One call, not from code; the value as the code would get it. Raises ToolError."""
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def reply(value: bytes | None, error: bytes | None) -> None:
        if answered.done():
            return
        if value is not None:
            answered.set_result(value)
        else:
            answered.set_exception(_error_from(json.loads(error or b"{}")))

    namespace, _, member = path.partition(".")
    call = Call(1, namespace, member, json.dumps(dict(arguments)))
    desk.take(call if member else Call(1, "", path, call.arguments), reply)
    try:
        return json.loads(await answered)
    finally:
        await desk.aclose(at_once=True)


def _error_from(fields: dict[str, Any]) -> ToolError:
    """The inverse of ``ToolError.to_dict``."""
    known = dict(fields)
    code, message, tool = (known.pop(name) for name in ("code", "message", "tool"))
    retry_after = known.pop("retryAfter", None)
    return ToolError(code, message, tool, retry_after=retry_after, **known)
