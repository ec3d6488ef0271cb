"""What every table of settings is: checked, frozen, filled in from the environment and the file."""

from __future__ import annotations

import os
from typing import Annotated, Any, ClassVar, Final, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from onehop.config._environment import from_environment
from onehop.config._file import from_file
from onehop.errors import ConfigError


def setting(default: Any, env: str, help_text: str, **bounds: Any) -> Any:
    """A field with its default, the environment variable that sets it, and what it is for."""
    return Field(default=default, description=help_text, json_schema_extra={"env": env}, **bounds)


class Settings(BaseModel):
    """One table of ``onehop.toml``. Raises ConfigError that names the field that is unusable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    table: ClassVar[str]
    """Its name in the file."""

    def __init__(self, **settings: Any) -> None:
        """Take ``settings``, and fill in what they leave out from the environment and the file."""
        if not settings and not self._found():
            self._take_defaults()
            return
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise _config_error(error) from None

    def _take_defaults(self) -> None:
        """What pydantic would do, without learning how to check values, which takes 20 ms."""
        plain = self.model_construct()
        for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__"):
            object.__setattr__(self, name, getattr(plain, name))
        object.__setattr__(self, "__pydantic_private__", None)

    @classmethod
    def _found(cls) -> dict[str, Any]:
        """What the file says, and the environment."""
        return {
            **from_file(cls.table, cls.model_fields, os.environ),
            **from_environment(cls.model_fields, os.environ),
        }

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        merged = {**cls._found(), **given}
        return {name: _frozen(cls, name, value) for name, value in merged.items()}

    def replace(self, **changes: Any) -> Self:
        """A copy with ``changes``, checked like a new one."""
        return type(self)(**{**self.model_dump(), **changes})


def _frozen(model: type[Settings], name: str, value: Any) -> Any:
    """A list where the setting is a set or tuple, and text where it is secret, made fit."""
    annotation = model.model_fields[name].annotation if name in model.model_fields else None
    origin = get_origin(annotation)
    if origin in (frozenset, tuple) and isinstance(value, list | tuple | set | frozenset):
        return origin(value)
    if isinstance(value, str) and SecretStr in get_args(annotation):
        return SecretStr(value)
    return value


_WORDS: Final = {
    "tuple_type": "Input should be a list",
    "frozen_set_type": "Input should be a list",
    "dict_type": "Input should be a table",
}
"""Of a type that the file and its readers call otherwise than Python does."""


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):  # found while the settings were gathered
        return cause
    field = ".".join(str(part) for part in first["loc"]) or "config"
    message = _WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
    return ConfigError(field, f"{message} (got {first['input']!r})" if first["loc"] else message)


def checked_value(model: type[Settings], name: str, value: Any) -> Any:
    """``value`` as the setting ``name`` would hold it. Raises ConfigError.

    Bounds between two settings are not checked: that takes an instance of ``model``.
    """
    field = model.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata, Field())]
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config=ConfigDict(strict=True))
    try:
        return adapter.validate_python(_frozen(model, name, value))
    except ValidationError as error:
        raise _config_error(error) from None
