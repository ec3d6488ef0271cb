"""Check a call before anything runs; what passes is serialised once.

The common call costs microseconds. Where a context is bad is only searched for after it is known
to be bad.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from reprlib import Repr
from typing import Any, Protocol, get_args

from pydantic_core import PydanticSerializationError, to_json

from onehop._data import data
from onehop.config import SandboxConfig
from onehop.errors import InvalidRequestError
from onehop.inputs.choices import check_clock, check_seed, check_session
from onehop.inputs.gc import read_json
from onehop.inputs.integers import (
    MOST,
    as_texts,
    is_double,
    large_integers,
    may_have_large,
    warning,
)
from onehop.inputs.languages import DEFAULT, language_named
from onehop.inputs.values import has_more_values
from onehop.runs.questions import Moves
from onehop.types import CheckPolicy, ExecutionRequest, Isolation, Language

MIN_TIMEOUT = 100
"""ms"""
MAX_CONTEXT_DEPTH = 200
"""Levels of nesting below the context itself: what the JSON parser takes."""

_MAX_SHOWN = 80
_QUICK = 2000
"""Values that are checked at once."""
_TEXT = 512
"""Characters that take as long as a value."""
_MAX_BITS = 14_000
"""Of an integer; Python itself reads none of more than 4300 digits from a text."""
_JSON = "JSON data: an object of null, booleans, finite numbers, strings, lists and objects"


class Ahead(Protocol):
    """What will run a call, for this call only."""

    def read(self, context_json: bytes) -> None:
        """The code's context, if it passes: there is time to read it while it is checked."""

    def close(self) -> None:
        """Forget it, unless the call runs."""


@data(frozen=True, slots=True)
class CheckedRequest:
    """A call that can run, and its context as JSON text in UTF-8."""

    request: ExecutionRequest
    context_json: bytes
    warnings: tuple[str, ...] = ()
    """What the caller should know of a call that passes."""
    isolation: Isolation = "process"
    """Where it must run; a backend that cannot do that refuses it."""
    moves: Moves | None = None
    """How the host keeps its time, so that it can be run again alike; ``request`` has seed and
    clock then."""
    ahead: Ahead | None = None
    """What may have read the context already."""


def check_request(
    config: SandboxConfig,
    ahead: Ahead | None = None,
    *,
    code: Any,
    language: Any = None,
    timeout: Any = None,
    context: Any = None,
    capture_console: Any = None,
    description: Any = None,
    typecheck: Any = None,
    plan: Any = None,
    isolation: Any = None,
    seed: Any = None,
    clock: Any = None,
    session: Any = None,
) -> CheckedRequest:
    """Check every argument and fill in what ``config`` decides.

    The request holds a copy of the context, so that the caller's may change afterwards; ``ahead``
    may read it while it is checked. Raises
    InvalidRequestError that names the field, what it was and what it may be.
    """
    copy, text = _check_context(context, config, ahead)
    warnings: tuple[str, ...] = ()
    if copy:
        copy, text, warnings = _check_integers(copy, text, config)
    request = ExecutionRequest.known(
        code=_check_code(code, config.max_code),
        language=_check_language(language),
        timeout=_check_timeout(timeout, config),
        context=copy,
        capture_console=_check_capture(capture_console, config),
        description=_check_description(description),
        typecheck=_check_policy(typecheck),
        plan=_check_plan(plan),
        seed=check_seed(seed),
        clock=check_clock(clock),
        session=check_session(session),
    )
    found = _isolation_with(request.session, isolation, config.isolation)
    return CheckedRequest(request, text, warnings, found, ahead=ahead)


def is_large(arguments: Any) -> bool:
    """Whether checking these would keep others waiting, so that it belongs into a thread.

    Looks at no more than a few thousand values.
    """
    left, pending = _QUICK, [arguments]
    while pending and left >= 0:
        part = pending.pop()
        left -= 1
        if isinstance(part, str):
            left -= len(part) // _TEXT
        elif isinstance(part, Mapping | list | tuple):
            left -= len(part)
            if left >= 0:
                pending.extend(part.values() if isinstance(part, Mapping) else part)
    return left < 0


def _check_code(code: Any, max_bytes: int) -> str:
    allowed = f"a string of at least 1 character and at most {max_bytes} bytes"
    if not isinstance(code, str) or not code:
        raise InvalidRequestError("code", _show(code), allowed)
    size = len(code) if len(code) > max_bytes else _utf8_length("code", code)
    if size > max_bytes:
        raise InvalidRequestError("code", f"a string of {size} bytes or more", allowed)
    nul = code.find("\0")
    if nul >= 0:
        raise InvalidRequestError("code", f"a NUL character at index {nul}", "text without NUL")
    return code


def _utf8_length(field: str, text: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        lone = f"a lone surrogate {text[error.start]!r} at index {error.start}"
        raise InvalidRequestError(field, lone, "text that UTF-8 can encode") from None


def _check_language(language: Any) -> Language:
    if language is None:
        return DEFAULT
    named = language_named(language)
    if named is None:
        allowed = " or ".join(map(repr, get_args(Language)))
        raise InvalidRequestError("language", _show(language), allowed)
    return named


def _check_timeout(timeout: Any, config: SandboxConfig) -> float:
    if timeout is None:
        return float(config.timeout)
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if is_number and MIN_TIMEOUT <= timeout <= config.timeout_max:  # False for NaN
        return float(timeout)
    allowed = f"a number of milliseconds from {MIN_TIMEOUT} to {config.timeout_max:.15g}"
    raise InvalidRequestError("timeout", _show(timeout), allowed)


def _check_capture(capture_console: Any, config: SandboxConfig) -> bool:
    if capture_console is None:
        return config.capture_console
    if isinstance(capture_console, bool):
        return capture_console
    raise InvalidRequestError("capture_console", _show(capture_console), "true or false")


def _check_policy(typecheck: Any) -> CheckPolicy | None:
    if typecheck is None:
        return None
    policies = get_args(CheckPolicy)
    if typecheck not in policies:
        allowed = ", ".join(map(repr, policies))
        raise InvalidRequestError("typecheck", _show(typecheck), f"one of {allowed}")
    policy: CheckPolicy = typecheck
    return policy


def _check_plan(plan: Any) -> bool:
    if plan is None or isinstance(plan, bool):
        return bool(plan)
    raise InvalidRequestError("plan", _show(plan), "true or false")


def _isolation_with(session: str | None, isolation: Any, default: Isolation) -> Isolation:
    """A session has a process of its own, also where realms are the default."""
    if session is None:
        return check_isolation(isolation, default)
    if check_isolation(isolation) == "realm":
        allowed = "'process' or left out in a call with a session: a realm ends with its run"
        raise InvalidRequestError("isolation", "'realm'", allowed)
    return "process"


def check_isolation(isolation: Any, default: Isolation = "process") -> Isolation:
    """The class, ``default`` if none is named. Raises InvalidRequestError."""
    if isolation is None:
        return default
    if isolation in get_args(Isolation):
        found: Isolation = isolation
        return found
    allowed = " or ".join(map(repr, get_args(Isolation)))
    raise InvalidRequestError("isolation", _show(isolation), allowed)


def _check_description(description: Any) -> str | None:
    if description is None:
        return None
    if not isinstance(description, str):
        raise InvalidRequestError("description", _show(description), "a string or nothing")
    _utf8_length("description", description)
    return description


def _check_context(
    context: Any, config: SandboxConfig, ahead: Ahead | None
) -> tuple[dict[str, Any], bytes]:
    """A copy of the context and its JSON text, which ``ahead`` gets as soon as it is there.

    The serialiser is lenient (a set becomes a list, the key 1 becomes "1"); what it bent shows
    when the text is read again and compared, which costs less than looking at each value.
    """
    if context is None or context == {}:
        return {}, b"{}"
    if not isinstance(context, dict):
        raise InvalidRequestError("context", _show(context), _JSON)
    text = _serialise(context)
    _check_size(text, config)
    if ahead is not None:
        ahead.read(text)
    copy = _parse(context, text)
    if copy != context:
        _refuse_bad_part(context)  # passes when the difference is only a tuple
    return copy, text


def _check_size(text: bytes, config: SandboxConfig) -> None:
    if len(text) > config.max_context:
        got, allowed = f"{len(text)} bytes of JSON", f"at most {config.max_context} bytes of JSON"
        raise InvalidRequestError("context", got, allowed)
    if has_more_values(text, config.max_values):
        allowed = f"at most {config.max_values}: large tables as text that the code takes apart"
        raise InvalidRequestError("context", "more JSON values than that", allowed)


def _check_integers(
    context: dict[str, Any], text: bytes, config: SandboxConfig
) -> tuple[dict[str, Any], bytes, tuple[str, ...]]:
    """The context and its text as the code gets them, and the warnings about it."""
    if not may_have_large(text) or not any(True for _ in large_integers(context)):
        return context, text, ()
    places = list(_places_of_large(context))
    if config.large_integers == "strings":
        as_texts(context)
        return context, _serialise(context), ()
    return context, text, (warning(places),)


def _places_of_large(context: dict[str, Any]) -> Iterator[str]:
    """Where integers beyond 2^53 are. Raises InvalidRequestError for one beyond any double."""
    pending: list[tuple[Any, _Path]] = [(context, _Path(None, "context"))]
    while pending:
        value, path = pending.pop()
        if isinstance(value, dict | list):
            pending.extend(reversed(list(_children(value, path))))
        elif type(value) is int and abs(value) > MOST:
            if not is_double(value):
                got = f"a number of {len(str(abs(value)))} digits at {path}"
                raise InvalidRequestError("context", got, "numbers below 1.8e308 in size")
            yield str(path)


def _serialise(context: dict[str, Any]) -> bytes:
    try:
        return to_json(context)
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise _why_bad(context, error) from None


def _parse(context: dict[str, Any], text: bytes) -> dict[str, Any]:
    try:
        copy: dict[str, Any] = read_json(text)
    except ValueError as error:
        raise _why_bad(context, error) from None
    return copy


def _why_bad(context: dict[str, Any], error: Exception) -> InvalidRequestError:
    try:
        _refuse_bad_part(context)
    except InvalidRequestError as found:
        return found
    return InvalidRequestError("context", f"data that is not JSON ({str(error)[:200]})", _JSON)


def _refuse_bad_part(context: dict[str, Any]) -> None:
    """Walk to the first part that is not JSON and refuse it with its path; iterative."""
    pending: list[tuple[Any, _Path]] = [(context, _Path(None, "context"))]
    while pending:
        value, path = pending.pop()
        if not isinstance(value, dict | list | tuple):
            _check_scalar(value, path)
            continue
        _check_nesting(value, path)
        pending.extend(reversed(list(_children(value, path))))


@data(frozen=True, slots=True)
class _Path:
    """A place in the context, linked to the one around it, so that each costs the same."""

    parent: _Path | None
    step: str
    value: Any = None
    depth: int = 0

    def __str__(self) -> str:
        text = "".join(reversed([each.step for each in self.up()]))
        return text if len(text) <= 200 else f"{text[:100]}…{text[-100:]}"

    def up(self) -> Iterator[_Path]:
        """This place and all around it."""
        here: _Path | None = self
        while here is not None:
            yield here
            here = here.parent


def _children(value: Any, path: _Path) -> Iterator[tuple[Any, _Path]]:
    here = _Path(path.parent, path.step, value, path.depth)
    if not isinstance(value, dict):
        for index, child in enumerate(value):
            yield child, _Path(here, f"[{index}]", depth=path.depth + 1)
        return
    for key, child in value.items():
        if not isinstance(key, str):
            got = f"the key {_show(key)} in {path}"
            raise InvalidRequestError("context", got, "JSON data: keys are strings")
        _check_scalar(key, path)
        step = f".{key}" if key.isidentifier() else f"[{_show(key)}]"
        yield child, _Path(here, step, depth=path.depth + 1)


def _check_nesting(value: Any, path: _Path) -> None:
    if any(around.value is value for around in path.up()):
        raise InvalidRequestError("context", f"a cycle at {path}", "JSON data without cycles")
    if path.depth > MAX_CONTEXT_DEPTH:
        allowed = f"JSON data nested at most {MAX_CONTEXT_DEPTH} levels deep"
        raise InvalidRequestError("context", f"a deeper level at {path}", allowed)


def _check_scalar(value: Any, path: _Path) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidRequestError("context", f"{value} at {path}", _JSON)
    elif isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            got = f"a number of over 4000 digits at {path}"
            raise InvalidRequestError("context", got, "numbers below 1.8e308 in size")
    elif value is not None:
        got = f"{_show(value)} ({type(value).__name__}) at {path}"
        raise InvalidRequestError("context", got, _JSON)


def _check_text(text: str, path: _Path) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        lone = f"a lone surrogate {text[error.start]!r} at index {error.start} of {path}"
        raise InvalidRequestError("context", lone, "text that UTF-8 can encode") from None


_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _MAX_SHOWN
_SHORT.maxlevel = 3


def _show(value: Any) -> str:
    """A short form of anything, also of what cannot show itself."""
    try:
        text = _SHORT.repr(value)
    except Exception:  # a foreign __repr__ may raise what it likes
        text = f"a {type(value).__name__}"
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
