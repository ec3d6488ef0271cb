"""``code_execute`` for the Microsoft Agent Framework."""

from __future__ import annotations

from typing import Any

from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._given import description
from onehop.adapters._runner import Runner
from onehop.definition import NAME

with needs("agent-framework"):
    from agent_framework import Content, FunctionTool


def code_execute_tool(runner: Runner, *, agent_id: str = "") -> FunctionTool:
    """A tool for ``Agent(tools=[…])``.

    Its content is text for the model, whose ``raw_representation`` is the whole result as a dict.
    """
    execute = CodeExecute(runner, agent_id)

    async def code_execute(**arguments: Any) -> Content:
        answer = await execute(arguments)
        return Content.from_text(answer.text, raw_representation=answer.data)

    return FunctionTool(
        name=NAME, description=description(runner), func=code_execute, input_model=schema()
    )
