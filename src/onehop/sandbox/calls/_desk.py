"""The desk of one run: its calls of tools, from the question to the answer and the record.

What a call may cost is looked at before it is dispatched; a refusal is an answer like any other.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from onehop.errors import ToolError
from onehop.inputs.gc import read_json
from onehop.runs.decisions import Approve, Reject
from onehop.runs.questions import Ask, Call, Question, Reply, Sleep
from onehop.runs.watching import stage
from onehop.sandbox.calls._asking import Asker
from onehop.sandbox.calls._asking import Question as PersonsQuestion
from onehop.sandbox.calls._grant import SNIPPETS, Grant
from onehop.sandbox.calls._media import MediaShelf
from onehop.sandbox.calls._places import Places
from onehop.sandbox.calls._record import CallRecord
from onehop.types import ToolCall

if TYPE_CHECKING:
    from onehop.sandbox.calls._tape import Met, Stop, Tape
    from onehop.tools import Bound, ToolContext

_WRITE_GRACE: Final = 2.0
"""Seconds that a write is awaited which has started when the run ends."""

_AT_ONCE: Final = 16 * 1024
"""Bytes of arguments that are checked in the event loop; more take a thread."""

_WARNINGS: Final = 8
"""Of what tools have answered, in one run."""

_UNKNOWN: Final = "it may have been made already: nobody knows, since its server ended meanwhile"
"""Why people are asked about a call that no rule asks about."""

_log = logging.getLogger(__name__)

CallEvent = Literal["started", "completed", "failed", "denied"]
Hear = Callable[[CallEvent, ToolCall], None]
MakeContext = Callable[[str], "ToolContext"]
"""The context of a call of the tool with this path."""


class UnknownError(Exception):
    """No tool has this path."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class RunDesk:
    """Answers what one run asks. ``aclose`` when it has ended; ``calls`` tells of all of them."""

    def __init__(
        self,
        grant: Grant,
        context: MakeContext,
        hear: Hear | None = None,
        asker: Asker | None = None,
        tape: Tape | None = None,
    ) -> None:
        """``asker`` asks people where a rule wants it; without one such calls are blocked. ``tape``
        records the run, and plays what it has recorded before."""
        self._tape = tape
        self._timers: set[asyncio.TimerHandle] = set()
        self._asker = asker
        self.grant = grant
        """What the run may use."""
        self._context = context
        self._hear = hear
        self._records: list[CallRecord] = []
        self._tasks: dict[asyncio.Task[None], CallRecord] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._answered = 0
        self._is_spent = False
        self._is_closing = False
        self.warnings: list[str] = []
        self.schemas: dict[str, str] = {}
        """The fingerprints of the tools that were called, by path."""
        self.snippets: dict[str, dict[str, Any]] = {}
        """The version of a snippet that each call of one has got, by the call's id."""
        self._versions: dict[str, dict[str, Any]] = {}

    # --- what most runs do not need ---

    @cached_property
    def _places(self) -> Places:
        return Places(self.grant.limits.concurrent, self.grant.limits.per_upstream)

    @cached_property
    def _turn(self) -> asyncio.Lock:
        """Of what is asked about tools."""
        return asyncio.Lock()

    @cached_property
    def _media(self) -> MediaShelf:
        return MediaShelf(self.grant.limits.total)

    # --- what the worker needs of a desk ---

    @property
    def limits_json(self) -> str:
        """See Desk."""
        return self.grant.limits_json

    @property
    def most_calls(self) -> int:
        """See Desk."""
        return self.grant.limits.calls

    @property
    def most_arguments(self) -> int:
        """See Desk."""
        return self.grant.limits.arguments

    @property
    def wait_seconds(self) -> float:
        """See Desk."""
        hold = self._asker.hold if self._asker is not None and self.grant.asks else 0
        before = 0.0 if self._tape is None else self._tape.waited
        return max(0.0, self.grant.limits.wait / 1000 - before) + hold

    @property
    def now(self) -> float | None:
        """See Desk."""
        return None if self._tape is None else self._tape.now

    @property
    def stopped(self) -> asyncio.Future[Stop] | None:
        """Set when the run must end before its code does; None when that cannot be."""
        return None if self._tape is None else self._tape.stopped

    def names(self) -> bytes:
        """See Desk."""
        return self.grant.catalogue.names_json()

    def take(self, question: Question, reply: Reply) -> None:
        """Answer now or later."""
        if self._tape is None:
            self._take(question, reply, None)
            return
        if self._is_closing or (met := self._tape.meet(question)) is None:
            return  # the worker ends
        if met.is_answered:
            if isinstance(question, Call):
                record = self._note_played(question, met)
                reply = self._noting(question, record, reply)
            self._tape.play(met, self._counting(question, met, reply))
        else:
            self._take(question, reply, met)

    def _note_played(self, call: Call, met: Met) -> CallRecord:
        record = self._record(call, met)
        if met.schema:
            self.schemas[record.path] = met.schema
        if met.call is not None:
            record.path, record.effect = met.call.tool, met.call.effect
            record.end(met.call.outcome, met.call.error, met.call.change)
        if met.edited is not None:
            record.arguments = dict(met.edited)
            return record
        with suppress(ValueError):
            given = read_json((call.arguments or "{}").encode("utf-8", "surrogatepass"))
            record.arguments = given if isinstance(given, dict) else {}
        return record

    def _counting(self, question: Question, met: Met, reply: Reply) -> Reply:
        """An answer of before is part of what the run may have, like a new one."""

        def counted(value: bytes | None, error: bytes | None) -> None:
            if met.call is not None:
                self._answered += met.call.bytes_out
            elif isinstance(question, Ask) and question.about == "bytes" and value is not None:
                self._answered += len(value) - len('""')
            reply(value, error)

        return counted

    def _noting(self, call: Call, record: CallRecord, reply: Reply) -> Reply:
        """Of a call of a snippet: notes which version the code gets, also one from the tape."""
        if call.namespace != SNIPPETS:
            return reply

        def noted(value: bytes | None, error: bytes | None) -> None:
            if value is not None:
                answer = json.loads(value)
                told = {name: answer.get(name) for name in ("name", "version", "hash")}
                # The worker keeps the first one that it gets, until the run ends.
                self.snippets[record.id] = self._versions.setdefault(call.member, told)
            reply(value, error)

        return noted

    def _record(self, call: Call, met: Met | None) -> CallRecord:
        record = CallRecord(len(self._records) + 1, _path(call))
        if met is not None:
            record.id, record.met = met.call_id or record.id, met
        self._records.append(record)
        return record

    def _recorded(self, met: Met | None, reply: Reply, record: CallRecord | None = None) -> Reply:
        if self._tape is None or met is None:
            return reply
        return self._tape.recording(met, reply, record)

    def _sleep(self, sleep: Sleep, reply: Reply) -> None:
        loop = asyncio.get_running_loop()

        def due() -> None:
            self._timers.discard(timer)
            reply(b"null", None)

        timer = loop.call_later(sleep.delay / 1000, due)
        self._timers.add(timer)

    def _take(self, question: Question, reply: Reply, met: Met | None) -> None:
        if isinstance(question, Sleep):
            self._sleep(question, self._recorded(met, reply))
            return
        if isinstance(question, Ask):
            self._ask_later(self._answer(question, self._recorded(met, reply)))
            return
        record = self._record(question, met)
        reply = self._recorded(met, self._noting(question, record, reply), record)
        try:
            bound, arguments = self._admit(question, record)
        except UnknownError as error:
            self._ask_later(self._refuse_unknown(record, error, reply))
        except Exception as error:
            self._refuse(record, _as_tool_error(error, record.path), reply)
        else:
            task = asyncio.get_running_loop().create_task(
                self._watched(bound, arguments, record, reply)
            )
            self._tasks[task] = record
            task.add_done_callback(self._tasks.pop)

    def _ask_later(self, answer: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(answer)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def run_out(self) -> None:
        """Nothing but tools has run for as long as may be: the calls in flight are over."""
        self._is_spent = True
        for task in self._tasks:
            task.cancel()

    # --- afterwards ---

    @property
    def calls(self) -> list[ToolCall]:
        """All calls, in the order in which the code made them; of a run that goes on later, those
        that are over."""
        return [each.call for each in self._records if not (self._goes_on and each.is_open)]

    @property
    def _goes_on(self) -> bool:
        """Whether the run ends here, and goes on later, or elsewhere."""
        stopped = self.stopped
        return stopped is not None and stopped.done() and stopped.result() != "diverged"

    @property
    def arguments(self) -> dict[str, Any]:
        """What each call was given, by its id."""
        return {record.id: record.arguments for record in self._records}

    async def aclose(self, *, at_once: bool = False) -> None:
        """The run has ended: what only reads is cancelled, a write that has started is awaited for
        two seconds, unless all is to end ``at_once``."""
        self._is_closing = True
        if not (self._tasks or self._asking or self._timers):
            return
        for timer in self._timers:
            timer.cancel()
        writes = [task for task, record in self._tasks.items() if _is_started_write(record)]
        for task in self._tasks.keys() - set(writes):
            task.cancel()
        self._warn_of_open()
        if writes and not at_once:
            await asyncio.wait(writes, timeout=_WRITE_GRACE)
        rest = [*self._tasks, *self._asking]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.gather(*rest, return_exceptions=True)

    def _warn_of_open(self) -> None:
        for record in self._tasks.values():
            if self._goes_on and not _is_started_write(record):
                continue  # it is made, or asked about, when the run goes on
            fate = "it was awaited for 2 s" if _is_started_write(record) else "it was cancelled"
            self.warnings.append(
                f"the call of {record.path} ({record.id}) was not over when the run ended; {fate}: "
                "await every call"
            )

    # --- one call ---

    def _admit(self, call: Call, record: CallRecord) -> tuple[Bound, dict[str, Any]]:
        """The tool and the arguments of a call that may be made. Raises ToolError."""
        bound = self._find(call)
        record.path, record.effect = bound.path, bound.effect
        self.schemas[bound.path] = bound.fingerprint
        arguments = _arguments(call, bound)
        if record.met is not None and record.met.edited is not None:
            arguments = dict(record.met.edited)
        record.arguments, record.bytes_in = arguments, len((call.arguments or "").encode())
        decision = self.grant.decide(bound, arguments)
        record.rule = decision.rule
        if decision.action == "deny":
            raise ToolError("denied", f"a rule denies {bound.path}: {decision.rule}", bound.path)
        record.asks = decision.action == "ask"
        if record.may_have_been_sent:
            record.asks, record.rule = True, _UNKNOWN
        if record.asks and self._asker is None:
            raise ToolError(
                "blocked",
                f"a person must decide about {bound.path} ({record.rule}), and "
                "approvals are not available here: go on without this call",
                bound.path,
            )
        self._check_budget(bound)
        self._refuse_outdated(bound)
        return bound, arguments

    def _find(self, call: Call) -> Bound:
        path = _path(call)
        bound = self.grant.find(call.namespace, call.member)
        if bound is not None:
            return bound
        raise UnknownError(path)

    def _refuse_outdated(self, bound: Bound) -> None:
        """A snippet whose tools are not those that it was saved with. Raises ToolError."""
        shelf = self.grant.snippets
        if shelf is not None and (error := shelf.refusal(bound, self.grant)) is not None:
            raise error

    def _check_budget(self, bound: Bound) -> None:
        limits = self.grant.limits
        if self._is_spent:
            words = (
                f"the run has waited {limits.wait / 1000:g} s for tools, and may not wait longer"
            )
            raise ToolError("budget", words, bound.path)
        if self._answered >= limits.total:
            words = (
                f"the run has had {self._answered} bytes of answers, and may have {limits.total}"
            )
            raise ToolError("budget", words, bound.path)

    async def _watched(
        self, bound: Bound, arguments: dict[str, Any], record: CallRecord, reply: Reply
    ) -> None:
        with stage("tool", namespace=bound.namespace, path=bound.path, id=record.id) as noted:
            answer = await self._carry_out(bound, arguments, record, reply)
            noted.note(call=record, arguments=arguments, answer=answer)

    async def _carry_out(
        self, bound: Bound, arguments: dict[str, Any], record: CallRecord, reply: Reply
    ) -> bytes | None:
        """The answer, if there is one."""
        try:
            if record.bytes_in > _AT_ONCE:
                arguments = await bound.check_large(arguments)
            else:
                arguments = bound.check(arguments)
            if record.asks:
                arguments = await self._decided(bound, arguments, record)
            record.admit()
            async with self._places.place(bound.namespace):
                value = await self._invoke(bound, arguments, record)
            record.bytes_out = len(value)
            self._count(bound, value)
        except asyncio.CancelledError:
            self._give_up(record, reply)
        except Exception as error:
            self._refuse(record, _as_tool_error(error, bound.path, _effect_of(record)), reply)
        else:
            record.end("ok")
            reply(value, None)
            self.grant.observe(bound, value)
            self._tell("completed", record)
            return value
        return None

    async def _decided(
        self, bound: Bound, arguments: dict[str, Any], record: CallRecord
    ) -> dict[str, Any]:
        """The arguments that a person lets the call be made with. Raises ToolError."""
        assert self._asker is not None  # noqa: S101 - else the call was blocked
        question = PersonsQuestion(
            record.question_id,
            bound,
            bound.effect,
            record.rule,
            record.arguments,
            record.digest,
        )
        decision = await self._asker.ask(question)
        if decision is None:
            raise ToolError(
                "expired",
                f"nobody decided about {bound.path} within {self._asker.patience:g} s: "
                "go on without this call, or ask again later",
                bound.path,
            )
        if isinstance(decision, Reject):
            why = f": {decision.reason}" if decision.reason else ""
            raise ToolError("denied", f"a person denied {bound.path}{why}", bound.path)
        if isinstance(decision, Approve):
            return arguments
        return await self._edited(bound, dict(decision.arguments), record)

    async def _edited(
        self, bound: Bound, given: dict[str, Any], record: CallRecord
    ) -> dict[str, Any]:
        """The schema holds for a person too, and so do rules that deny."""
        decision = self.grant.policy.decide(bound, given)
        if decision.action == "deny":
            raise ToolError("denied", f"a rule denies {bound.path}: {decision.rule}", bound.path)
        record.arguments = given
        return await bound.check_large(given)

    async def _invoke(self, bound: Bound, arguments: dict[str, Any], record: CallRecord) -> bytes:
        """The tool's time begins when it does: waiting for a thread is not its fault."""
        if self._tape is not None and record.met is not None and bound.effect != "read":
            await self._tape.intend(record.met, bound.path, bound.effect)
        limits = self.grant.limits
        seconds = limits.timeout / 1000

        def start() -> None:
            record.start()
            clock.reschedule(asyncio.get_running_loop().time() + seconds)
            self._tell("started", record)

        context = dataclasses.replace(
            self._context(bound.path),
            on_start=start,
            on_media=self._media.keep,
            on_warning=self._warn,
        )
        try:
            async with asyncio.timeout(None) as clock:
                return await bound.invoke(arguments, context, largest=limits.result)
        except TimeoutError:
            words = f"{bound.path} did not answer within {seconds:g} s"
            effect = _effect_of(record)
            raise ToolError(
                "timeout", words, bound.path, retryable=effect == "none", effect=effect
            ) from None

    def _tell(self, event: CallEvent, record: CallRecord) -> None:
        if self._hear is not None:
            self._hear(event, record.call)

    def _warn(self, words: str) -> None:
        """The same once, however often it happens."""
        if words not in self.warnings and len(self.warnings) < _WARNINGS:
            self.warnings.append(words)

    def _count(self, bound: Bound, value: bytes) -> None:
        most = self.grant.limits.total
        self._answered += len(value)
        if self._answered > most:
            words = f"all answers together have more than {most} bytes"
            effect: Literal["none", "applied"] = "none" if bound.effect == "read" else "applied"
            raise ToolError("budget", words, bound.path, effect=effect)

    def _refuse(self, record: CallRecord, error: ToolError, reply: Reply) -> None:
        """Every answer that is not a value passes here."""
        if record.may_have_been_sent and error.effect == "none":
            error.effect, error.retryable = "unknown", False
        is_denied = error.code in ("denied", "blocked", "expired")
        outcome: Literal["denied", "failed", "unknown"] = "denied" if is_denied else "failed"
        if error.effect == "unknown":
            outcome = "unknown"
        record.end(outcome, error.code, error.effect)
        reply(None, json.dumps(error.to_dict()).encode())
        self._tell("denied" if is_denied else "failed", record)

    def _give_up(self, record: CallRecord, reply: Reply) -> None:
        """The call ends before its tool has answered: with the run, or with its time for tools."""
        effect = _effect_of(record)
        if self._goes_on and effect == "none":
            return
        if self._is_closing:
            record.end("unknown" if effect == "unknown" else "cancelled")
            self._tell("failed", record)
            return
        words = f"the run has waited {self.wait_seconds:g} s for tools, and may not wait longer"
        self._refuse(record, ToolError("budget", words, record.path, effect=effect), reply)

    # --- questions about tools ---

    async def _answer(self, ask: Ask, reply: Reply) -> None:
        try:
            answer = await self._look_up(ask)
        except Exception as error:
            told = _as_tool_error(error, ask.about)
            reply(None, json.dumps(told.to_dict()).encode())
        else:
            reply(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"), None)

    async def _look_up(self, ask: Ask) -> Any:
        """One after the other, and in a thread: a flood of questions holds up its own run only."""
        if ask.about == "bytes":
            return self._bytes(ask.subject or "")
        if ask.about == "once":
            return read_json((ask.value or "null").encode("utf-8", "surrogatepass"))
        discovery, subject = self.grant.discovery, ask.subject or ""
        async with self._turn:
            if ask.about == "search":
                few = ask.limit or 10
                return await asyncio.to_thread(discovery.search, subject, ask.namespaces, few)
            if ask.about == "describe":
                return await asyncio.to_thread(discovery.describe, subject)
            return await asyncio.to_thread(discovery.list, ask.subject)

    async def _refuse_unknown(self, record: CallRecord, error: UnknownError, reply: Reply) -> None:
        async with self._turn:
            try:
                told = await asyncio.to_thread(self._unknown, error.path)
            except Exception as failure:
                told = _as_tool_error(failure, error.path)
        self._refuse(record, told, reply)

    def _unknown(self, path: str) -> ToolError:
        """With the names that are close to it: many tools take a while to compare."""
        policy = self.grant.policy
        space, _, name = path.partition(".")
        if space == SNIPPETS:
            return _no_snippet(name, self.grant)
        nearest = self.grant.catalogue.nearest(
            path, keep=lambda other: not policy.is_always_denied(other)
        )
        words = f"; did you mean {', '.join(nearest)}?" if nearest else ""
        return ToolError("unknown_tool", f"no tool is called {path}{words}", path, nearest=nearest)

    def _bytes(self, name: str) -> str:
        """Of media, in base64: part of what a run may have of answers. Raises ToolError."""
        limits = self.grant.limits
        text = self._media.base64(name, limits.result)
        self._answered += len(text)
        if self._answered > limits.total:
            words = f"all answers together have more than {limits.total} bytes"
            raise ToolError("budget", words, "bytes")
        return text


def _as_tool_error(
    error: Exception, path: str, effect: Literal["none", "unknown"] = "none"
) -> ToolError:
    """What the code hears of a failure: of one that nobody expected, only its id in the log."""
    if isinstance(error, ToolError):
        return error
    failure = secrets.token_hex(6)
    _log.error("a question about %s failed (%s)", path, failure, exc_info=error)
    words = f"the host failed; its log has the reason under {failure}"
    return ToolError("internal", words, path, effect=effect)


def _no_snippet(name: str, grant: Grant) -> ToolError:
    nearest = [] if grant.snippets is None else grant.snippets.nearest(name)
    words = f"; did you mean {', '.join(nearest)}?" if nearest else ""
    path = f"{SNIPPETS}.{name}"
    message = f"no snippet is called {name[:80]}{words}"
    return ToolError("unknown_tool", message, path, nearest=nearest)


def _path(call: Call) -> str:
    return f"{call.namespace}.{call.member}" if call.namespace else call.member


def _arguments(call: Call, bound: Bound) -> dict[str, Any]:
    wrong = call.fault
    if call.arguments is not None:
        try:
            arguments = read_json(call.arguments.encode("utf-8", "surrogatepass"))
        except ValueError as error:
            wrong = f"the arguments are not JSON: {str(error)[:200]}"
        else:
            if isinstance(arguments, dict):
                return arguments
            wrong = "a tool takes one argument, an object"
    raise ToolError(
        "invalid_arguments",
        f"{bound.path}: {wrong}",
        bound.path,
        field=call.field,
        parameters=list(bound.parameters),
    )


def _is_started_write(record: CallRecord) -> bool:
    return record.has_started and record.effect != "read"


def _effect_of(record: CallRecord) -> Literal["none", "unknown"]:
    return "unknown" if _is_started_write(record) else "none"
