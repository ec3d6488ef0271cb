"""Arguments against a JSON Schema: with bounded work, and a fault that says what to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from itertools import islice
from math import isfinite
from typing import Any, Final

from pydantic_core import SchemaError, SchemaValidator, core_schema

from onehop._extras import needed_for
from onehop.tools._needs import PART
from onehop.tools._sure import sure
from onehop.tools._wording import Fault, described_fault, nearest_names, short

_STEPS: Final = 100_000
"""Keywords and items of one check: about a second."""
_ERROR: Final = 20
"""Steps that an error costs, in a member of a union too."""
_FAULTS: Final = 100
"""Faults that are looked at for the best one."""
_LONGEST: Final = 65_536
"""Characters of a text to which a pattern is applied."""
_PLAIN: Final = frozenset({"type", "title", "description", "examples"})
_KINDS: Final[Mapping[str, frozenset[type]]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
}
"""Types whose values are all of a kind; values of other types may be, too."""


class TooMuchError(Exception):
    """The check would take too long."""


class Checker:
    """Of one schema that ``read_schema`` has read; made ready at the first check."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def fault(self, arguments: dict[str, Any]) -> Fault | None:
        """What to say about the arguments; None if they satisfy the schema. Raises TooMuchError."""
        if self._satisfies is not None and self._satisfies(arguments):
            return None
        left = _left.set([_STEPS])
        try:
            faults = list(islice(self._validator.iter_errors(arguments), _FAULTS))
        except (RecursionError, ArithmeticError):
            raise TooMuchError from None
        finally:
            _left.reset(left)
        return described_fault(_best(faults), self._schema) if faults else None

    @cached_property
    def _satisfies(self) -> Callable[[Any], bool] | None:
        return sure(self._schema)

    @cached_property
    def _validator(self) -> Any:
        with needed_for(PART):
            from jsonschema.validators import Draft202012Validator, validator_for
            from referencing import Registry
        base = validator_for(self._schema, default=Draft202012Validator)
        kind = _bounded(base, has_patterns='"patternProperties"' in json.dumps(self._schema))
        return kind(self._schema, registry=Registry())


_left: ContextVar[list[int]] = ContextVar("onehop_schema_steps")
_Keyword = Callable[[Any, Any, Any, Any], Any]


@cache
def _bounded(base: Any, *, has_patterns: bool) -> Any:
    """``base`` with a count of its steps, and without expressions that can take for ever: its
    search for what was evaluated applies patterns with ``re``."""
    from jsonschema.validators import extend

    keywords = {**base.VALIDATORS, **_own(), "items": _items(base.VALIDATORS["items"])}
    if has_patterns:
        keywords["unevaluatedProperties"] = lambda *_: ()
    return extend(base, {name: _counted(function) for name, function in keywords.items()})


def _counted(function: _Keyword) -> _Keyword:
    def apply(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        _spend(1)
        for error in function(validator, value, instance, schema) or ():
            _spend(_ERROR)
            yield error

    return apply


def _spend(steps: int) -> None:
    left = _left.get()
    left[0] -= steps
    if left[0] < 0:
        raise TooMuchError


def _own() -> dict[str, _Keyword]:
    return {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "required": _required,
        "uniqueItems": _unique_items,
        "multipleOf": _multiple_of,
        "oneOf": _exactly_one,
        "dependentRequired": _dependencies,
        "dependencies": _dependencies,
    }


def _error(message: str, *path: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, path=path)


def _pattern(_: Any, pattern: Any, instance: Any, __: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield _error(f"{short(instance)} does not match {short(pattern)}")


def _pattern_properties(validator: Any, value: Any, instance: Any, _: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, subschema in value.items():
            for name, item in instance.items():
                if _matches(pattern, name):
                    yield from validator.descend(item, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, item in instance.items():
        if name in known or any(_matches(pattern, name) for pattern in patterns):
            continue
        if value is False:
            yield _error(f"there is not a parameter {short(name)}", name)
        elif isinstance(value, dict):
            yield from validator.descend(item, value, path=name)


def _required(_: Any, names: Any, instance: Any, __: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield _error("it is missing", name)


def _items(theirs: _Keyword) -> _Keyword:
    """A long list of numbers or texts is seen at one glance."""

    def apply(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        if isinstance(instance, list) and isinstance(value, dict) and value.keys() <= _PLAIN:
            kinds = _KINDS.get(str(value.get("type")))
            if kinds is not None and kinds.issuperset(map(type, instance)):
                return ()
        _spend(len(instance) if isinstance(instance, list) else 0)
        return theirs(validator, value, instance, schema)

    return apply


def _unique_items(_: Any, value: Any, instance: Any, __: Any) -> Iterator[Any]:
    if value is True and isinstance(instance, list):
        seen = {json.dumps(item, sort_keys=True) for item in instance}
        if len(seen) < len(instance):
            yield _error("an item comes twice")


def _multiple_of(validator: Any, step: Any, instance: Any, _: Any) -> Iterator[Any]:
    """As decimals, which is how both are written: 19.99 is a multiple of 0.01."""
    if validator.is_type(instance, "number") and not _divides(step, instance):
        yield _error(f"{short(instance)} is not a multiple of {short(step)}")


def _divides(step: float, number: float) -> bool:
    if isinstance(step, int) and isinstance(number, int):
        return number % step == 0
    if not isinstance(number, int) and not isfinite(number):
        return False
    return (_exact(number) / _exact(step)).denominator == 1


def _exact(number: float) -> Fraction:
    return Fraction(number if isinstance(number, int) else repr(number))


def _exactly_one(validator: Any, members: Any, instance: Any, _: Any) -> Iterator[Any]:
    """A fault of several that fit has these alone as its value."""
    fitting: list[Any] = []
    faults: list[Any] = []
    for index, member in enumerate(members):
        errors = list(islice(validator.descend(instance, member, schema_path=index), _FAULTS))
        if not errors:
            fitting.append(member)
        faults.extend(errors)
    if not fitting:
        error = _error("none of the forms fits")
        error.context = faults
        for each in faults:
            each.parent = error
        yield error
    elif len(fitting) > 1:
        error = _error("several forms fit")
        error.validator_value = fitting
        yield error


def _dependencies(validator: Any, value: Any, instance: Any, _: Any) -> Iterator[Any]:
    """What must be there where something else is; a fault has the name of that as its value."""
    for name, wanted in value.items() if isinstance(instance, dict) else ():
        if name not in instance:
            continue
        if not isinstance(wanted, list):
            yield from validator.descend(instance, wanted, schema_path=name)
            continue
        for other in wanted:
            if other not in instance:
                error = _error("it is missing", other)
                error.validator_value = name
                yield error


def _matches(pattern: str, text: str) -> bool:
    """With the regular expressions of Rust, which take linear time. What they do not know, and
    texts that are very long, are for the tool itself to judge."""
    if len(text) > _LONGEST:
        return True
    matcher = _matcher(pattern)
    return matcher is None or matcher.isinstance_python(text)


@lru_cache(maxsize=32)  # one may take 10 MB
def _matcher(pattern: str) -> SchemaValidator | None:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, strict=True))
    except SchemaError:
        return None


def _best(faults: list[Any]) -> Any:
    """A name that is nearly a parameter's explains what is missing, and not the other way round."""
    from jsonschema.exceptions import best_match

    for fault in faults:
        if fault.validator == "additionalProperties" and nearest_names(fault):
            return fault
    return best_match(faults)
