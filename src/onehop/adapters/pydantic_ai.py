"""``code_execute`` for Pydantic AI."""

from __future__ import annotations

from typing import Any

from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._runner import Runner
from onehop.definition import DESCRIPTION, NAME

with needs("pydantic-ai"):
    from pydantic_ai import Tool, ToolReturn


def code_execute_tool(runner: Runner, *, agent_id: str = "") -> Tool[Any]:
    """A tool for ``Agent(tools=[…])``.

    What it returns is text for the model; the part's ``metadata`` is the whole result as a dict.
    """
    execute = CodeExecute(runner, agent_id)

    async def code_execute(**arguments: Any) -> ToolReturn[str]:
        answer = await execute(arguments)
        return ToolReturn(answer.text, metadata=answer.data)

    return Tool.from_schema(code_execute, NAME, DESCRIPTION, schema())
