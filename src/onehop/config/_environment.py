"""Settings from environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from onehop.errors import ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from onehop.config._settings import Settings


def from_environment(table: type[Settings], environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings of ``table`` that the environment gives, by name. Raises ConfigError."""
    found = {}
    for name, each in table.declared.items():
        if each.env in environ:
            kind = str if table.takes_text(name) else table.model_fields[name].annotation
            found[name] = parse_variable(each.env, kind, environ[each.env])
    return found


def env_name(field: FieldInfo) -> str:
    """The environment variable of a setting."""
    extra: Any = field.json_schema_extra
    return str(extra["env"])


def parse_variable(env: str, annotation: Any, text: str) -> Any:
    """Read an environment value: words with commas between, JSON for numbers, text as it is.

    Raises ConfigError.
    """
    if get_origin(annotation) in (frozenset, tuple):
        return tuple(_words(text))
    if get_origin(annotation) is dict:
        return dict(_pair(env, word) for word in _words(text))
    if _is_text(annotation):
        return text
    try:
        return json.loads(text.lower())
    except ValueError:
        raise ConfigError(env, f"{text!r} is not a number or true/false") from None


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pair(env: str, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise ConfigError(env, f"{word!r} is not name=value")
    return name.strip(), value.strip()


def _is_text(annotation: Any) -> bool:
    if annotation is str:
        return True
    from pydantic import SecretStr  # most runs find nothing else in the environment

    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return any(kind in (str, SecretStr) or get_origin(kind) is Literal for kind in kinds)
