"""``code_execute`` for Google's Agent Development Kit."""

from __future__ import annotations

from typing import Any

from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._given import description
from onehop.adapters._runner import Runner
from onehop.definition import NAME

with needs("google-adk"):
    from google.adk.tools.base_tool import BaseTool
    from google.adk.tools.tool_context import ToolContext
    from google.genai import types


def code_execute_tool(runner: Runner, *, agent_id: str = "") -> BaseTool:
    """A tool for ``Agent(tools=[…])``.

    Its response says whether the code has succeeded, and has text for the model as ``result``.
    """
    return _CodeExecuteTool(CodeExecute(runner, agent_id), description(runner))


class _CodeExecuteTool(BaseTool):
    def __init__(self, execute: CodeExecute, words: str) -> None:
        super().__init__(name=NAME, description=words)
        self._execute = execute

    def _get_declaration(self) -> types.FunctionDeclaration:
        return types.FunctionDeclaration(
            name=NAME, description=self.description, parameters_json_schema=schema()
        )

    async def run_async(
        self,
        *,
        args: dict[str, Any],
        tool_context: ToolContext,  # noqa: ARG002 - the framework's signature
    ) -> dict[str, Any]:
        answer = await self._execute(args)
        return {"success": answer.data["success"], "result": answer.text}
