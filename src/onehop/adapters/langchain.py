"""``code_execute`` for LangChain and LangGraph."""

from __future__ import annotations

from typing import Any

from anyio.from_thread import BlockingPortal

from onehop.adapters._answer import Answer
from onehop.adapters._blocking import blocking
from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._runner import Runner, SyncClient, is_sync
from onehop.definition import DESCRIPTION, NAME

with needs("langchain"):
    from langchain_core.tools import StructuredTool


def code_execute_tool(
    runner: Runner | SyncClient, portal: BlockingPortal | None = None, *, agent_id: str = ""
) -> StructuredTool:
    """A tool for ``create_agent`` or ``ToolNode``, called by ``ainvoke`` and ``astream``.

    The message's content is text for the model; its ``artifact`` is the whole result as a dict.
    For ``invoke`` and ``stream`` in another thread, ``portal`` leads to the event loop that
    ``runner`` belongs to; a SyncAgentClient needs none. Raises ConfigError.
    """
    options = _waiting if portal is not None or is_sync(runner) else _awaited
    return StructuredTool(
        name=NAME,
        description=DESCRIPTION,
        args_schema=schema(),
        response_format="content_and_artifact",
        **options(runner, portal, agent_id),
    )


def _awaited(runner: Any, _portal: Any, agent_id: str) -> dict[str, Any]:
    execute = CodeExecute(runner, agent_id)

    async def code_execute(**arguments: Any) -> tuple[str, dict[str, Any]]:
        return _parts(await execute(arguments))

    return {"coroutine": code_execute}


def _waiting(runner: Any, portal: BlockingPortal | None, agent_id: str) -> dict[str, Any]:
    execute = blocking(runner, portal, agent_id)

    def code_execute(**arguments: Any) -> tuple[str, dict[str, Any]]:
        return _parts(execute(arguments))

    return {"func": code_execute}


def _parts(answer: Answer) -> tuple[str, dict[str, Any]]:
    return answer.text, answer.data
