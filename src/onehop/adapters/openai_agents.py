"""``code_execute`` for the OpenAI Agents SDK."""

from __future__ import annotations

import json
from typing import Any

from onehop.adapters._answer import Answer, refusal
from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._runner import Runner
from onehop.definition import DESCRIPTION, NAME
from onehop.errors import InvalidRequestError

with needs("openai-agents"):
    from agents import FunctionTool


def code_execute_tool(runner: Runner, *, agent_id: str = "") -> FunctionTool:
    """A tool for ``Agent(tools=[…])``, whose output is text for the model.

    Its schema is not in strict mode, which has no room for ``context``: an object of any shape.
    """
    execute = CodeExecute(runner, agent_id)

    async def invoke(_context: Any, arguments: str) -> str:
        return (await _parsed(execute, arguments)).text

    return FunctionTool(
        name=NAME,
        description=DESCRIPTION,
        params_json_schema=schema(),
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )


async def _parsed(execute: CodeExecute, arguments: str) -> Answer:
    try:
        call = json.loads(arguments or "{}")
    except ValueError as error:
        return refusal(InvalidRequestError("arguments", str(error), "a JSON object"))
    if not isinstance(call, dict):
        return refusal(InvalidRequestError("arguments", arguments[:80], "a JSON object"))
    return await execute(call)
