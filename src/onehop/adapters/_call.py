"""The tool ``code_execute`` as every adapter calls it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from onehop.adapters._answer import REFUSALS, Answer, answer, refusal
from onehop.adapters._runner import Runner, check, is_sync, run
from onehop.definition import INPUT_SCHEMA
from onehop.errors import ConfigError


class CodeExecute:
    """Takes the arguments as a model gave them, and gives an Answer.

    Raises ConfigError for a runner that cannot be awaited, and with InvalidRequestError for an
    ``agent_id`` that no call can be made with.
    """

    def __init__(self, runner: Runner, agent_id: str = "") -> None:
        if is_sync(runner):
            raise ConfigError("runner", "this adapter is async: give it an AgentClient")
        check(runner, agent_id)
        self._runner = runner
        self._agent_id = agent_id

    async def __call__(self, arguments: Mapping[str, Any]) -> Answer:
        """Run it. What the code does wrong, and a call that the model can mend, are answers.

        Raises an OnehopError when the sandbox or the server is the reason. Cancelling ends the run.
        """
        try:
            return answer(await run(self._runner, arguments, self._agent_id))
        except REFUSALS as error:
            return refusal(error)


def schema() -> dict[str, Any]:
    """The schema of a call, in a copy of its own: some frameworks change what they are given."""
    return deepcopy(INPUT_SCHEMA)
