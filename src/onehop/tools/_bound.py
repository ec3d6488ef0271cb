"""One tool under its path: its schemas, the check of its arguments, and its call."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import logging
import secrets
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import ValidationError

from onehop.errors import ConfigError, ToolError, ToolErrorEffect, ToolFailed
from onehop.limits import ToolLimits
from onehop.tools._checker import Checker, TooMuchError
from onehop.tools._context import ToolContext
from onehop.tools._docstrings import Words, words_of
from onehop.tools._given import GivenSchema
from onehop.tools._http import wrapped
from onehop.tools._names import alias_of
from onehop.tools._observed import says_nothing
from onehop.tools._schema import SchemaError, read_any_schema, read_schema
from onehop.tools._signature import Signature, place_of
from onehop.tools._values import MoreThanPlannedError, to_json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onehop.tools._threads import Threads
    from onehop.tools._tool import Effect, Tool

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 100_000
"""Characters of JSON that are made in the event loop: some ms. More take a thread."""
_RESULT: Final = ToolLimits().result
_PARAMETERS: Final = 100
"""Parameters that an error names."""
_SUGGESTED: Final = 5
"""Parameters that are missing, in a message."""
_PLAIN: Final = frozenset(
    "$schema $id $defs definitions title description type properties required "
    "additionalProperties".split()
)
"""Keywords of a schema by which each argument is judged alone."""
_LONGEST: Final = 8192
"""Characters of what a tool says of its failure."""


class Bound:
    """One tool in a catalogue, ready to be called."""

    answer_note: ClassVar[str] = ""
    """See ``Declared``: its schemas are its own."""

    def __init__(self, tool: Tool, namespace: str, member: str, threads: Threads) -> None:
        """Raises ConfigError for a tool that cannot be described."""
        self.tool = tool
        self.namespace = namespace
        self.member = member
        self.path = f"{namespace}.{member}" if namespace else member
        self.spellings = _spellings(namespace, member, tool.name)
        """Its path, its name as it was given, and its aliases: a rule may be written in each."""
        self.effect: Effect = tool.effect
        self.has_http = tool.has_http
        self._threads = threads
        with self._named():
            words = Words() if tool.input_schema is not None else words_of(tool.call)
            self.description = tool.description or words.description
            self._calling, self.input_schema = self._read(words)
            self.output_schema = self._read_output()
        self.parameters = _parameters(self.input_schema)
        self._checker = Checker(self.input_schema)
        self._is_async = _is_async(tool.call)

    @cached_property
    def fingerprint(self) -> str:
        """Another one when the tool is called in another way."""
        shape = [self.path, self.effect, self.input_schema]
        text = json.dumps(shape, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Bound({self.path!r})"

    @cached_property
    def is_observed(self) -> bool:
        """Whether its answers are looked at: nothing else says what they are like."""
        return says_nothing(self.output_schema)

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments, if the tool can be called with them.

        Raises ToolError (``invalid_arguments``) that says what to write, and where.
        """
        if not isinstance(arguments, dict):
            raise self._invalid(None, "object", "the arguments must be one object")
        if isinstance(self._calling, Signature) and self._calling.accepts(arguments):
            return arguments
        self._check_schema(arguments)
        self._check_conversion(arguments)
        return arguments

    def refusal(self, arguments: dict[str, Any]) -> ToolError | None:
        """What a call with these arguments is refused with, before the tool is asked; None when it
        may pass."""
        if isinstance(self._calling, Signature) and self._calling.accepts(arguments):
            return None
        try:
            self._check_schema(arguments)
        except ToolError as error:
            return error if error.code == "invalid_arguments" else None
        return None

    def refusal_of_part(
        self,
        known: Mapping[str, Any],
        given: Collection[str],
        possible: Collection[str] | None = None,
    ) -> ToolError | None:
        """The same of a call with some arguments that are ``known``; ``given`` are the names of all
        that it has for sure, ``possible`` of all that it may have, if that is known. None when the
        others may make it pass."""
        if set(self.input_schema) - _PLAIN:
            return None
        if isinstance(self._calling, Signature) and not self._calling.has_plain_names:
            return None
        properties = self.input_schema.get("properties", {})
        if self.input_schema.get("additionalProperties") is False and (
            unknown := next((name for name in given if name not in properties), None)
        ):
            near = get_close_matches(unknown[:80], properties, n=3)
            advice = f"; did you mean {near[0]}?" if near else ""
            advice += "" if possible is None else self._also_missing(possible, near)
            return self._invalid(unknown[:200], None, f"{unknown[:200]} is unknown{advice}", near)
        alone = Checker({**self.input_schema, "required": []})
        for name, value in known.items():
            error = self._refusal_alone(alone, name, value)
            if error is not None:
                return error
        return None

    def missing(self, names: Collection[str]) -> ToolError | None:
        """The refusal of a call that has no arguments beside ``names``, if that are too few."""
        if set(self.input_schema) - _PLAIN:
            return None
        if isinstance(self._calling, Signature) and not self._calling.has_plain_names:
            return None
        required = self.input_schema.get("required", ())
        absent = next((name for name in required if name not in names), None)
        return absent and self._invalid(absent, None, f"{absent} is missing")

    def _also_missing(self, names: Collection[str], near: Collection[str] | None) -> str:
        """What a call with an unknown parameter lacks too: often it is the same value under another
        name. ``near`` is what is suggested already."""
        required = self.input_schema.get("required", ())
        absent = [name for name in required if name not in names and name not in (near or ())]
        if not absent:
            return ""
        verb = "is" if len(absent) == 1 else "are"
        return f"; {', '.join(absent[:_SUGGESTED])} {verb} missing"

    def _refusal_alone(self, alone: Checker, name: str, value: Any) -> ToolError | None:
        try:
            fault = alone.fault({name: value})
        except Exception:  # whatever a stranger's schema makes of it
            return None
        if fault is None:
            return None
        if isinstance(self._calling, Signature) and not self._calling.refuses(name, value):
            return None
        return self._invalid(fault.field, fault.expected, fault.message, fault.nearest)

    async def check_large(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """As ``check``, in a thread if the schema has to be applied: many values take a second."""
        if isinstance(self._calling, Signature) and self._calling.accepts(arguments):
            return arguments
        return await asyncio.to_thread(self.check, arguments)

    async def invoke(
        self,
        arguments: dict[str, Any],
        context: ToolContext,
        *,
        largest: int = _RESULT,
    ) -> bytes:
        """Call the tool; the JSON text of its value, in UTF-8, of at most ``largest`` bytes.

        Arguments are converted, not checked: see ``check``. Raises ToolError. KeyboardInterrupt
        passes, and so does the cancelling of this task.
        """
        with self._translated():
            if self._is_async:
                return await self._call_here(arguments, context, largest)
            return await self._call_in_thread(arguments, context, largest)
        raise AssertionError("unreachable")

    async def _call_here(self, arguments: dict[str, Any], context: ToolContext, most: int) -> bytes:
        positional, named = self._filled(arguments, context)
        if not self.tool.starts_itself:
            context.start()
        return await self._written(await self.tool.call(*positional, **named), most, context)

    async def _call_in_thread(
        self, arguments: dict[str, Any], context: ToolContext, most: int
    ) -> bytes:
        positional, named = self._filled(arguments, _from_thread(context))

        large: list[str] = []

        def call() -> Any:
            value = self.tool.call(*positional, **named)
            return (
                value
                if inspect.isawaitable(value)
                else to_json_text(wrapped(value), most, large=large)
            )

        made = await self._threads.run(call, context.on_start, context.agent_id)
        if not isinstance(made, bytes):
            return await self._written(await made, most, context)
        self._warn_of_large(large, context)
        return made

    async def _written(self, value: Any, most: int, context: ToolContext) -> bytes:
        value, large = wrapped(value), list[str]()
        try:
            made = to_json_text(value, most, _AT_ONCE, large)
        except MoreThanPlannedError:
            large.clear()
            made = await asyncio.to_thread(to_json_text, value, most, large=large)
        self._warn_of_large(large, context)
        return made

    def _warn_of_large(self, places: list[str], context: ToolContext) -> None:
        if places:
            where = f" at {', '.join(filter(None, places))}" if any(places) else ""
            context.warn(
                f"{self.path} answered an integer beyond 2^53{where}: it came as text, with all "
                "its digits; BigInt(text) makes a number of it"
            )

    def _filled(
        self, arguments: dict[str, Any], context: ToolContext
    ) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with, the context among it."""
        try:
            positional, named = self._calling.convert(arguments)
        except ValidationError as error:
            raise self._invalid_value(error, arguments) from None
        if not self._calling.contexts:
            return positional, named
        here = context if context.tool == self.path else replace(context, tool=self.path)
        return positional, {**named, **dict.fromkeys(self._calling.contexts, here)}

    def _read(self, words: Words) -> tuple[Signature | GivenSchema, dict[str, Any]]:
        if self.tool.input_schema is None:
            signature = Signature(self.tool.call, words)
            return signature, signature.schema
        schema = read_schema(self.tool.input_schema)
        return GivenSchema(self.tool.call, schema), schema

    def _read_output(self) -> dict[str, Any] | None:
        if self.tool.output_schema is not None:
            return read_any_schema(self.tool.output_schema)
        return self._calling.output_schema if isinstance(self._calling, Signature) else None

    @contextmanager
    def _named(self) -> Iterator[None]:
        """An error that names the tool by its path."""
        try:
            yield
        except (SchemaError, ConfigError) as error:
            message = str(error).removeprefix("tools: ")
            if isinstance(error, SchemaError):
                message = f"its schema cannot be used: {message}"
            raise ConfigError(f"tools.{self.path}", message) from None

    def _check_schema(self, arguments: dict[str, Any]) -> None:
        try:
            fault = self._checker.fault(arguments)
        except TooMuchError:
            raise ToolError(
                "too_large", "the arguments have too many values to be checked", self.path
            ) from None
        except Exception:  # whatever a stranger's schema makes of them
            raise self._internal() from None
        if fault is not None:
            message = fault.message
            if fault.is_unknown and fault.field in arguments:
                message += self._also_missing(arguments, fault.nearest)
            raise self._invalid(fault.field, fault.expected, message, fault.nearest)
        if isinstance(self._calling, GivenSchema) and (name := self._calling.unknown(arguments)):
            near = get_close_matches(name[:80], self._calling.names or (), n=3)
            raise self._invalid(name[:200], None, f"{name[:200]} is unknown", near)

    def _check_conversion(self, arguments: dict[str, Any]) -> None:
        try:
            self._calling.convert(arguments)
        except ValidationError as error:
            raise self._invalid_value(error, arguments) from None
        except Exception:
            raise self._internal() from None

    def _invalid_value(self, error: ValidationError, arguments: dict[str, Any]) -> ToolError:
        field, message = place_of(error, arguments)
        return self._invalid(
            field or None, message, f"{field or 'the arguments'}: it must be {message}"
        )

    def _invalid(
        self, field: str | None, expected: str | None, message: str, near: list[str] | None = None
    ) -> ToolError:
        return ToolError(
            "invalid_arguments",
            f"{self.path}: {message}",
            self.path,
            field=field,
            expected=expected,
            effect="none",
            parameters=self.parameters[:_PARAMETERS],
            nearest=near or None,
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Whatever the tool raises leaves as a ToolError that says no more than it may."""
        task = _task()
        try:
            yield
        except ToolFailed as error:
            raise ToolError("failed", _bounded(error), self.path, effect=self._unsure) from None
        except ToolError as error:
            error.tool = self.path
            if error.effect == "applied" and self.effect == "read":
                error.effect = "none"
            elif not (error.says_effect or self.tool.starts_itself):
                error.effect = self._unsure
            raise
        except KeyboardInterrupt:
            raise
        except GeneratorExit:
            if task is None or _task() is not task:  # this coroutine is being closed
                raise
            raise self._internal() from None
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            raise self._internal() from None
        except BaseExceptionGroup as error:
            if error.subgroup(KeyboardInterrupt):
                raise
            raise self._internal() from None
        except BaseException:
            raise self._internal() from None

    @property
    def _unsure(self) -> ToolErrorEffect:
        return "none" if self.effect == "read" else "unknown"

    def _internal(self) -> ToolError:
        """The log gets the exception that is handled, the caller only its id."""
        failure = secrets.token_hex(6)
        _log.error("the tool %s failed (%s)", self.path, failure, exc_info=_from_the_tool())
        return ToolError(
            "internal",
            f"the tool failed; the host's log has the reason under {failure}",
            self.path,
            effect=self._unsure,
        )


def _from_the_tool() -> bool | tuple[type[BaseException], BaseException, TracebackType]:
    """What a log says of the exception that is handled: from the first frame on that is not of this
    room. Authors of tools look for their own line, below seven of ours."""
    error = sys.exception()
    trace = error.__traceback__ if error else None
    while trace and trace.tb_frame.f_globals.get("__name__", "").startswith(f"{__package__}."):
        trace = trace.tb_next
    return (type(error), error, trace) if error and trace else True


def _task() -> asyncio.Task[Any] | None:
    """The task that runs now, if one does."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _from_thread(context: ToolContext) -> ToolContext:
    """The same for a function in a thread: what it reports arrives in the event loop."""
    if (report := context.on_progress) is None:
        return context
    loop = asyncio.get_running_loop()

    def later(fraction: float, message: str) -> None:
        loop.call_soon_threadsafe(report, fraction, message)

    return replace(context, on_progress=later)


def _bounded(error: ToolFailed) -> str:
    text = str(error.message)[:_LONGEST]
    return text.encode("utf-8", "replace").decode()


def _spellings(namespace: str, member: str, name: str) -> tuple[str, ...]:
    spaces = {namespace, alias_of(namespace)} if namespace else {""}
    names = {member, name, alias_of(member)}
    paths = {f"{space}.{one}" if space else one for space in spaces for one in names}
    return tuple(sorted(paths))


def _parameters(schema: Mapping[str, Any]) -> tuple[str, ...]:
    required = set(schema.get("required", ()))
    return tuple(f"{name}*" if name in required else name for name in schema.get("properties", {}))


def _is_async(call: Callable[..., Any]) -> bool:
    while isinstance(call, partial):
        call = call.func
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004 - an object that is called is async by it
    )
