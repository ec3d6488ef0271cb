"""``typing.TypedDict`` before Python 3.12, which pydantic cannot read: made again as the one of
``typing_extensions``, which it can."""

from __future__ import annotations

import sys
import typing
from types import UnionType
from typing import Annotated, Any, NotRequired, Required, Union, get_args, get_origin

from typing_extensions import TypedDict


def readable(annotation: Any) -> Any:
    """The same annotation, in which pydantic can read each TypedDict."""
    return annotation if sys.version_info >= (3, 12) else _readable(annotation, {})


def _readable(annotation: Any, made: dict[Any, Any]) -> Any:
    if typing.is_typeddict(annotation) and type(annotation).__module__ == "typing":
        if annotation not in made:
            made[annotation] = dict[str, Any]  # inside itself
            made[annotation] = _made_again(annotation, made)
        return made[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is None or isinstance(inner[:1], list):
        return annotation
    if origin is Annotated:
        return Annotated[(_readable(inner[0], made), *annotation.__metadata__)]
    changed = tuple(_readable(one, made) for one in inner)
    if all(one is other for one, other in zip(inner, changed, strict=True)):
        return annotation
    return Union[changed] if origin in (Union, UnionType) else origin[changed]  # noqa: UP007


def _made_again(kind: Any, made: dict[Any, Any]) -> Any:
    fields = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        is_required = name in kind.__required_keys__
        if get_origin(hint) in (Required, NotRequired):
            is_required = get_origin(hint) is Required
            hint = get_args(hint)[0]
        inner = _readable(hint, made)
        fields[name] = Required[inner] if is_required else NotRequired[inner]
    again: Any = TypedDict(kind.__name__, fields)  # type: ignore[misc]
    again.__doc__ = kind.__doc__
    return again
