"""What is wrong with a table ``[upstream.NAME]``: its place and plain words, never a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from onehop.errors import ConfigError


def refusal(
    error: ValidationError, model: type[BaseModel], place: str, others: Sequence[str] = ()
) -> ConfigError:
    """Of one thing that is wrong with what was given for ``model``: a name that is unknown before
    others, which often come of it. ``others`` are settings that a table at this place may have
    beside its own."""
    found = error.errors(include_input=False, include_url=False)
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    steps = [*_steps(first["loc"], model)]
    where = ".".join((place, *steps))
    if first["type"] != "extra_forbidden":
        return ConfigError(where, first["msg"].removeprefix("Value error, "))
    names = (*_names(model, steps[:-1]), *(others if len(steps) == 1 else ()))
    near = get_close_matches(steps[-1], names, n=1, cutoff=0.6)
    advice = f"did you mean {near[0]}?" if near else f"it may be {', '.join(names)}"
    return ConfigError(where, f"unknown setting; {advice}")


def _names(model: type[BaseModel], steps: Sequence[str]) -> tuple[str, ...]:
    """Settings of the table inside ``model`` that the steps lead to."""
    if not steps:
        return tuple(model.model_fields)
    field = model.model_fields.get(steps[0])
    inner = next(_models(field.annotation), None) if field is not None else None
    return () if inner is None else tuple(inner.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def _steps(given: Sequence[Any], model: type[BaseModel]) -> Iterator[str]:
    """Without the kind of a union, which pydantic puts between: nothing that a person wrote."""
    fields = model.model_fields.values()
    kinds = [each.__name__ for field in fields for each in _models(field.annotation)]
    for number, step in enumerate(map(str, given)):
        is_kind = step == "str" or any(kind in step for kind in kinds)
        if number < 2 or not is_kind:
            yield step
