"""The same call from code that is not async."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from anyio.from_thread import BlockingPortal

from onehop.adapters._answer import REFUSALS, Answer, answer, refusal
from onehop.adapters._call import CodeExecute
from onehop.adapters._runner import Runner, SyncClient, check, decode, is_sync
from onehop.definition import NAME
from onehop.errors import ConfigError

Blocking = Callable[[Mapping[str, Any]], Answer]


def blocking(
    runner: Runner | SyncClient, portal: BlockingPortal | None, agent_id: str = ""
) -> Blocking:
    """A function that waits for the Answer.

    ``portal`` leads to the event loop that ``runner`` belongs to; a SyncAgentClient needs none. An
    exception that interrupts the waiting (KeyboardInterrupt) ends the run.

    Raises ConfigError without a portal where one is needed, and what ``CodeExecute`` raises.
    """
    if portal is not None:
        return _through(portal, CodeExecute(cast("Runner", runner), agent_id))
    if not is_sync(runner):
        raise ConfigError(
            "portal", f"this {type(runner).__name__} belongs to an event loop; give its portal"
        )
    check(runner, agent_id)
    return _directly(runner)


def _through(portal: BlockingPortal, tool: CodeExecute) -> Blocking:
    def call(arguments: Mapping[str, Any]) -> Answer:
        future = portal.start_task_soon(tool, arguments)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    return call


def _directly(client: SyncClient) -> Blocking:
    def call(arguments: Mapping[str, Any]) -> Answer:
        try:
            return answer(decode(client.call_tool(NAME, arguments)))
        except REFUSALS as error:
            return refusal(error)

    return call
