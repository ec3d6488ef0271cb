"""Declarations say in TypeScript what schemas allow, whatever the schemas are."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable

from onehop.tools._brief import call_of, signature
from onehop.tools._declarations import ambient, declarations
from onehop.tools._layout import line
from onehop.tools._shapes import shape_of
from tests.tools.schemas import NAMES, WORDS, Declared, deep_schema, schemas, value_of
from tests.tools.typescript import complaints

PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
TREE = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    "title": "Tree node",
}
_NOT_MENTIONED = "TS2353"
"""A property of a literal that its type does not have: the schema allows it."""
_MUCH = HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much

TYPES: dict[str, tuple[Any, str]] = {
    "anything": ({}, "unknown"),
    "true": (True, "unknown"),
    "false": (False, "never"),
    "what is not a schema": ("text", "unknown"),
    "a type that is not known": ({"type": "odd"}, "unknown"),
    "an integer": ({"type": "integer"}, "number"),
    "several types": ({"type": ["string", "null"]}, "string | null"),
    "nullable": ({"type": "string", "nullable": True}, "string | null"),
    "an enumeration": ({"type": "string", "enum": ["a", 'b"', 3, None]}, r'"a" | "b\"" | 3 | null'),
    "a long enumeration": ({"enum": [f"v{n}" for n in range(60)]}, "string"),
    "a constant": ({"const": {"a": [1, True]}}, "{a: [1, true]}"),
    "a number that is not finite": ({"const": float("inf")}, "number"),
    "an object": (
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]},
        "{a: string; b?: unknown}",
    ),
    "an object of anything": ({"type": "object"}, "{[name: string]: unknown}"),
    "an object without members": ({"type": "object", "additionalProperties": False}, "{}"),
    "a record": (
        {"type": "object", "additionalProperties": {"type": "number"}},
        "{[name: string]: number}",
    ),
    "a record with members": (
        {"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "number"}},
        "{a?: string; [name: string]: number | string | undefined}",
    ),
    "a required property that is not described": (
        {"type": "object", "required": ["a"]},
        "{a: unknown}",
    ),
    "odd names": (
        {"properties": {"a-b": {}, "new": {}, 'q"': {}, "\u2028": {}, "class": {}}},
        r'{"a-b"?: unknown; "new"?: unknown; "q\""?: unknown; "\u2028"?: unknown; class?: unknown}',
    ),
    "a list": ({"type": "array", "items": {"enum": [1, 2]}}, "(1 | 2)[]"),
    "a list of anything": ({"type": "array"}, "unknown[]"),
    "a tuple": (
        {"prefixItems": [{"type": "string"}, {"type": "number"}], "items": False, "minItems": 1},
        "[string, number?]",
    ),
    "a tuple of an older draft": (
        {"type": "array", "items": [{"type": "string"}], "additionalItems": {"type": "null"}},
        "[string?, ...null[]]",
    ),
    "any of": (
        {"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "string"}]},
        "string | null",
    ),
    "one of, and anything": ({"oneOf": [{"type": "string"}, {}]}, "unknown"),
    "all of": (
        {"allOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
        "{a: unknown} & {b: unknown}",
    ),
    "members, and one of two needed": (
        {"properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "{a?: unknown} & ({a: unknown} | {b: unknown})",
    ),
    "a reference": ({"$ref": "#/$defs/P", "$defs": {"P": {"type": "string"}}}, "string"),
    "an escaped reference": ({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"const": 1}}}, "1"),
    "a reference to elsewhere": ({"$ref": "https://example.com/schema.json"}, "unknown"),
    "a reference to nothing": ({"$ref": "#/$defs/none"}, "unknown"),
    "a reference to itself": ({"$ref": "#"}, "unknown"),
    "a circle of references": (
        {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}}},
        "unknown",
    ),
    "a named type": ({"$ref": "#/$defs/my-person", "$defs": {"my-person": PERSON}}, "MyPerson"),
    "a tree": (TREE, "{children?: TreeNode[]}"),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_reads_as_its_type(name: str) -> None:
    schema, expected = TYPES[name]
    assert line(shape_of(schema, "Root").type) == expected


def test_the_compiler_accepts_all_of_these_types() -> None:
    texts = [declarations([Declared("x", "t", schema, schema)]) for schema, _ in TYPES.values()]
    assert complaints(texts) == [[] for _ in texts]


def test_the_compiler_refuses_what_is_wrong() -> None:
    """So that its silence means something."""
    tool = Declared("crm", "find", PERSON, {"type": "array", "items": PERSON})
    call = (
        "tools.crm.find({})"
        + "\n"
        + 'const x: string = (await tools.crm.find({name: "a"}))[0].name;'
    )
    (found,) = complaints([declarations([tool]) + call])
    assert [message.partition(" ")[0] for message in found] == ["TS2345"]


def test_a_declaration_carries_words_defaults_and_bounds() -> None:
    parameter = {
        "type": "integer", "description": "How many.\nAt most ten.", "default": 5,
        "minimum": 1, "maximum": 10, "deprecated": True,
    }  # fmt: skip
    takes = {"type": "object", "properties": {"limit": parameter}}
    tool = Declared(
        "crm", "find-all", takes, {"$ref": "#/$defs/P", "$defs": {"P": PERSON}}, "Finds."
    )
    assert declarations([tool]) == (
        """type P = {name: string};

declare const tools: {
  crm: {
    /** Finds. */
    "find-all"(args?: {
      /**
       * How many.
       * At most ten.
       * @default 5
       * @minimum 1
       * @maximum 10
       * @deprecated
       */
      limit?: number;
    }): Promise<P>;
  };
};
"""
    )


def test_types_of_one_name_are_kept_apart_and_equal_ones_are_shared() -> None:
    other = {"type": "object", "properties": {"name": {"type": "number"}}}
    of = {"$ref": "#/$defs/P"}
    tools = [
        Declared("a", "one", {**of, "$defs": {"P": PERSON}}),
        Declared("a", "two", {**of, "$defs": {"P": other}}),
        Declared("", "three", {**of, "$defs": {"P": PERSON}}),
    ]
    text = declarations(tools)
    assert text.count("type P = {name: string}") == 1
    assert "type P2 = {name?: number}" in text
    assert "two(args?: P2)" in text
    assert "three(args: P)" in text


def test_declarations_of_a_module_reach_other_files_and_their_types_do_not() -> None:
    tool = Declared("crm", "find", {"$ref": "#/$defs/Array", "$defs": {"Array": PERSON}}, PERSON)
    code = "const found: {name: string} = await tools.crm.find({name: 'a'});"
    library = "const list: Array<1> = [1];"
    assert complaints([ambient([tool]), code + library]) == [[], []]


def test_tools_are_declared_under_their_aliases_too() -> None:
    tools = [Declared("my-crm", "find-person", PERSON, PERSON), Declared("", "a b", PERSON)]
    aliases = {
        "": {"my_crm": "my-crm", "a_b": "a b", "gone": "x"},
        "my-crm": {"find_person": "find-person"},
    }
    right = "await tools.my_crm.find_person({name: ''}); await tools.a_b({name: ''});"
    wrong = "await tools.my_crm.find_person({nam: ''}); await tools.gone({});"
    _, fine, bad = complaints([ambient(tools, aliases), right, wrong])
    assert fine == []
    assert [message.partition(" ")[0] for message in bad] == ["TS2561", "TS2339"]


def test_what_comes_beside_a_body_has_a_type_where_it_can_be() -> None:
    tools = [
        Declared("x", "get", PERSON, PERSON, has_http=True),
        Declared("x", "text", PERSON, {"type": ["string", "null"]}, has_http=True),
    ]
    right = """
    const found = await tools.x.get({name: ''});
    const name: string = found.name;
    const etag: string = found.$http.headers.etag;
    const text: string | null = await tools.x.text({name: ''});
    """
    wrong = """
    (await tools.x.get({name: ''})).$http.statusCode;
    (await tools.x.text({name: ''}))?.$http;
    """
    _, fine, bad = complaints([ambient(tools), right, wrong])
    assert fine == []
    assert [message.partition(" ")[0] for message in bad] == ["TS2339", "TS2339"]


def test_the_answer_of_a_tool_may_be_observed() -> None:
    tool = Declared("x", "t", PERSON, PERSON, "Words.", answer_note="@observed in 2 answers")
    assert "   * Words.\n   * @observed in 2 answers\n" in declarations([tool]).replace(
        "    ", "  "
    )
    assert signature(tool).endswith("Promise</* observed */ {name: string}>")


def test_words_cannot_leave_their_comment() -> None:
    words = [
        "*/ evil; /*",
        "ends */",
        "@ts-expect-error",
        "a\n@ts-ignore",
        "\u2028*/",
        "\r*/",
        "\\",
    ]
    code = "\nconst a: number = (await tools.x.t()).name; evil;"
    texts = []
    for text in words:
        takes = {"type": "object", "properties": {"a": {"description": text, "default": text}}}
        texts.append(declarations([Declared("x", "t", takes, PERSON, text)]) + code)
    for found in complaints(texts):
        assert [message.partition(" ")[0] for message in found] == ["TS2322", "TS2304"]


def test_a_signature_is_one_line_of_bounded_length() -> None:
    many = {f"property_{n}": {"type": "string", "description": "words"} for n in range(200)}
    wide = {"type": "object", "properties": many, "required": ["property_7"]}
    narrow = Declared("crm", "find", wide, PERSON)
    assert signature(narrow) == (
        "crm.find(args: {property_7: string; /* 199 optional */}): Promise<{name: string}>"
    )
    hopeless = Declared("my-crm", "find person", {**wide, "required": list(many)})
    assert signature(hopeless) == '["my-crm"]["find person"](args: object): Promise<unknown>'


def test_a_signature_shows_what_is_behind_a_name_once() -> None:
    tool = Declared(
        "", "grow", TREE, {"type": "array", "items": {"$ref": "#/$defs/P"}, "$defs": {"P": PERSON}}
    )
    assert signature(tool) == (
        "grow(args?: {children?: {children?: TreeNode[]}[]}): Promise<{name: string}[]>"
    )


def test_a_tool_without_parameters_takes_none() -> None:
    assert (
        signature(Declared("", "now", {"type": "object", "properties": {}}))
        == "now(): Promise<unknown>"
    )


HOSTILE: dict[str, Any] = {}


def _nested(depth: int) -> Any:
    schema: Any = {}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema, "b": {"items": schema}}}
    return schema


def _doubling(steps: int) -> Any:
    """Each definition has the next one twice, so that written out it would have no end."""
    definitions = {
        f"D{n}": {"prefixItems": [{"$ref": f"#/$defs/D{n + 1}"}] * 2, "minItems": 2}
        for n in range(steps)
    }
    return {"$ref": "#/$defs/D0", "$defs": definitions}


def _multiplied(sides: int) -> Any:
    side = {"anyOf": [{"type": "object", "required": [f"p{n}"]} for n in range(40)]}
    return {"allOf": [side] * sides}


HOSTILE = {
    "deep": _nested(300),
    "doubling references": _doubling(100),
    "multiplied unions": _multiplied(6),
    "a hundred thousand properties": {"properties": {f"p{n}": {} for n in range(100_000)}},
    "a hundred thousand values": {"enum": [[n] for n in range(100_000)]},
    "a hundred thousand choices": {"anyOf": [{"const": n} for n in range(100_000)]},
    "a long tuple": {"prefixItems": [{"type": "string"}] * 100_000},
    "long names": {"properties": {"x" * 100_000: {"type": "string"}}},
    "long words": {"properties": {"x": {"description": "w " * 1_000_000, "pattern": "x" * 10**6}}},
    "many long words": {"properties": {f"p{n}": {"description": "w" * 900} for n in range(900)}},
    "many enumerations": {
        "properties": {f"p{n}": {"enum": [f"{n}{m:0190}" for m in range(50)]} for n in range(900)}
    },
    "long values": {"enum": ["x" * 100_000, "y" * 100_000]},
    "a long default": {"properties": {"x": {"default": ["x" * 100] * 10_000}}},
    "a huge integer": {"const": 10**4000},
    "a chain of references": {
        "$ref": "#/$defs/D0",
        "$defs": {f"D{n}": {"allOf": [{"$ref": f"#/$defs/D{n + 1}"}]} for n in range(5_000)},
    },
    "a long chain of lists": {
        "$ref": "#/$defs/D0",
        "$defs": {f"D{n}": {"items": {"$ref": f"#/$defs/D{n + 1}"}} for n in range(5_000)},
    },
    "a long pointer": {"$ref": "#/" + "a/" * 100_000},
}


def test_a_hostile_schema_has_a_short_declaration_that_compiles() -> None:
    texts = []
    for schema in HOSTILE.values():
        start = time.process_time()
        tool = Declared("x", "t", schema, schema)
        texts.append(declarations([tool]) + f"\ndeclare const brief: {{t{call_of(tool)}}};")
        assert time.process_time() - start < 2
        assert len(texts[-1]) < 200_000
    assert dict(zip(HOSTILE, complaints(texts), strict=True)) == {name: [] for name in HOSTILE}


def _all_texts(tools: list[Declared]) -> str:
    """Declarations and, in the same file, signatures."""
    briefs = [f"declare const brief{n}: {{t{call_of(tool)}}};" for n, tool in enumerate(tools)]
    return "\n".join([declarations(tools), *briefs])


def test_every_declaration_compiles() -> None:
    texts: list[str] = []

    @settings(max_examples=100, suppress_health_check=_MUCH, deadline=None)
    @given(st.lists(st.tuples(NAMES, schemas(), schemas(), WORDS), min_size=1, max_size=3))
    def draw(drawn: list[tuple[str, Any, Any, str]]) -> None:
        tools = [Declared("x", f"{n}{name}", takes, gives, words)
                 for n, (name, takes, gives, words) in enumerate(drawn)]  # fmt: skip
        texts.append(_all_texts(tools))

    draw()
    assert not [(text, said) for text, said in zip(texts, complaints(texts), strict=True) if said]


@pytest.mark.parametrize(
    "first", [0, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
def test_every_deep_and_circular_declaration_compiles(first: int) -> None:
    texts = []
    for seed in range(first, 60 if first == 0 else 700):
        random = Random(seed)
        one, two = deep_schema(random), deep_schema(random)
        texts.append(_all_texts([Declared("x", "a", one, two), Declared("x", "b", two, one)]))
    said = complaints(texts)
    assert not {first + n: found for n, found in enumerate(said) if found}


def test_every_value_that_a_schema_allows_has_its_type() -> None:
    texts = []
    for random in map(Random, range(800)):
        schema = deep_schema(random, 3)
        value = value_of(random, schema, schema)
        if _allows(schema, value):
            text = declarations([Declared("x", "t", True, schema)])
            texts.append(f"{text}\nlet value = await tools.x.t(); value = {json.dumps(value)};")
    assert len(texts) > 200
    said = [
        [message for message in found if not message.startswith(_NOT_MENTIONED)]
        for found in complaints(texts)
    ]
    assert not [(text, found) for text, found in zip(texts, said, strict=True) if found]


def _allows(schema: Any, value: Any) -> bool:
    """Whether it is certain: a schema that refers to itself alone, or to nothing, says nothing."""
    try:
        return bool(Draft202012Validator(schema).is_valid(value))
    except (RecursionError, Unresolvable):
        return False
