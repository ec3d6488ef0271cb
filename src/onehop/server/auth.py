"""From the headers of a request to the agent behind it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Final

from onehop.config import ServerConfig
from onehop.errors import InvalidRequestError, UnauthorizedError
from onehop.server._errors import AmbiguousCredentialsError, ForbiddenError
from onehop.server._limits import Allowance
from onehop.server.agents import NAME, Agents
from onehop.server.asgi._refusals import Refusals, address
from onehop.server.asgi._scope import BODY_HOLDER, BODY_LIMIT, HELD, Scope, values
from onehop.server.principal import PRINCIPAL, Principal
from onehop.stores.base import AgentRecord

NOBODY: Final = "default"
"""The agent of a request that names none, where no keys are needed."""
_NAME: Final = re.compile(NAME)


class Authenticator:
    """Tells who is behind a request: ``await authenticate(scope)``, an HTTP scope of ASGI.

    Raises UnauthorizedError, AmbiguousCredentialsError, ForbiddenError, InvalidRequestError,
    TooMuchAtOnceError for a caller that was refused too often, and StoreUnavailableError when it
    cannot tell. Asked twice about one request, it answers the same.
    """

    def __init__(
        self, agents: Agents, settings: ServerConfig, refusals: Refusals | None = None
    ) -> None:
        self._agents = agents
        self._settings = settings
        self._refusals = refusals or Refusals()

    async def __call__(self, scope: Scope) -> Principal:
        """Who it is."""
        known: Principal | None = scope.get(PRINCIPAL)
        if known is not None:
            return known
        if not self._settings.auth:
            return self._note(scope, self._of_nobody(scope))
        return self.admit(scope, await self.holder(scope, _key(scope)))

    def admit(self, scope: Scope, agent: AgentRecord) -> Principal:
        """Note that ``agent``, whose key was good, is behind the request."""
        named = _named(scope) or agent.agent_id
        if named != agent.agent_id and agent.role != "admin":
            raise ForbiddenError("X-Agent-Id names another agent than the key's")
        held = scope.setdefault(HELD, ExitStack())
        allowed = self._allowance(agent)
        return self._note(scope, Principal(named, agent.role, allowed, agent.agent_id, held))

    def _note(self, scope: Scope, principal: Principal) -> Principal:
        scope[PRINCIPAL] = principal
        scope[BODY_LIMIT] = principal.limits.max_body
        scope[BODY_HOLDER] = principal.holder
        self._refusals.check(f"agent {principal.holder}", principal.limits.max_rate)
        return principal

    async def holder(self, scope: Scope, key: str) -> AgentRecord:
        """Whose key this is. An address that tries keys which nobody has must soon wait, and so
        must a caller from there whose key was not seen lately, since the store would be asked."""
        client = f"address {address((scope.get('client') or ('',))[0])}"
        if not self._agents.knows(key):
            self._refusals.check(client, self._settings.max_refused)
        try:
            return await self._agents.authenticate(key)
        except UnauthorizedError:
            self._refusals.note(client)
            raise

    def _of_nobody(self, scope: Scope) -> Principal:
        named = _named(scope) or NOBODY
        held = scope.setdefault(HELD, ExitStack())
        return Principal(named, "admin", self._allowance(None), named, held)

    def _allowance(self, agent: AgentRecord | None) -> Allowance:
        settings = self._settings
        return Allowance(
            (agent and agent.max_runs) or settings.max_runs,
            (agent and agent.max_rate) or settings.max_rate,
            min((agent and agent.max_body) or settings.max_body, settings.max_body),
        )


def _key(scope: Scope) -> str:
    bearers = (value.partition(" ") for value in values(scope, b"authorization"))
    keys = {key.strip() for scheme, _, key in bearers if scheme.lower() == "bearer"}
    keys.update(values(scope, b"x-api-key"))
    if len(keys) > 1:
        raise AmbiguousCredentialsError("two different keys came with one request: send one")
    if not keys:
        raise UnauthorizedError(sent=False)
    return keys.pop()


def _named(scope: Scope) -> str | None:
    names = set(values(scope, b"x-agent-id"))
    if len(names) > 1:
        raise AmbiguousCredentialsError("X-Agent-Id names two different agents: send one")
    name = names.pop() if names else None
    if name is not None and not _NAME.fullmatch(name):
        allowed = "an agent's id: letters, digits and . _ : @ -"
        raise InvalidRequestError("X-Agent-Id", repr(name)[:80], allowed)
    return name
