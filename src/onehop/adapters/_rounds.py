"""Code that calls functions of the host, by way of a sandbox that has no way out.

The code is run in rounds. In each it is run from its start; calls whose answers are known get them,
and when it waits for others, the round ends and they are made. So each call is made once, and a
program with three calls, one after the other, runs four times.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from onehop.analysis import BlockingAnalyst
from onehop.config import CorrectionConfig
from onehop.corrections import CorrectedCode, corrected_blocking, in_original, unreturned
from onehop.corrections._edits import Edit, edited
from onehop.types import Correction, ExecutionResult, Language

Functions = Mapping[str, Callable[..., Any]]
Execute = Callable[[str, dict[str, Any]], Awaitable[ExecutionResult]]
"""Runs code with a context."""
MOST_CALLS: Final = 1000
"""Calls that one program may make."""
MOST_ROUNDS: Final = 100
"""How often it may wait for calls."""

_HEAD: Final = "return $rounds(async (PARAMETERS) => {"
_TAIL: Final = """
}, NAMES);
function $rounds(body, names) {
  const { inputs, answers } = context;
  const asked = [];
  let turn = 0;
  return new Promise((resolve, reject) => {
    const ask = (name) => function call(...args) {
      const words = JSON.stringify([name, args]);
      const answer = answers[turn++];
      if (answer === undefined) {
        if (asked.push({ name, args, words }) === 1) setTimeout(() => resolve({ asked }), 0);
        return new Promise(() => {});
      }
      const error = new Error(answer.error);
      Error.captureStackTrace(error, call);
      if (answer.words !== words) {
        error.message = `it was ${answer.words} when the code ran before, and is ${words} now: ` +
          "a call must not depend on the clock or on chance";
        reject(error);
        return new Promise(() => {});
      }
      const settled = "error" in answer ? Promise.reject(error) : Promise.resolve(answer.value);
      settled.catch(() => {});
      return settled;
    };
    body(inputs, ...names.map(ask)).then((value) => resolve({ value }), reject);
  });
}
"""


class TooManyCallsError(Exception):
    """The code has asked for more than it may, or for something that is not a call."""


async def run_in_rounds(
    execute: Execute,
    program: Program,
    inputs: Mapping[str, Any],
    functions: Functions,
    refusals: tuple[type[Exception], ...],
) -> ExecutionResult:
    """Run it to its end; ``inputs`` are its ``context``.

    What of ``refusals`` a function raises is thrown in the code; any other exception ends the run.
    Raises TooManyCallsError and what ``execute`` raises.
    """
    answers: list[dict[str, Any]] = []
    for _ in range(MOST_ROUNDS + 1):
        result = await execute(program.text, {"inputs": dict(inputs), "answers": answers})
        if not _waits(result):
            return program.told(result)
        asked = result.output["asked"]
        if not asked or len(answers) + len(asked) > MOST_CALLS:
            raise TooManyCallsError(f"the code may make at most {MOST_CALLS} calls")
        answers += await _all([_answer(call, functions, refusals) for call in asked])
    raise TooManyCallsError(f"the code may wait for calls at most {MOST_ROUNDS} times")


class Program:
    """Code with what carries its calls; knows the way back to the code as it was written."""

    def __init__(
        self,
        code: str,
        language: Language,
        names: list[str],
        analyst: BlockingAnalyst | None = None,
    ) -> None:
        """Blocks while ``analyst`` has the code parsed; None: one that is made for it."""
        head = _HEAD.replace("PARAMETERS", ", ".join(["context", *names]))
        self._original = code
        self._mended = corrected_blocking(
            analyst or BlockingAnalyst(), code, language, CorrectionConfig()
        )
        tail, end = _TAIL.replace("NAMES", json.dumps(names), 1), len(self._mended.code)
        framed = edited(self._mended.code, [Edit(0, 0, head), Edit(end, end, tail)])
        noted = [Correction(kind="rounds", field="code")]
        self.text = framed.after
        self._whole = CorrectedCode(self.text, noted, (framed,))

    def told(self, result: ExecutionResult) -> ExecutionResult:
        """The result of the last round, with its places in the code as it was written."""
        if result.success and not result.output_truncated:
            result = result.model_copy(update={"output": result.output.get("value")})
        missing = unreturned(self._mended, result)
        if missing is not None:
            warnings = [*(result.warnings or ()), missing]
            result = result.model_copy(update={"warnings": warnings})
        result = in_original(result, self._mended.code, self._whole)
        return in_original(result, self._original, self._mended)


def _waits(result: ExecutionResult) -> bool:
    output = result.output
    return result.success and isinstance(output, dict) and isinstance(output.get("asked"), list)


async def _all(work: list[Any]) -> list[dict[str, Any]]:
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def _answer(
    call: Any, functions: Functions, refusals: tuple[type[Exception], ...]
) -> dict[str, Any]:
    """What a call gave; the code is not trusted to ask for one that there is."""
    match call:
        case {"name": str(name), "args": list(args), "words": str(words)} if name in functions:
            try:
                return {"words": words, "value": await _made(functions[name], args)}
            except refusals as error:
                return {"words": words, "error": str(error)}
    raise TooManyCallsError("the code has asked for something that is not a call")


async def _made(function: Callable[..., Any], args: list[Any]) -> Any:
    value = function(*args)
    return await value if inspect.isawaitable(value) else value
