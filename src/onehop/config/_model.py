"""What checks and describes a table of settings: a model of pydantic, made at the first need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    create_model,
)

from onehop.errors import ConfigError

if TYPE_CHECKING:
    from onehop.config._settings import Declared, Settings


def model_of(table: type[Settings]) -> type[BaseModel]:
    """The model that has the settings of ``table`` as fields."""
    if table.model is None:
        table.model = _model(table)
    model: type[BaseModel] = table.model
    return model


def _model(table: type[Settings]) -> type[BaseModel]:
    kinds = get_type_hints(table, include_extras=True)
    fields: dict[str, Any] = {
        name: (kinds[name], _field(each)) for name, each in table.declared.items()
    }
    return create_model(
        table.__name__,
        __config__=ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True),
        __doc__=table.__doc__,
        __module__=table.__module__,
        **fields,
    )


def _field(declared: Declared) -> Any:
    return Field(
        default=declared.default,
        description=declared.help_text,
        json_schema_extra={"env": declared.env},
        **declared.bounds,
    )


def checked(table: type[Settings], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those values as the settings hold them. Raises ConfigError."""
    model = model_of(table)
    try:
        made = model(**{name: _frozen(model, name, value) for name, value in given.items()})
    except ValidationError as error:
        raise _config_error(error) from None
    return {name: getattr(made, name) for name in given}


def as_model(settings: Settings) -> BaseModel:
    """A model with those values."""
    values = {name: getattr(settings, name) for name in settings.declared}
    return model_of(type(settings)).model_construct(settings.model_fields_set, **values)


def checked_value(table: type[Settings], name: str, value: Any) -> Any:
    """``value`` as the setting ``name`` would hold it. Raises ConfigError.

    Bounds between two settings are not checked: that takes an instance of ``table``.
    """
    model = model_of(table)
    field = model.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata, Field())]
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config=ConfigDict(strict=True))
    try:
        return adapter.validate_python(_frozen(model, name, value))
    except ValidationError as error:
        raise _config_error(error) from None


def _frozen(model: type[BaseModel], name: str, value: Any) -> Any:
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
    field = ".".join(str(part) for part in first["loc"]) or "config"
    message = _WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
    return ConfigError(field, f"{message} (got {first['input']!r})" if first["loc"] else message)
