"""Between a run's questions and their answers: it records them, and plays what was recorded."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from onehop.errors import StoreError, ToolError
from onehop.runs.questions import Ask, Call, Question, Reply, Sleep
from onehop.sandbox.calls import CallRecord, Met, Stop
from onehop.sandbox.recordings._entries import Answered, Intended, Made, call_of
from onehop.sandbox.recordings._log import LostRunError, RunLog
from onehop.sandbox.recordings._script import Difference, Script, in_words
from onehop.types import Effect

_CANONICAL: Final = 16 * 1024
"""Bytes of arguments up to which the order of their keys does not matter."""
SchemaOf = Callable[[str, str], str]
"""Digest of how the tool of a namespace and member is to be called; empty if there is none."""


class Tape:
    """The tape of one run; see ``calls.Tape``.

    ``log`` takes what happens; ``script`` is what happened before; ``still`` is the time of a clock
    that the caller has fixed. ``is_offline``: nothing is asked of anybody, so that what the script
    does not have is a difference.
    """

    def __init__(
        self,
        log: RunLog | None,
        script: Script | None = None,
        *,
        schema_of: SchemaOf = lambda _namespace, _member: "",
        still: bool = False,
        is_offline: bool = False,
    ) -> None:
        self.log = log
        self.script = script or Script()
        self._schema_of = schema_of
        self._still = still
        self._is_offline = is_offline
        self._number = self.script.last
        self._calls = self.script.last_call
        self._ready: dict[int, Reply] = {}
        self._played = 0
        self._moment: float | None = None
        self.edited: Mapping[str, Mapping[str, Any]] = {}
        """The arguments that people gave instead of the code's, by the calls' ids."""
        self.difference: Difference | None = None
        self.stopped: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()

    @property
    def now(self) -> float | None:
        """See Desk."""
        return None if self._still else self._moment

    @property
    def waited(self) -> float:
        """See calls.Tape."""
        return self.script.waited

    # --- questions ---

    def meet(self, question: Question) -> Met | None:
        """Take a question of the code's; None when the run ends by it."""
        asked = self._asked(question)
        if not self.script.is_over:
            return self._again(asked)
        if self._is_offline:
            self._differ(asked.number, "nothing more", in_words(asked))
            return None
        return self._new(asked)

    def _asked(self, question: Question) -> Made:
        number = self._number + 1
        if isinstance(question, Sleep):
            return Made(number, "sleep", "", f"{question.delay:g}")
        if isinstance(question, Ask):
            what = json.dumps([question.subject, question.limit, question.namespaces])
            return Made(number, "ask", question.about, _digest(what))
        path = f"{question.namespace}.{question.member}".removeprefix(".")
        schema = self._schema_of(question.namespace, question.member)
        return Made(number, "call", path, _digest_of(question), schema=schema)

    def _again(self, asked: Made) -> Met | None:
        found = self.script.match(asked)
        if found is None:
            expected = self.script.next_open()
            assert expected is not None  # noqa: S101 - it is not over
            self._differ(expected.number, in_words(expected), in_words(asked))
            return None
        answer = self.script.answers.get(found.number)
        if answer is None and found.schema != asked.schema:
            now = f"a call of {asked.subject}, which was changed or is gone"
            self._differ(found.number, in_words(found), now)
            return None
        attempts = 0 if answer is not None else self.script.attempts[found.number]
        was_made = answer is not None or attempts
        return Met(
            number=found.number,
            call_id=found.call_id,
            attempts=attempts,
            sent_as=self.script.effects.get(found.number, "write"),
            is_answered=answer is not None or self._is_offline,
            call=None if answer is None else call_of(answer),
            edited=self.edited.get(found.call_id) if was_made else None,
            schema=found.schema,
        )

    def _new(self, asked: Made) -> Met:
        self._number = asked.number
        call_id = ""
        if asked.kind == "call":
            self._calls += 1
            call_id = f"call_{self._calls}"
        if self.log is not None:
            made = Made(
                asked.number, asked.kind, asked.subject, asked.digest, call_id, asked.schema
            )
            self.log.add(made, len(asked.subject))
        return Met(asked.number, call_id)

    def _differ(self, number: int, was: str, now: str) -> None:
        self.difference = Difference(number, was, now)
        self.stop("diverged")

    def stop(self, why: Stop) -> None:
        """End the run; the first reason counts."""
        if not self.stopped.done():
            self.stopped.set_result(why)

    # --- answers that are recorded ---

    def play(self, met: Met, reply: Reply) -> None:
        """Answer as it was answered before, when its turn has come."""
        self._ready[met.number] = reply
        while self._played < len(self.script.order):
            number = self.script.order[self._played]
            if number not in self._ready:
                return
            self._played += 1
            self._play(self.script.answers[number], self._ready.pop(number))

    def _play(self, answer: Answered, reply: Reply) -> None:
        self._moment = answer.at
        if answer.value is not None:
            reply(answer.value.encode("utf-8", "surrogatepass"), None)
        else:
            reply(None, (answer.error or "{}").encode())

    def recording(self, met: Met, reply: Reply, record: CallRecord | None) -> Reply:
        """Write down what is answered."""

        def recorded(value: bytes | None, error: bytes | None) -> None:
            self._moment = time.time_ns() / 1e6
            if self.log is not None:
                answer = _Answering(met.number, self.now, value, error, record)
                # A run that is stopped can go on by it, whatever it was answered last.
                self.log.add(answer, 0 if self.stopped.done() else _size(value))
            reply(value, error)

        return recorded

    async def intend(self, met: Met, tool: str, effect: Effect) -> None:
        """A call is about to be sent that may change something: on disk first. Raises ToolError."""
        if self.log is None:
            return
        try:
            await self.log.keep(Intended(met.number, effect))
        except LostRunError:
            self.stop("lost")
            await asyncio.get_running_loop().create_future()  # the run ends meanwhile
        except StoreError as error:
            raise _unwritten(tool, error) from None


def _unwritten(tool: str, error: StoreError) -> ToolError:
    words = f"{tool} was not called, for the host cannot write down now that it is: {error}"
    return ToolError("unavailable", words, tool, retryable=True)


@dataclass(frozen=True, slots=True)
class _Answering:
    """Makes the entry of an answer when it is written."""

    number: int
    at: float | None
    value: bytes | None
    error: bytes | None
    record: CallRecord | None

    def __call__(self) -> Answered:
        call: dict[str, Any] | None = None
        if self.record is not None and self.record.outcome is not None:
            call = self.record.call.model_dump(by_alias=True)
        return Answered(self.number, self.at, _text(self.value), _text(self.error), call)

    @property
    def bare(self) -> _Answering | None:
        """What is kept when answers are not."""
        return None if self.record is None else replace(self, value=None, error=None)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "surrogatepass")


def _size(value: bytes | None) -> int:
    return len(value or b"")


def _digest_of(call: Call) -> str:
    """The same for arguments that are the same, whatever the order of their keys."""
    text = call.arguments
    if text is None:
        return _digest(f"no arguments: {call.fault}")
    if len(text) <= _CANONICAL:
        with suppress(ValueError, RecursionError):  # it is refused anyway
            text = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
