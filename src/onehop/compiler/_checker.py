"""One checker: a jailed process that checks the programs of one agent before they run.

``guest/checker.js`` is what runs in it.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from onehop.compiler._facts import CheckerAnswer, Facts, Failed, Loading, Messages, read_facts
from onehop.compiler._library import declarations, library
from onehop.compiler._reader import SMALL_ANSWER, GoneError, Reader
from onehop.inputs.gc import Body
from onehop.types import Language

_T = TypeVar("_T")
_MOST_QUESTIONS = 500
"""Then it is replaced: TypeScript's compiler keeps a little of each program."""


class Checker(Reader):
    """Checks one program after another."""

    program = "checker"
    answer_seconds = 5.0
    asked = 0

    @property
    def is_worn(self) -> bool:
        """Whether another one should take its place."""
        return self.asked >= _MOST_QUESTIONS

    async def facts(self, code: str, language: Language) -> Facts | Failed:
        """What the program does with tools. Raises GoneError."""
        answer = await self._question({"kind": "facts", "code": code, "language": language})
        return self._expect(answer, Facts)

    async def messages(
        self, code: str, language: Language, tools: str, context: str
    ) -> Messages | Failed:
        """What TypeScript says of the program's types, where ``tools`` and ``context`` declare
        both. Raises GoneError."""
        question = {"code": code, "language": language, "tools": tools, "context": context}
        return self._expect(await self._question({"kind": "messages", **question}), Messages)

    def _expect(self, answer: CheckerAnswer, kind: type[_T]) -> _T | Failed:
        if not isinstance(answer, kind | Failed):
            self.kill()
            raise GoneError
        return answer

    async def _question(self, question: dict[str, Any]) -> CheckerAnswer:
        self._number += 1
        self.asked += 1
        body = {"id": self._number, "most": SMALL_ANSWER, **question}
        answer: CheckerAnswer = await self._ask(json.dumps(body).encode())
        return answer

    async def _load(self, seconds: float) -> bool:
        answer = await self._receive(seconds)
        if answer != Loading(is_ready=False):
            return False
        self._post(library())
        answer = await self._ask(declarations(), seconds)
        return bool(answer == Loading(is_ready=True))

    def read(self, body: Body, number: int) -> CheckerAnswer:
        """See Reader."""
        return read_facts(body, number)
