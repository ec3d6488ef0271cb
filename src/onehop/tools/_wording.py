"""The words of a fault: what was wrong with arguments, by a JSON Schema, and what to write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Final

from onehop.tools._places import dotted

_SHOWN: Final = 200
"""Characters of a value in a message."""
_MEMBERS: Final = 20
"""Members of an enumeration in a message."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with arguments."""

    field: str | None
    expected: str
    message: str
    nearest: list[str] | None = None
    is_unknown: bool = False
    """Whether it is a parameter that is not known."""


def described_fault(fault: Any, root: Mapping[str, Any]) -> Fault:
    field = dotted(fault.absolute_path) or None
    where = field or "the arguments"
    if fault.validator == "additionalProperties" and fault.validator_value is False:
        nearest = nearest_names(fault)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        names = list(fault.schema.get("properties", {}))
        return Fault(
            field,
            _one_of(names) if names else "nothing",
            f"{where} is unknown{hint}",
            nearest,
            True,
        )
    expected = _expected(fault, root)
    if fault.validator in _MISSING:
        return Fault(field, expected, _missing(where, expected, _reason(fault, root)))
    verb = "is" if field else "are"
    found = f"{where} {verb} {short(fault.instance)}"
    if fault.validator == "oneOf" and not fault.context:
        forms = _forms(fault.validator_value, root)
        expected = f"of exactly one of these forms: {forms}"
        count = len(fault.validator_value)
        found += f", which fits {count} forms that exclude each other"
    pronoun = "it" if field else "they"
    reason = _reason(fault, root)
    return Fault(field, expected, f"{found}; {pronoun} must be {expected}{reason and f' {reason}'}")


_MISSING: Final = ("required", "dependentRequired", "dependencies")


def _missing(where: str, expected: str, reason: str) -> str:
    required = f"it is required {reason}, and" if reason else "it"
    what = "may be anything" if expected == "anything" else f"must be {expected}"
    return f"{where} is missing; {required} {what}"


def nearest_names(fault: Any) -> list[str]:
    """The parameters whose names are close to the one that is unknown."""
    wanted, names = str(fault.absolute_path[-1]), fault.schema.get("properties", {})
    folded = {_folded(name): name for name in list(names)[:500]}
    close = get_close_matches(_folded(wanted), folded, n=3)
    return [folded[name] for name in close]


def _folded(name: str) -> str:
    return "".join(filter(str.isalnum, name[:80].lower()))


def _expected(fault: Any, root: Mapping[str, Any]) -> str:
    keyword, value = fault.validator, fault.validator_value
    if keyword in _MISSING:
        name = fault.absolute_path[-1]
        own = fault.schema.get("properties", {}).get(name)
        return described(own or _schema_at(root, fault.absolute_path), root)
    if keyword in ("type", "enum", "const", "anyOf", "oneOf"):
        return described({keyword: value}, root)
    if keyword in _PHRASES:
        return _PHRASES[keyword].format(short(value))
    if keyword is None:  # the schema false
        return "absent"
    if keyword in ("not", "contains"):
        return _WITH_FORM[keyword].format(_form(value, root))
    return f"what {keyword} of its schema allows"


_WITH_FORM: Final = {
    "not": "anything but {}",
    "contains": "a list that contains {}",
}


_PHRASES: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "a text of at least {} characters",
    "maxLength": "a text of at most {} characters",
    "pattern": "a text that matches {}",
    "minItems": "a list of at least {} items",
    "maxItems": "a list of at most {} items",
    "minProperties": "an object of at least {} properties",
    "maxProperties": "an object of at most {} properties",
    "uniqueItems": "a list without an item that comes twice",
    "minContains": "a list with at least {} items of the form that is wanted",
    "maxContains": "a list with at most {} items of the form that is wanted",
    "unevaluatedProperties": "an object without properties that are not declared",
    "unevaluatedItems": "a list without items that are not declared",
    "additionalItems": "a list without items that are not declared",
    "format": "a text of the format {}",
}


def _reason(fault: Any, root: Mapping[str, Any]) -> str:
    """Where a condition of the schema brought the fault about: "where kind is 1"."""
    if fault.validator in ("dependentRequired", "dependencies"):
        return f"where {fault.validator_value[:_SHOWN]} is given"
    reason = ""
    schema: Any = root
    for step, following in pairwise([*fault.absolute_schema_path, ""]):
        if step in ("then", "else") and isinstance(schema, dict) and "if" in schema:
            word = "where" if step == "then" else "unless"
            reason = f"{word} {_condition(schema['if'])}"
        if step in ("dependentSchemas", "dependencies"):
            reason = f"where {str(following)[:_SHOWN]} is given"
        schema = _step_into(schema, step, root)
    return reason


def _step_into(schema: Any, step: Any, root: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return schema[step] if isinstance(step, int) and step < len(schema) else None
    found = schema.get(step) if isinstance(schema, dict) else None
    return _resolved(found, root) if step == "$ref" else found


def _resolved(reference: Any, root: Mapping[str, Any]) -> Any:
    return root.get("$defs", {}).get(str(reference).removeprefix("#/$defs/"))


def _condition(schema: Any) -> str:
    """What an ``if`` asks for, in a few words."""
    if not isinstance(schema, dict):
        return "another argument asks for it"
    properties = dict(schema.get("properties") or {})
    words = [f"{name[:_SHOWN]} is {described(one, schema)}" for name, one in properties.items()]
    required = [name for name in schema.get("required", ()) if name not in properties]
    words += [f"{name[:_SHOWN]} is given" for name in required]
    return " and ".join(words[:_MEMBERS]) or "another argument asks for it"


def _schema_at(root: Mapping[str, Any], place: Iterable[int | str]) -> Any:
    """What the properties and items of the whole schema say of a place; None if nothing."""
    schema: Any = root
    for step in place:
        for _ in range(4):
            if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
                schema = _resolved(schema["$ref"], root)
        if not isinstance(schema, dict):
            return None
        schema = schema.get("items") if isinstance(step, int) else _member(schema, step)
    return schema


def _member(schema: Mapping[str, Any], name: str) -> Any:
    return (schema.get("properties") or {}).get(name)


def _forms(members: list[Any], root: Mapping[str, Any]) -> str:
    return " or ".join(_form(member, root) for member in members[:_MEMBERS])


def _form(schema: Any, root: Mapping[str, Any]) -> str:
    """What a schema wants; of objects, the properties that it asks for."""
    if not isinstance(schema, dict):
        return "anything"
    wanted = schema.get("required") or list(schema.get("properties") or ())
    if wanted and schema.get("type", "object") == "object":
        named = " and ".join(str(name)[:_SHOWN] for name in wanted[:_MEMBERS])
        return f"an object with {named}"
    return described(schema, root)


def described(schema: Any, root: Mapping[str, Any], levels: int = 4) -> str:
    """What a schema wants, in a few words."""
    if not isinstance(schema, dict) or not levels:
        return "anything"
    if "enum" in schema:
        return _one_of(schema["enum"])
    if "const" in schema:
        return short(schema["const"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            members = (described(one, root, levels - 1) for one in schema[keyword][:_MEMBERS])
            return " or ".join(dict.fromkeys(members))
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.removeprefix("#/$defs/")
        meant = described(root.get("$defs", {}).get(name), root, levels - 1)
        return f"{meant} ({name[:_SHOWN]})" if meant == "object" else meant
    kind = schema.get("type", "anything")
    name = kind if isinstance(kind, str) else " or ".join(kind)
    return f"{name} ({schema['format']})" if isinstance(schema.get("format"), str) else name


def _one_of(members: list[Any]) -> str:
    shown = ", ".join(map(short, members[:_MEMBERS]))
    more = f" and {len(members) - _MEMBERS} more" if len(members) > _MEMBERS else ""
    return f"one of {shown}{more}"


def short(value: Any) -> str:
    """JSON, cut: of large values no more is made than is shown."""
    if isinstance(value, str):
        value = value[:_SHOWN]
    elif isinstance(value, dict | list):
        one, many = ("property", "properties") if isinstance(value, dict) else ("item", "items")
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)} {one if len(value) == 1 else many}"
    return json.dumps(value, ensure_ascii=False)[:_SHOWN]


def shown_at(value: Any, place: str) -> str | None:
    """What stands at a dotted place of JSON data, in a few words; None if nothing does."""
    if not place:
        return short(value)
    if isinstance(value, list):
        step, _, rest = place.partition(".")
        inside = step.isdecimal() and len(step) < 9 and int(step) < len(value)
        return shown_at(value[int(step)], rest) if inside else None
    if not isinstance(value, dict):
        return None
    if place in value:
        return short(value[place])
    ways = (name for name in value if place.startswith(f"{name}."))  # a name may have dots itself
    found = (shown_at(value[name], place[len(name) + 1 :]) for name in ways)
    return next(filter(None, found), None)
