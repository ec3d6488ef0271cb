"""What is taken for valid at a glance is valid, whatever the schema; most plain arguments are."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from onehop import Tool, ToolError
from onehop.tools._sure import sure
from tests.tools.calling import bound, refusal

pytestmark = pytest.mark.unit

VALUES: Final[list[Any]] = [
    *(None, True, False, 0, 1, -1, 3, 2.0, 2.5, 1e300, 2**53, 2**53 + 1, 10**30, float("nan")),
    *("", "a", "b", "ab", "abc", "😀", "\ud800", "constructor", [], [1], ["a", "b"], [[1]], {}),
    *({"a": 1}, {"a": "a", "b": [1]}, {"b": None, "x": 1}, {"a": {"a": 1}}, {"\ud800": 1}),
]
BOUNDS: Final = {
    "string": ["minLength", "maxLength"],
    "array": ["minItems", "maxItems"],
    "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
    "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
}
EDGES: Final[list[Any]] = [0, 1, 2, 3, -1, 2.5, 2**53, 10**30]
REST: Final[list[dict[str, Any]]] = [
    *({"title": "T"}, {"format": "date"}, {"default": 1}, {"pattern": "^a"}, {"not": {}}),
    *(
        {"multipleOf": 2},
        {"uniqueItems": True},
        {"minProperties": 1},
        {"allOf": [{"type": "null"}]},
    ),
    *({"patternProperties": {"": False}}, {"propertyNames": {"maxLength": 1}}, {"enum": []}),
]
ODD: Final[list[dict[str, Any]]] = [
    {"type": ["object", "null"]},
    {"additionalProperties": False},
]
KINDS: Final = ["string", "integer", "number", "boolean", "null", "array", "object"]


def schema_of(random: Random, depth: int) -> Any:
    if random.random() < 0.1:
        return random.choice([True, False, {}, {"enum": random.sample(VALUES[:16], 3)}])
    if depth > 0 and random.random() < 0.2:
        return {"anyOf": [schema_of(random, depth - 1) for _ in range(2)]}
    kind = random.choice(KINDS[:5] if depth == 0 else KINDS)
    schema: dict[str, Any] = {"type": kind}
    if kind == "object":
        schema["properties"] = {n: schema_of(random, depth - 1) for n in random.sample("abx", 2)}
        schema["required"] = random.sample("abx", random.randint(0, 2))
        schema["additionalProperties"] = random.choice([True, False, schema_of(random, 0)])
    if kind == "array" and random.random() < 0.8:
        schema["items"] = schema_of(random, depth - 1)
    for bound_name in BOUNDS.get(kind, []):
        if random.random() < 0.2:
            edges = EDGES if kind in ("integer", "number") else EDGES[:4]
            schema[bound_name] = random.choice(edges)
    if random.random() < 0.1:
        schema["type"] = [kind, random.choice(KINDS)]
    if random.random() < 0.15:
        schema |= random.choice(REST)
    return schema


def test_what_is_sure_is_valid_and_most_that_is_valid_is_sure() -> None:
    random = Random(7)
    valid = sure_of = 0
    for _ in range(800):
        schema = {"type": "object", "properties": {"a": schema_of(random, 2)}}
        if random.random() < 0.2:
            schema |= random.choice([*REST, *ODD])
        satisfies = sure(schema)
        check = Draft202012Validator(schema)
        for value in [{"a": each} for each in VALUES] + VALUES[-8:]:
            is_valid = check.is_valid(value)
            is_sure = satisfies is not None and satisfies(value)
            assert is_valid or not is_sure, (schema, value)
            valid, sure_of = valid + is_valid, sure_of + is_sure
    assert sure_of > valid / 2


@pytest.mark.parametrize("draft", ["https://json-schema.org/draft/2020-12/schema", None])
def test_a_refusal_says_the_same_as_ever(draft: str | None) -> None:
    def take(**_given: Any) -> int:
        return 1

    schema = {
        **({} if draft is None else {"$schema": draft}),
        "type": "object",
        "properties": {"mode": {"enum": ["fast", "slow"]}, "count": {"type": "integer"}},
        "required": ["mode"],
        "additionalProperties": False,
    }
    tool = bound(Tool("take", take, input_schema=schema))
    assert tool.check({"mode": "fast", "count": 2.0}) == {"mode": "fast", "count": 2.0}
    assert refusal(tool, {"mode": "fat"}).field == "mode"
    with pytest.raises(ToolError, match="did you mean count"):
        tool.check({"mode": "fast", "cuont": 2})


def nested(kinds: list[str], depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": kinds, "items": schema}
    return schema


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "schema",
    [
        nested(["array", "array"], 100),
        {"anyOf": [{"type": "array", "items": {"maxLength": n}} for n in range(50_000)]},
        {"anyOf": [{"anyOf": [{"type": "string"}] * 5}] * 5},
        {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(10_000)}},
    ],
    ids=["lists of kinds", "many forms", "forms in forms", "many fields"],
)
def test_a_schema_that_takes_long_is_left_to_the_check_that_counts(
    schema: dict[str, Any],
) -> None:
    assert sure({"type": "object", "properties": {"a": schema}}) is None


def test_one_that_may_be_null_here_and_there_is_still_plain() -> None:
    name = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    rows = {"type": "array", "items": {"type": "object", "properties": {"name": name}}}
    satisfies = sure(
        {"type": "object", "properties": {"rows": {"anyOf": [rows, {"type": "null"}]}}}
    )
    assert satisfies is not None
    assert satisfies({"rows": [{"name": "a"}, {"name": None}]})
