"""``code_execute`` for smolagents, whose tools are not async."""

from __future__ import annotations

from typing import Any

from anyio.from_thread import BlockingPortal

from onehop.adapters._blocking import Blocking, blocking
from onehop.adapters._call import schema
from onehop.adapters._frameworks import needs
from onehop.adapters._given import description
from onehop.adapters._runner import Runner, SyncClient
from onehop.definition import DESCRIPTION, NAME

with needs("smolagents"):
    from smolagents import Tool


def code_execute_tool(
    runner: Runner | SyncClient, portal: BlockingPortal | None = None, *, agent_id: str = ""
) -> Tool:
    """A tool for ``ToolCallingAgent(tools=[…])`` or ``CodeAgent``, that gives text for the model.

    ``portal`` leads to the event loop that ``runner`` belongs to, in another thread than the
    agent's; a SyncAgentClient needs none. Raises ConfigError.
    """
    return _CodeExecuteTool(blocking(runner, portal, agent_id), description(runner))


def _inputs() -> dict[str, Any]:
    """The fields of a call; smolagents wants words and a type for each, and to hear which may be
    null."""
    given = schema()
    return {
        name: {
            "description": "",
            "nullable": name not in given["required"],
            "type": [each["type"] for each in field.get("anyOf", ())],
            **field,
        }
        for name, field in given["properties"].items()
    }


class _CodeExecuteTool(Tool):
    name = NAME
    description = DESCRIPTION
    output_type = "string"
    skip_forward_signature_validation = True

    def __init__(self, execute: Blocking, words: str) -> None:
        self.description = words
        self.inputs = _inputs()
        self._execute = execute
        super().__init__()

    def forward(self, **arguments: Any) -> str:
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._execute(given).text
