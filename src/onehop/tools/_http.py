"""The value of a tool that is an HTTP operation: a body, and what came with it.

Between host and guest it is ``{"$http": …, "$body": …}``, and the guest makes of it the body with a
hidden ``$http``. A value of another tool that looks the same is wrapped, so that it stays what it
is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_HTTP: Final = "$http"
_BODY: Final = "$body"
_FORM: Final = (_HTTP, _BODY)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """``headers`` have names in small letters."""

    body: Any
    status: int
    headers: Mapping[str, str]


def wrapped(value: Any) -> Any:
    """As it goes to the guest."""
    if isinstance(value, HttpAnswer):
        http = {"status": value.status, "headers": dict(value.headers)}
        return {_HTTP: http, _BODY: value.body}
    if isinstance(value, Mapping) and tuple(value) == _FORM:
        return {_HTTP: None, _BODY: value}
    return value


def unwrapped(value: Any) -> Any:
    """The body alone, from JSON."""
    return value[_BODY] if isinstance(value, dict) and tuple(value) == _FORM else value
