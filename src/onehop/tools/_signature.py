"""A function's signature as JSON Schema, and arguments converted to what it is annotated with."""

from __future__ import annotations

import base64
import binascii
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, JsonSchemaWarningKind
from pydantic_core import PydanticUndefined, SchemaError, to_json

from onehop.errors import ConfigError
from onehop.tools._context import is_context
from onehop.tools._docstrings import Words
from onehop.tools._places import dotted, steps_in
from onehop.tools._typed_dicts import readable

BYTES: Final = "$bytes"
_UNUSABLE: Final = (PydanticUserError, SchemaError, TypeError, ValueError, AttributeError)
"""What pydantic raises for an annotation that it cannot use."""


class Schemas(GenerateJsonSchema):
    """Without a title that repeats each name, and with bytes as they travel. A default that JSON
    cannot be is left out."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 - theirs is so
        "skipped-choice",
        "non-serializable-default",
    }

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Never: the name says it."""
        return False

    def bytes_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ARG002
        """Base64 in an object."""
        return {
            "type": "object",
            "properties": {BYTES: {"type": "string", "contentEncoding": "base64"}},
            "required": [BYTES],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class _Slot:
    """One parameter, and the field of the model that stands for it."""

    parameter: inspect.Parameter
    field: str

    @property
    def is_optional(self) -> bool:
        default = self.parameter.default
        return default is not inspect.Parameter.empty and not isinstance(default, FieldInfo)


def parameters_of(call: Callable[..., Any]) -> list[inspect.Parameter]:
    """With their annotations evaluated. Raises ConfigError."""
    return list(signature_of(call).parameters.values())


def signature_of(call: Callable[..., Any]) -> inspect.Signature:
    """With its annotations evaluated. Raises ConfigError."""
    try:
        return inspect.signature(call, eval_str=True)
    except NameError as error:
        raise ConfigError(
            "tools",
            f"an annotation cannot be read: {error}; define the name in the module, and outside "
            "of TYPE_CHECKING",
        ) from None
    except (TypeError, ValueError, SyntaxError, AttributeError) as error:
        raise ConfigError(
            "tools", f"the signature cannot be read ({error}): use Tool(…, input_schema=…)"
        ) from None


class Signature:
    """The parameters of a function, without those that are filled in."""

    def __init__(self, call: Callable[..., Any], words: Words) -> None:
        signed = signature_of(call)
        parameters = list(signed.parameters.values())
        self.contexts = tuple(p.name for p in parameters if is_context(p.annotation))
        self._slots = [
            _Slot(p, f"p{number}")
            for number, p in enumerate(parameters)
            if not is_context(p.annotation) and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        self._is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        try:
            self._model = self._make_model(words)
            self.schema = self._model.model_json_schema(schema_generator=Schemas)
        except _UNUSABLE as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError("tools", f"a parameter cannot be described: {reason}") from None
        self.schema.pop("title", None)
        self.schema.setdefault("properties", {})
        self._has_bytes = BYTES.encode() in to_json(self.schema)
        self._has_other_names = any(
            not isinstance(field.validation_alias, str | None)
            for field in self._model.model_fields.values()
        )
        self.output_schema = _output_schema(signed.return_annotation, words.returns)

    def _make_model(self, words: Words) -> type[BaseModel]:
        fields: dict[str, Any] = {
            slot.field: _field(slot.parameter, words.parameters.get(slot.parameter.name))
            for slot in self._slots
        }
        config = ConfigDict(
            extra="allow" if self._is_open else "forbid", defer_build=False, title="Arguments"
        )
        return create_model("Arguments", __config__=config, **fields)

    def accepts(self, arguments: dict[str, Any]) -> bool:
        """Whether they plainly are of the annotated types; false is not yet a refusal."""
        if self._has_bytes:
            return False
        try:
            self._model.__pydantic_validator__.validate_json(to_json(arguments), strict=True)
        except Exception:  # a type's own validator may raise anything
            return False
        return True

    def refuses(self, name: str, value: Any) -> bool:
        """Whether one argument plainly is not of the annotated type, whatever the others are."""
        if self._has_bytes or self._has_other_names:
            return False
        try:
            text = to_json({name: value})
            self._model.__pydantic_validator__.validate_json(text, strict=True)
        except ValidationError as error:
            return any(fault["loc"][:1] == (name,) for fault in error.errors())
        except Exception:  # a type's own validator may raise anything
            return False
        return False

    @property
    def has_plain_names(self) -> bool:
        """Whether each parameter has one name."""
        return not self._has_other_names

    def convert(self, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with, by position and by keyword. Raises ValidationError."""
        made = self._converted(arguments)
        by_position: list[Any] = []
        by_name: dict[str, Any] = dict(made.model_extra or {})
        for slot in self._slots:
            given = slot.field in made.model_fields_set or not slot.is_optional
            if slot.parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                default = slot.parameter.default
                by_position.append(getattr(made, slot.field) if given else default)
            elif given:
                by_name[slot.parameter.name] = getattr(made, slot.field)
        return by_position, by_name

    def _converted(self, arguments: dict[str, Any]) -> BaseModel:
        if self._has_bytes:
            return self._model.model_validate(_with_bytes(arguments))
        return self._model.model_validate_json(to_json(arguments))


def _field(parameter: inspect.Parameter, words: str | None) -> tuple[Any, Any]:
    is_bare = parameter.annotation is parameter.empty
    annotation = Any if is_bare else readable(parameter.annotation)
    default = parameter.default
    if isinstance(default, FieldInfo):
        info = FieldInfo.from_annotated_attribute(annotation, default)
    elif default is parameter.empty:
        info = FieldInfo.from_annotation(annotation)
    else:
        info = FieldInfo.from_annotated_attribute(annotation, default)
    options: dict[str, Any] = {}
    if info.alias is None:
        options["alias"] = parameter.name
    if not info.description and words:
        options["description"] = words
    if info.default_factory is not None:
        options["default_factory"] = info.default_factory
    elif info.default is not PydanticUndefined:
        options["default"] = info.default
    if isinstance(default, FieldInfo):
        return (_annotated(annotation, default), Field(**options))
    return (annotation, Field(**options))


def _annotated(annotation: Any, info: FieldInfo) -> Any:
    return Annotated[annotation, info]


def _with_bytes(value: Any) -> Any:
    """The same data, with bytes where it has base64."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get(BYTES), str):
            try:
                return base64.b64decode(value[BYTES], validate=True)
            except (binascii.Error, ValueError):
                return value
        return {name: _with_bytes(item) for name, item in value.items()}
    return [_with_bytes(item) for item in value] if isinstance(value, list) else value


def _output_schema(annotation: Any, words: str) -> dict[str, Any] | None:
    """None where nothing is declared, or what JSON Schema cannot say."""
    if get_origin(annotation) in (Awaitable, Coroutine):
        annotation = get_args(annotation)[-1]
    if annotation in (inspect.Signature.empty, Any):
        return None
    try:
        schema = TypeAdapter(readable(annotation)).json_schema(
            mode="serialization", schema_generator=Schemas
        )
    except _UNUSABLE:
        return None
    if words and "description" not in schema:
        schema["description"] = words
    return schema


def place_of(error: ValidationError, arguments: Any) -> tuple[str, str]:
    """Where the first fault is, as a dotted path, and what pydantic says of it."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return dotted(steps_in(arguments, fault["loc"])), message
