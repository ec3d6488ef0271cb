"""Repairs of the arguments of one call, in their wire form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from onehop.config import CorrectionConfig
from onehop.corrections._fence import wrapped_language
from onehop.corrections._nested import nested_call
from onehop.corrections._report import correction, shorten
from onehop.inputs.languages import language_named
from onehop.inputs.strict import parse
from onehop.inputs.values import has_more_values
from onehop.types import Correction

NAMES: Final = {
    "lang": "language",
    "script": "code",
    "source": "code",
    "timeoutMs": "timeout",
    "timeout_ms": "timeout",
    "capture_console": "captureConsole",
}
"""Wrong names, and what they mean."""
MIN_TIMEOUT: Final = 100
"""ms; no number below it can be a timeout, so that it may be seconds."""
MAX_SECONDS: Final = 30
"""Greater numbers below the minimum are more likely milliseconds than seconds."""

_NUMBER = re.compile(r"\s{0,9}(\d{1,12}(?:\.\d{1,6})?)\s{0,9}", re.ASCII)
_INTEGER = re.compile(r"\s{0,9}\d{1,16}\s{0,9}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_MOST_VALUES: Final = 500_000
"""Of a context in a text that is read: to build more would cost more than it may."""
_LONGEST_WORD = 20
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class CorrectedCall:
    """The arguments as they were meant, and what was changed."""

    arguments: dict[str, Any]
    corrections: list[Correction]


@dataclass(frozen=True, slots=True)
class _Change:
    correction: Correction
    value: Any
    removed: str | None = None
    """The wrong name."""


@dataclass(frozen=True, slots=True)
class _Round:
    """The call as one pass over it finds it."""

    arguments: dict[str, Any]
    earlier: list[Correction]
    timeout_max: float


def correct_arguments(
    arguments: Mapping[str, Any], config: CorrectionConfig, timeout_max: float = 30000
) -> CorrectedCall:
    """Repair what a caller sent, in wire names; ``arguments`` itself is left as it is.

    At most ``config.max_retries`` rounds: what one reveals, the next one repairs. Unknown names
    and ambiguous values stay, to be refused.
    """
    current, made = dict(arguments), list[Correction]()
    for _ in range(config.max_retries if config.enabled else 0):
        state = _Round(dict(current), list(made), timeout_max)
        for field, rule in _RULES:
            if field is not None and field not in state.arguments:
                continue
            for change in rule(state):
                if change.removed is not None:
                    del current[change.removed]
                current[change.correction.field] = change.value
                made.append(change.correction)
        if len(made) == len(state.earlier):
            break
    return CorrectedCall(current, made)


def _names(state: _Round) -> Iterator[_Change]:
    if NAMES.keys().isdisjoint(state.arguments):
        return
    for wrong, right in NAMES.items():
        rivals = [name for name in NAMES if NAMES[name] == right and name in state.arguments]
        if rivals == [wrong] and right not in state.arguments:
            yield _Change(correction("name", right, wrong, right), state.arguments[wrong], wrong)


def _language(state: _Round) -> Iterator[_Change]:
    given = state.arguments.get("language")
    meant = language_named(given)
    if meant is not None and meant != given:
        yield _Change(correction("language", "language", given, meant), meant)


def _nested(state: _Round) -> Iterator[_Change]:
    """The call itself, given as the code: its fields take their places.

    Its language counts more than the one beside it, which many callers always send.
    """
    code = state.arguments.get("code")
    call = nested_call(code, NAMES) if isinstance(code, str) else None
    if call is None or not isinstance(code, str) or _contradicts(call, state.arguments):
        return
    for name, value in call.items():
        if name != "code" and value is not None:
            yield _Change(correction("nested", name, None, _told(name, value)), value)
    yield _Change(correction("nested", "code", shorten(code), shorten(call["code"])), call["code"])


def _contradicts(call: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    rest = [name for name in call if name not in ("code", "language")]
    return any(
        arguments.get(name) not in (None, {}) and arguments[name] != call[name] for name in rest
    )


def _told(name: str, value: Any) -> Any:
    """What may be repeated of a value: of a context only its size."""
    if isinstance(value, dict):
        return f"object with {len(value)} fields"
    if name == "context" or not isinstance(value, str | int | float):
        return f"a {type(value).__name__}"
    return value[:_SHOWN] if isinstance(value, str) else value


def _fenced_language(state: _Round) -> Iterator[_Change]:
    """TypeScript in a fence or tag that says so, in a call that names no language."""
    code = state.arguments.get("code")
    named = [state.arguments.get(name) for name in ("language", "lang")]
    if not isinstance(code, str) or any(name is not None for name in named):
        return
    if wrapped_language(code) == "typescript":
        yield _Change(correction("language", "language", None, "typescript"), "typescript")


def _number(state: _Round) -> Iterator[_Change]:
    given = state.arguments.get("timeout")
    found = _NUMBER.fullmatch(given) if isinstance(given, str) else None
    if found:
        number = float(found[1]) if "." in found[1] else int(found[1])
        yield _Change(correction("number", "timeout", given, number), number)


def _seed(state: _Round) -> Iterator[_Change]:
    given = state.arguments.get("seed")
    if isinstance(given, str) and _INTEGER.fullmatch(given):
        yield _Change(correction("number", "seed", given, int(given)), int(given))


def _seconds(state: _Round) -> Iterator[_Change]:
    given = state.arguments.get("timeout")
    if isinstance(given, bool) or not isinstance(given, int | float) or _is_in_ms(state):
        return
    milliseconds = round(given * 1000, 3) if 0 < given <= MAX_SECONDS else 0
    if MIN_TIMEOUT <= milliseconds <= state.timeout_max:
        yield _Change(correction("seconds", "timeout", given, milliseconds), milliseconds)


def _is_in_ms(state: _Round) -> bool:
    """Whether the name under which the timeout came says the unit."""
    return any(made.field == "timeout" and made.kind == "name" for made in state.earlier)


def _boolean(state: _Round) -> Iterator[_Change]:
    given = state.arguments.get("captureConsole")
    if not isinstance(given, str):
        return
    meant = _BOOLEANS.get(given.strip().lower())
    if meant is not None:
        yield _Change(correction("boolean", "captureConsole", given[:_LONGEST_WORD], meant), meant)


def _context(state: _Round) -> Iterator[_Change]:
    given = state.arguments.get("context")
    if not isinstance(given, str):
        return
    meant = _read_object(given)
    if meant is not None:
        # Sizes only: what is in a context is not repeated elsewhere.
        before, after = f"text of {len(given)} characters", f"object with {len(meant)} fields"
        yield _Change(correction("json", "context", before, after), meant)


def _read_object(text: str) -> dict[str, Any] | None:
    if has_more_values(text.encode(errors="replace"), _MOST_VALUES):
        return None
    try:
        value = parse(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


_RULES: Final[tuple[tuple[str | None, Callable[[_Round], Iterator[_Change]]], ...]] = (
    (None, _names),
    ("code", _nested),
    ("language", _language),
    ("code", _fenced_language),
    ("timeout", _number),
    ("timeout", _seconds),
    ("seed", _seed),
    ("captureConsole", _boolean),
    ("context", _context),
)
"""Each with the field that it repairs, without which it has nothing to do."""
