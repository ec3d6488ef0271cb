"""Which tools a run may call: those of the sandbox, under the rules of its agent, and snippets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onehop.execution._agent_rules import AgentRules
    from onehop.execution._run import Run
    from onehop.execution._snippets import ExecutorSnippets
    from onehop.sandbox import Sandbox
    from onehop.sandbox.calls import Beside, Grant, Layer, Toolbox, Wanted


class Grants:
    """Grants tools of ``sandbox`` under ``rules``, those of agents, and ``snippets``."""

    def __init__(self, sandbox: Sandbox, rules: AgentRules, snippets: ExecutorSnippets) -> None:
        self._sandbox = sandbox
        self._rules = rules
        self._snippets = snippets

    @property
    def _toolbox(self) -> Toolbox:
        return self._sandbox.toolbox

    async def view(self, agent_id: str, beside: Beside | None) -> Grant:
        """What an agent's code may see of the tools, and of those ``beside`` them.

        Raises StoreUnavailableError and StoreError when the agent's rules are not known.
        """
        shelf = await self._snippets.shelf(agent_id)
        if not self._toolbox.has_any and beside is None and not shelf:
            return self._toolbox.view()
        view = self._toolbox.view([await self._rules.of(agent_id)], beside)
        return view.with_snippets(shelf) if shelf else view

    async def grant(
        self,
        agent_id: str,
        tools: Wanted | None,
        rules: Sequence[Layer],
        beside: Beside | None = None,
    ) -> Grant | None:
        """The layers are the sandbox's, the agent's, and those of the call, ``rules``. Raises as
        ``view``."""
        if tools is None and beside is None:
            if not (self._sandbox.has_toolbox or any(rules)):
                return None
            if not self._toolbox.has_any:
                return self._toolbox.grant(None, rules)
        return self._toolbox.grant(tools, [await self._rules.of(agent_id), *rules], beside)

    async def with_snippets(self, run: Run, rules: Sequence[Layer]) -> Grant | None:
        """The run's grant, with the snippets that its code may call. Raises as ``view``."""
        return await self._snippets.granted(run, rules)

    def forget(self, agent_id: str) -> None:
        """The agent's rules are others from now on."""
        self._rules.forget(agent_id)

    async def is_revoked(self, agent_id: str) -> bool:
        """Whether this agent may run nothing any more. Raises StoreError."""
        return await self._rules.is_revoked(agent_id)
