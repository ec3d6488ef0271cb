"""JSON Schemas as upstream servers write them and as nobody should, and tools that have them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any] | bool

NAMES = st.sampled_from(
    "id name new constructor __proto__ a-b a.b 1 😀 é then class get $x toString Promise".split(" ")
) | st.sampled_from(["", "\u2028", "*/", '"', "\\", "\ud800", "\n", "\x7f"])
WORDS = st.one_of(
    st.sampled_from(
        [
            *("", "Plain words.", "*/ const x: number = 'a' /*", "@ts-expect-error", "*", "/"),
            *("a\n@ts-ignore", "x\r\n\u2028 */", "`${1}`", "\ud800", "// @ts-nocheck"),
        ]
    ),
    st.text(max_size=20),
)
POINTERS = st.sampled_from(
    "# #/$defs/A #/$defs/B #/$defs/Promise #/properties/id #/$defs/x~1y #/nowhere #/$defs #anchor "
    "https://example.com/schema.json #/$defs/A/properties/name".split()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)
_TYPES = ["string", "number", "integer", "boolean", "null", "array", "object", "odd", 3]


def _keywords(inner: st.SearchStrategy[Any], pointers: st.SearchStrategy[str]) -> dict[str, Any]:
    some = st.lists(inner, max_size=3)
    named = st.dictionaries(NAMES, inner, max_size=4)
    return {
        "type": st.sampled_from(_TYPES) | st.lists(st.sampled_from(_TYPES), max_size=3),
        "description": WORDS, "default": VALUES, "const": VALUES, "title": WORDS | NAMES,
        "enum": st.lists(VALUES, max_size=4) | st.just([f"v{n}" for n in range(80)]),
        "properties": named, "required": st.lists(NAMES, max_size=3),
        "additionalProperties": inner, "patternProperties": named,
        "items": inner | some, "prefixItems": some, "additionalItems": inner,
        "allOf": some, "anyOf": some, "oneOf": some, "not": inner, "$ref": pointers,
        "minItems": st.integers(-1, 4), "minimum": st.integers() | st.floats(), "pattern": WORDS,
        "format": WORDS, "nullable": st.booleans(), "deprecated": st.booleans(),
        "examples": st.lists(VALUES, max_size=2),
    }  # fmt: skip


def schemas(pointers: st.SearchStrategy[str] = POINTERS) -> st.SearchStrategy[Any]:
    """Any schema, sensible or not."""
    leaves: st.SearchStrategy[Any] = (
        st.booleans() | st.just({}) | pointers.map(lambda pointer: {"$ref": pointer})
    )
    part = st.recursive(leaves, lambda inner: _schema(inner, pointers), max_leaves=8)
    definitions = st.dictionaries(st.sampled_from(["A", "B", "Promise", "x/y"]), part, max_size=4)
    return st.builds(_with_definitions, part, definitions)


def _schema(inner: st.SearchStrategy[Any], pointers: st.SearchStrategy[str]) -> Any:
    pairs = [st.tuples(st.just(name), value) for name, value in _keywords(inner, pointers).items()]
    return st.lists(st.one_of(pairs), min_size=1, max_size=4).map(dict)


def _with_definitions(schema: Schema, definitions: dict[str, Any]) -> Schema:
    return {**schema, "$defs": definitions} if isinstance(schema, dict) else schema


@dataclass(frozen=True)
class Declared:
    """What is declared of a tool, without the rest of it."""

    namespace: str
    member: str
    input_schema: Any
    output_schema: Any = None
    description: str = ""
    answer_note: str = ""
    has_http: bool = False

    @property
    def path(self) -> str:
        return f"{self.namespace}.{self.member}" if self.namespace else self.member


_SPELLINGS = ["id", "name", "a-b", "new", "1", "😀", "class", "*/", "get", "constructor"]
_REFERENCES = ["#", "#/$defs/A", "#/$defs/B", "#/$defs/C", "#/$defs/A/properties/id", "#/$defs/D"]


def deep_schema(random: Random, depth: int = 5) -> Any:
    """A larger schema than one that hypothesis draws, from a seed; it refers to itself a lot."""
    schema = _deep(random, depth)
    schema["$defs"] = {name: _deep(random, depth - 1) for name in "ABCD"}
    return schema


def _deep(random: Random, depth: int) -> dict[str, Any]:
    kinds = [_object, _array, _choice, _all, _reference, _scalar, _both]
    schema = random.choice(kinds if depth > 0 else [_reference, _scalar])(random, depth - 1)
    if random.random() < 0.2:
        schema["description"] = random.choice(["Words.", "two\nlines", "*/ }", "@ts-ignore"])
    return schema


def _parts(random: Random, depth: int) -> list[Any]:
    return [_deep(random, depth) for _ in range(random.randint(1, 3))]


def _object(random: Random, depth: int) -> dict[str, Any]:
    names = random.sample(_SPELLINGS, random.randint(0, 5))
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {name: _deep(random, depth) for name in names}
    schema["required"] = random.sample(_SPELLINGS, random.randint(0, 3))
    if random.random() < 0.5:
        schema["additionalProperties"] = random.choice([True, False, _deep(random, depth)])
    if random.random() < 0.1:
        schema["patternProperties"] = {"^a": _deep(random, depth)}
    return schema


def _array(random: Random, depth: int) -> dict[str, Any]:
    places = {"prefixItems": _parts(random, depth), "minItems": random.randint(0, 3)}
    rest = random.choice([True, False, _deep(random, depth)])
    return {"type": "array", "items": rest, **random.choice([places, {}, {}])}


def _choice(random: Random, depth: int) -> dict[str, Any]:
    return {random.choice(["anyOf", "oneOf"]): _parts(random, depth)}


def _all(random: Random, depth: int) -> dict[str, Any]:
    return {"allOf": _parts(random, depth)}


def _reference(random: Random, depth: int) -> dict[str, Any]:
    return {"$ref": random.choice(_REFERENCES)}


def _scalar(random: Random, depth: int) -> dict[str, Any]:
    enum = {"enum": random.choice([["a", "b", None], [1, 2.5], [True, {"a": [1]}], ["*/"]])}
    types = {"type": random.choice(["string", "integer", ["string", "null"], "boolean", "null"])}
    return random.choice([types, types, enum, {"const": "x"}, {}])


def _both(random: Random, depth: int) -> dict[str, Any]:
    return {**_object(random, depth), **random.choice([_choice, _all, _reference])(random, depth)}


def value_of(random: Random, schema: Any, root: Any, depth: int = 6) -> Any:
    """A value that ``schema`` probably allows."""
    if not isinstance(schema, dict) or depth == 0:
        return random.choice([None, 1, "a", {}, []])
    if "const" in schema:
        return schema["const"]
    for name in ("enum", "anyOf", "oneOf", "allOf"):
        if schema.get(name) and (name == "enum" or random.random() < 0.7):
            picked = random.choice(schema[name])
            return picked if name == "enum" else value_of(random, picked, root, depth - 1)
    if "$ref" in schema:
        return value_of(random, _target(root, schema["$ref"]), root, depth - 1)
    return _value_of_type(random, schema, root, depth - 1)


def _target(root: Any, reference: str) -> Any:
    place = root
    for step in reference.split("/")[1:]:
        place = place.get(step, {}) if isinstance(place, dict) else {}
    return place


def _value_of_type(random: Random, schema: Any, root: Any, depth: int) -> Any:
    type_ = schema.get("type", "string")
    if type_ == "array":
        places = [value_of(random, part, root, depth) for part in schema.get("prefixItems", [])]
        rest = schema.get("items")
        more = 0 if rest is False else random.randint(0, 2)
        cut = places[: random.randint(0, len(places))] if random.random() < 0.3 else places
        return (
            cut
            if cut != places
            else [*cut, *(value_of(random, rest, root, depth) for _ in range(more))]
        )
    if type_ == "object":
        properties = {**dict.fromkeys(schema.get("required", ())), **schema.get("properties", {})}
        needed = schema.get("required", ())
        return {name: value_of(random, of, root, depth) for name, of in properties.items()
                if name in needed or random.random() < 0.5}  # fmt: skip
    scalars = {"string": "text", "integer": 7, "boolean": True, "null": None}
    return scalars[random.choice(type_) if isinstance(type_, list) else type_]
