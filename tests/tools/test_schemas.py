"""Arguments are judged by the schema, the error says what to write, and a hostile schema neither
stops the host nor lets it fetch anything."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onehop import ConfigError, Tool, ToolError, Tools
from onehop.tools import Bound, Catalogue
from tests.tools.calling import bound, refusal

pytestmark = pytest.mark.unit

PERSON = {
    "type": "object",
    "properties": {
        "who": {
            "type": "object",
            "properties": {"zip": {"type": "string"}, "e_mail": {"type": "string"}},
            "required": ["zip"],
            "additionalProperties": False,
        },
        "rows": {
            "type": "array",
            "items": {"type": "object", "properties": {"id": {"type": "integer"}}},
            "maxItems": 3,
        },
        "mode": {"enum": ["fast", "slow"]},
        "amount": {"type": "number", "exclusiveMinimum": 0},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "code": {"type": "string", "pattern": "^[a-z]+$"},
    },
    "required": ["who"],
    "additionalProperties": False,
}
WHO = {"who": {"zip": "1"}}


def with_schema(schema: Any) -> Bound:
    def take(**arguments: Any) -> Any:
        return arguments

    return bound(Tool("take", take, input_schema=schema))


@pytest.mark.parametrize(
    ("arguments", "field", "expected"),
    [
        ({}, "who", "object"),
        ({"who": "x"}, "who", "object"),
        ({"who": {}}, "who.zip", "string"),
        ({"who": {"zip": 5}}, "who.zip", "string"),
        ({**WHO, "rows": [{"id": 1}, {"id": "x"}]}, "rows.1.id", "integer"),
        ({**WHO, "rows": [{}] * 4}, "rows", "a list of at most 3 items"),
        ({**WHO, "mode": "quick"}, "mode", 'one of "fast", "slow"'),
        ({**WHO, "amount": 0}, "amount", "more than 0"),
        ({**WHO, "amount": True}, "amount", "number"),
        ({**WHO, "note": 5}, "note", "string or null"),
        ({**WHO, "code": "A"}, "code", 'a text that matches "^[a-z]+$"'),
    ],
)
def test_an_error_names_the_field_and_what_belongs_there(
    arguments: dict[str, Any], field: str, expected: str
) -> None:
    error = refusal(with_schema(PERSON), arguments)
    assert (error.code, error.field, error.expected) == ("invalid_arguments", field, expected)
    assert error.parameters == ["who*", "rows", "mode", "amount", "note", "code"]
    assert error.effect == "none"


@pytest.mark.parametrize(
    ("arguments", "field", "nearest"),
    [
        ({"Who": {"zip": "1"}}, "Who", ["who"]),
        ({**WHO, "ammount": 1}, "ammount", ["amount"]),
        ({"who": {"zip": "1", "email": "x"}}, "who.email", ["e_mail"]),
        ({**WHO, "zzz": 1}, "zzz", None),
    ],
)
def test_an_unknown_parameter_gets_the_nearest_one(
    arguments: dict[str, Any], field: str, nearest: list[str] | None
) -> None:
    error = refusal(with_schema(PERSON), arguments)
    assert (error.field, error.nearest) == (field, nearest)


@pytest.mark.parametrize("arguments", [None, [], "x", 1])
def test_arguments_that_are_not_an_object_are_refused(arguments: Any) -> None:
    assert refusal(with_schema(PERSON), arguments).expected == "object"


def test_an_error_is_camel_case_in_json_and_has_what_is_known() -> None:
    assert refusal(with_schema({"required": ["a"]}), {}).to_dict() == {
        "tool": "take",
        "code": "invalid_arguments",
        "message": "take: a is missing; it may be anything",
        "field": "a",
        "expected": "anything",
        "parameters": [],
        "retryable": False,
        "effect": "none",
    }


@pytest.mark.parametrize("value", [19.99, 0.07, 4.35, 0.29, -0.3, 5, 1e300, 10**400])
def test_a_multiple_is_one_of_the_decimal_that_is_written(value: float) -> None:
    schema = {"properties": {"price": {"type": "number", "multipleOf": 0.01}}}
    assert with_schema(schema).check({"price": value}) == {"price": value}


@pytest.mark.parametrize(("step", "value"), [(0.01, 0.015), (0.01, 1e-7), (2, 3), (0.3, 1)])
def test_what_is_not_a_multiple_is_refused(step: float, value: float) -> None:
    error = refusal(with_schema({"properties": {"price": {"multipleOf": step}}}), {"price": value})
    assert (error.field, error.expected) == ("price", f"a multiple of {step}")


TYPED = {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
IF = {"properties": {"a": {"const": 1}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "arguments", "message"),
    [
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": "x"},
            "the arguments are an object of 2 properties, which fits 2 forms that exclude each "
            "other; they must be of exactly one of these forms: an object with a or an object "
            "with b",
        ),
        (
            {"properties": {"v": {"oneOf": [{"type": "integer"}, {"type": "number"}]}}},
            {"v": 3},
            "v is 3, which fits 2 forms that exclude each other; it must be of exactly one of "
            "these forms: integer or number",
        ),
        (
            {**TYPED, "if": IF, "then": {"required": ["b"]}},
            {"a": 1},
            "b is missing; it is required where a is 1, and must be string",
        ),
        (
            {"if": IF, "else": {"required": ["b"]}},
            {"a": 2},
            "b is missing; it is required unless a is 1, and may be anything",
        ),
        (
            {**TYPED, "if": IF, "then": {"properties": {"b": {"minLength": 3}}}},
            {"a": 1, "b": "x"},
            'b is "x"; it must be a text of at least 3 characters where a is 1',
        ),
        (
            {**TYPED, "dependentRequired": {"a": ["b"]}},
            {"a": 1},
            "b is missing; it is required where a is given, and must be string",
        ),
        (
            {**TYPED, "dependentSchemas": {"a": {"required": ["b"]}}},
            {"a": 1},
            "b is missing; it is required where a is given, and must be string",
        ),
        (
            {"properties": {"n": {"not": {"type": "string"}}}},
            {"n": "x"},
            'n is "x"; it must be anything but string',
        ),
    ],
)
def test_an_error_names_the_field_and_what_it_may_be(
    schema: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    error = refusal(with_schema({"type": "object", **schema}), arguments)
    assert error.message == f"take: {message}"


def test_a_long_name_is_cut_in_the_error() -> None:
    error = refusal(with_schema(PERSON), {**WHO, "x" * 10**6: 1})
    assert len(json.dumps(error.to_dict())) < 2000


@pytest.mark.parametrize("schema", [True, {}, {"type": "object"}, {"type": ["object", "null"]}])
def test_a_schema_that_says_nothing_takes_every_object(schema: Any) -> None:
    assert with_schema(schema).check({"a": [1]}) == {"a": [1]}


def cyclic() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {"a": schema}
    return schema


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (False, "it is false"),
        ("object", "it is a str"),
        ({"type": "string"}, "arguments are an object"),
        ({"type": "objekt"}, "not a JSON Schema: type: "),
        ({"properties": []}, "not a JSON Schema: properties: "),
        ({"properties": {"a": {"minimum": "1"}}}, "properties.a.minimum: "),
        ({"required": "a"}, "required: "),
        ({"anyOf": []}, "anyOf: "),
        ({"properties": {"a": {"multipleOf": 0}}}, "properties.a.multipleOf: "),
        (cyclic(), "it is not JSON"),
        (deep(500), "it is not JSON"),
        ({"description": "x" * (1 << 20)}, "larger than"),
        ({"properties": {"a": object()}}, "it is not JSON"),
        ({"$ref": "#"}, "leads back to itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "back to itself"),
        ({"properties": {"x": {"allOf": [{"$ref": "#/properties/x"}]}}}, "back to itself"),
        ({"properties": {"x": {"$ref": "#/$defs/nowhere"}}}, "leads to nothing in it"),
        ({"properties": {"x": {"$ref": "#/properties"}}}, None),
        ({"properties": {"x": {"$ref": "#/required"}}, "required": []}, "does not lead to"),
        ({"properties": {"x": {"$ref": "file:///etc/passwd"}}}, "nothing is fetched"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_the_reason(
    schema: Any, message: str | None
) -> None:
    if message is None:  # an object of schemas is a schema that says nothing
        assert with_schema(schema).check({"x": 1})
        return
    with pytest.raises(ConfigError, match=r"tools\.take: its schema cannot be used") as caught:
        with_schema(schema)
    assert message in str(caught.value)


def test_a_reference_to_another_host_is_never_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        with pytest.raises(ConfigError, match="nothing is fetched"):
            with_schema({"properties": {"x": {"$ref": url}}})
        with pytest.raises(BlockingIOError):
            server.accept()


def test_references_inside_are_followed_by_pointer_anchor_and_id() -> None:
    take = with_schema(
        {
            "$id": "https://example.com/root",
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}},
                },
                "a": {"$anchor": "here", "type": "string"},
                "b": {"$id": "other.json", "type": "boolean"},
            },
            "properties": {
                "list": {"$ref": "#/$defs/node"},
                "text": {"$ref": "#here"},
                "yes": {"$ref": "other.json"},
            },
        }
    )
    assert take.check({"list": {"next": {"next": {"n": 1}}}, "text": "x", "yes": True})
    assert refusal(take, {"list": {"next": {"n": "x"}}}).field == "list.next.n"
    assert refusal(take, {"text": 1}).field == "text"
    assert refusal(take, {"yes": 1}).field == "yes"


def test_a_schema_of_an_older_draft_is_read_as_such() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"pair": {"items": [{"type": "string"}, {"type": "integer"}]}},
        "definitions": {"x": {"type": "string"}},
    }
    assert refusal(with_schema(schema), {"pair": ["a", "b"]}).field == "pair.1"


@pytest.mark.parametrize(
    "keyword",
    [
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(a+)+$": False}},
        {"patternProperties": {"^(a+)+$": True}, "additionalProperties": {"type": "string"}},
        {"patternProperties": {"^(a+)+$": True}, "unevaluatedProperties": {"type": "string"}},
        {"propertyNames": {"pattern": "^(a+)+$"}},
    ],
)
def test_an_expression_that_backtracks_for_ever_takes_no_time(keyword: dict[str, Any]) -> None:
    attack = "a" * 60 + "!"
    take = with_schema(keyword)
    with suppress(ToolError):  # either judgement is fine; it has to come
        take.check({"a": attack, attack: "x"})


def test_a_schema_that_multiplies_is_given_up() -> None:
    definitions: dict[str, Any] = {"d0": {"type": "string"}}
    for level in range(1, 40):
        both = {"$ref": f"#/$defs/d{level - 1}"}
        definitions[f"d{level}"] = {"anyOf": [both, both]}
    bomb = with_schema({"$defs": definitions, "properties": {"a": {"$ref": "#/$defs/d39"}}})
    error = refusal(bomb, {"a": 1})
    assert error.code == "too_large"


def test_many_values_are_refused_but_long_lists_of_numbers_are_not() -> None:
    rows = {"type": "array", "items": {"type": "object", "required": ["id"]}}
    numbers = {"type": "array", "items": {"type": "number"}, "uniqueItems": True}
    take = with_schema({"properties": {"rows": rows, "numbers": numbers}})
    assert refusal(take, {"rows": [{"id": 1}] * 60_000}).code == "too_large"
    assert take.check({"numbers": list(range(300_000))})
    assert refusal(take, {"numbers": [1, "x"]}).field == "numbers.1"
    assert refusal(take, {"numbers": [1, 2, 1]}).field == "numbers"


def test_deep_arguments_are_refused_where_the_schema_goes_as_deep() -> None:
    take = with_schema({"properties": {"a": {"$ref": "#"}}})
    nested: dict[str, Any] = {}
    for _ in range(5000):
        nested = {"a": nested}
    assert refusal(take, nested).code == "too_large"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
keywords = st.sampled_from(
    "type enum const properties required items anyOf allOf not $ref minimum pattern $defs "
    "additionalProperties patternProperties if then uniqueItems multipleOf $id $schema".split()
)


@given(st.dictionaries(keywords, json_values, max_size=4), st.dictionaries(st.text(), json_values))
def test_whatever_a_schema_is_it_is_refused_or_judges(
    schema: dict[str, Any], arguments: dict[str, Any]
) -> None:
    try:
        take = with_schema(schema)
    except ConfigError:
        return
    try:
        take.check(arguments)
    except ToolError as error:
        json.dumps(error.to_dict())


async def test_a_large_check_may_be_made_in_a_thread() -> None:
    take = with_schema(PERSON)
    assert await take.check_large(WHO) == WHO
    with pytest.raises(Exception, match="who is missing"):
        await take.check_large({})


def test_a_wrong_tool_of_a_provider_is_left_out_with_the_reason() -> None:
    class Upstream:
        on_change = None
        fault = None

        async def open(self, namespace: str) -> None: ...

        async def aclose(self) -> None: ...

        def tools(self) -> list[Tool]:
            good = Tool("good", len, input_schema={})
            bad = [Tool("bad", len, input_schema={"type": "?"}), Tool("$x", len, input_schema={})]
            odd = Tool("odd", len, input_schema={}, output_schema={"type": "?"})
            return [good, *bad, good, odd, Tool("then", len, input_schema={})]

    catalogue = Catalogue.of(Tools(up=Upstream()))
    assert list(catalogue.bound) == ["up.good", "up.odd", "up.then_"]
    assert sorted(catalogue.skipped) == ["up.$x", "up.bad", "up.good", "up.odd"]
    assert catalogue.bound["up.odd"].output_schema is None
