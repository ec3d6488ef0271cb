"""``code_execute`` for LangChain and LangGraph."""

from __future__ import annotations

from typing import Any

from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._runner import Runner
from onehop.tool import DESCRIPTION, NAME

with needs("langchain"):
    from langchain_core.tools import StructuredTool


def code_execute_tool(runner: Runner, *, agent_id: str = "") -> StructuredTool:
    """A tool for ``create_agent`` or ``ToolNode``, called by ``ainvoke`` and ``astream``.

    The message's content is text for the model; its ``artifact`` is the whole result as a dict.
    """
    execute = CodeExecute(runner, agent_id)

    async def code_execute(**arguments: Any) -> tuple[str, dict[str, Any]]:
        answer = await execute(arguments)
        return answer.text, answer.data

    return StructuredTool(
        name=NAME,
        description=DESCRIPTION,
        args_schema=schema(),
        coroutine=code_execute,
        response_format="content_and_artifact",
    )
