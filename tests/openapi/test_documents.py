"""What becomes of a document: schemas, names, what is skipped, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onehop import ConfigError, OpenApi, Sandbox, SandboxConfig, ToolError, Tools
from onehop.tools import Catalogue
from tests.openapi.running import document, opened, schema_of, skipped, written
from tests.tools.calling import refusal

BASE = "https://api.test"


def body(schema: Any, **more: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def refused(source: str, **options: Any) -> str:
    provider = OpenApi(source, **options)
    with pytest.raises(ConfigError) as raised:
        await provider.open("api")
    return str(raised.value)


async def tools_of(folder: Path, data: dict[str, Any], **options: Any) -> Catalogue:
    provider, catalogue = await opened(written(folder, data), **{"base_url": BASE, **options})
    await provider.aclose()
    return catalogue


# --- schemas ---


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "string", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"allOf": [{"type": "integer"}], "nullable": True},
            {"anyOf": [{"allOf": [{"type": "integer"}]}, {"type": "null"}]},
        ),
        (
            {"type": "number", "minimum": 1, "exclusiveMinimum": True},
            {"type": "number", "exclusiveMinimum": 1},
        ),
        ({"type": ["string", "null"], "const": "a"}, {"type": ["string", "null"], "const": "a"}),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"type": "string", "example": "x", "xml": {}, "x-y": 1}, {"type": "string"}),
        ({"type": "wrong", "maxLength": -1, "required": True, "pattern": 7}, {}),
        (True, True),
    ],
)
async def test_schemas_of_openapi_become_json_schema(tmp_path: Path, given: Any, made: Any) -> None:
    schema = await schema_of(tmp_path, body({"type": "array", "items": given}))
    assert schema["properties"]["body"]["items"] == made


async def test_alternatives_of_a_body_stay_in_one_argument(tmp_path: Path) -> None:
    schema = await schema_of(tmp_path, body({"oneOf": [{"type": "object"}, {"type": "array"}]}))
    assert list(schema["properties"]) == ["body"]
    assert schema["required"] == ["body"]


async def test_parts_of_all_of_are_fields_together(tmp_path: Path) -> None:
    parts = [
        {"$ref": "#/components/schemas/Base"},
        {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}},
    ]
    base = {"properties": {"id": {"readOnly": True}, "a": {"type": "integer"}}, "required": ["id"]}
    schema = await schema_of(
        tmp_path, body({"allOf": parts}), components={"schemas": {"Base": base}}
    )
    assert list(schema["properties"]) == ["a", "b"]
    assert schema["required"] == ["b"]


async def test_types_that_contain_themselves_are_named(tmp_path: Path) -> None:
    tree = {"properties": {"kids": {"type": "array", "items": {"$ref": "#/components/schemas/T"}}}}
    data = document(
        {"/x": {"post": {"operationId": "x", **body({"$ref": "#/components/schemas/T"})}}},
        components={"schemas": {"T": tree}},
    )
    catalogue = await tools_of(tmp_path, data)
    one = catalogue.bound["api.x"]
    assert one.check({"kids": [{"kids": []}]})
    assert refusal(one, {"kids": [{"kids": 1}]}).field == "kids.0.kids"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "#/components/schemas/A"}, "refers to itself without end"),
        ({"$ref": "#/components/schemas/Gone"}, "leads to nothing"),
        ({"$ref": "https://evil.test/x.json#/A"}, "another document, and none is fetched"),
        ({"$ref": "file:///etc/passwd"}, "another document, and none is fetched"),
        ({"$ref": "other.yaml"}, "another document, and none is fetched"),
    ],
)
async def test_a_reference_that_cannot_be_followed_skips_its_operation_and_no_other(
    tmp_path: Path, schema: Any, reason: str
) -> None:
    paths = {"/x": {"post": {"operationId": "x", **body({"type": "array", "items": schema})}},
             "/y": {"get": {"operationId": "y"}}}  # fmt: skip
    components = {"schemas": {"A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
                              "B": {"anyOf": [{"$ref": "#/components/schemas/A"}]}}}  # fmt: skip
    found = await skipped(tmp_path, paths, components=components)
    assert list(found) == ["api.POST /x"]
    assert reason in found["api.POST /x"]


async def test_a_wrong_type_of_an_answer_costs_no_more_than_that_type(tmp_path: Path) -> None:
    content = {"application/json": {"schema": {"$ref": "#/gone"}}}
    operation = {"operationId": "x", "responses": {"200": {"content": content}}}
    catalogue = await tools_of(tmp_path, document({"/x": {"get": operation}}))
    assert catalogue.bound["api.x"].output_schema is None
    assert list(catalogue.skipped) == ["api.x (the type of its answer)"]


async def test_the_types_of_answers_are_declared(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "key": {"writeOnly": True}},
    }
    content = {"application/json": {"schema": schema}}
    operation = {"operationId": "x", "responses": {"200": {"content": content}}}
    catalogue = await tools_of(tmp_path, document({"/x": {"get": operation}}))
    output = catalogue.bound["api.x"].output_schema
    assert output == {"type": "object", "properties": {"id": {"type": "integer"}}}


# --- names ---


async def test_an_operation_without_a_good_name_is_called_by_method_and_path(
    tmp_path: Path,
) -> None:
    paths = {
        "/repos/{owner}/x-y": {"get": {}, "post": {"operationId": "$mine"}},
        "/a": {"get": {"operationId": "same"}},
        "/b": {"get": {"operationId": "same"}},
    }
    catalogue = await tools_of(tmp_path, document(paths))
    names = ["api.get_repos_owner_x_y", "api.post_repos_owner_x_y", "api.same", "api.get_b"]
    assert list(catalogue.bound) == names
    assert catalogue.bound[names[0]].parameters == ("owner*",)


async def test_a_name_in_two_places_has_its_place_in_front_the_second_time(tmp_path: Path) -> None:
    parameters = [{"name": "id", "in": place} for place in ("cookie", "query", "path", "header")]
    operation = {"operationId": "x", "parameters": parameters, **body({"properties": {"id": {}}})}
    catalogue = await tools_of(tmp_path, document({"/x/{id}": {"post": operation}}))
    expected = ("id*", "query_id", "header_id", "cookie_id", "body_id")
    assert catalogue.bound["api.x"].parameters == expected


@pytest.mark.parametrize(
    ("include", "exclude", "names"),
    [
        (["issues/*"], [], ["issues/list", "issues/delete"]),
        (["*"], ["DELETE *"], ["issues/list", "users/get"]),
        (["GET /users*"], [], ["users/get"]),
    ],
)
async def test_operations_are_chosen_by_globs(
    tmp_path: Path, include: list[str], exclude: list[str], names: list[str]
) -> None:
    paths = {
        "/issues": {
            "get": {"operationId": "issues/list"}, "delete": {"operationId": "issues/delete"}
        },
        "/users": {"get": {"operationId": "users/get"}},
    }  # fmt: skip
    catalogue = await tools_of(tmp_path, document(paths), include=include, exclude=exclude)
    assert [path.removeprefix("api.") for path in catalogue.bound] == names


async def test_what_is_not_a_tool_is_listed_with_the_reason(tmp_path: Path) -> None:
    paths = {
        "/a": {"options": {}, "get": {"servers": [{"url": "https://other.test"}]}},
        "/b": {"get": {"parameters": [{"name": "a", "in": "querystring"}]}},
        "/c": {"get": {"parameters": [{"name": "a", "in": "query", "style": "simple"}]}},
    }
    found = await skipped(tmp_path, paths, webhooks={"w": {}})
    keys = ["api.OPTIONS /a", "api.GET /a", "api.GET /b", "api.GET /c", "api.webhooks"]
    assert list(found) == keys


# --- whole documents ---


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an object"),
        ("[1]", "not an object"),
        ("{", "not JSON"),
        ('{"swagger": "2.0"}', "convert it"),
        ('{"openapi": "4.0"}', "must be 3.0 or 3.1"),
        ('{"hello": 1}', "it is not an OpenAPI document: it has no field openapi"),
        ("openapi: 3.0.0\npaths: []", "paths are not an object"),
        ("a: &a [*a]", "stands for what contains it"),
        ("a: !!python/object/apply:os.system ['true']\nopenapi: 3.0.0\npaths: 1", "not an object"),
        ("a: 1\na: 2", "twice"),
        ("a: [", "not YAML"),
        ("--- {}\n--- {}", "several documents"),
        ("[" * 1000, "not YAML"),
        ("- " * 1000, "levels"),
        ("a:\n  b\n c: [\0", "not YAML"),
    ],
)
async def test_what_is_not_a_document_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    words = await refused(str(file), base_url=BASE)
    assert "upstream.api.openapi" in words
    assert reason in words or "JSON" in words


async def test_a_bomb_of_aliases_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "x.yaml").write_text("\n".join(lines))
    assert "values" in await refused(str(tmp_path / "x.yaml"))


async def test_yaml_means_what_json_means(tmp_path: Path) -> None:
    text = """
openapi: 3.0.0
paths:
  /x:
    get:
      operationId: x
      parameters:
        - name: c
          in: query
          required: true
          schema: {enum: [NO, on, 2026-01-01, 1.5, 12, "12", ~, true]}
      responses:
        200: {description: ok, content: {application/json: {schema: {type: integer}}}}
"""
    (tmp_path / "x.yaml").write_text(text)
    provider, catalogue = await opened(str(tmp_path / "x.yaml"), base_url=BASE)
    await provider.aclose()
    one = catalogue.bound["api.x"]
    enum = ["NO", "on", "2026-01-01", 1.5, 12, "12", None, True]
    assert one.input_schema["properties"]["c"]["enum"] == enum
    assert one.output_schema == {"type": "integer"}


async def test_a_document_is_patched_before_it_is_read(tmp_path: Path) -> None:
    data = document({"/x": {"get": {"operationId": "x"}}, "/y": {"get": {"operationId": "y"}}})
    patches = [
        {"op": "remove", "path": "/paths/~1y"},
        {"op": "replace", "path": "/paths/~1x/get/operationId", "value": "better"},
    ]
    assert list((await tools_of(tmp_path, data, patches=patches)).bound) == ["api.better"]
    file = tmp_path / "patches.json"
    file.write_text(json.dumps(patches))
    assert list((await tools_of(tmp_path, data, patches=str(file))).bound) == ["api.better"]


async def test_a_patch_that_does_not_fit_is_named(tmp_path: Path) -> None:
    source = written(tmp_path, document({}))
    words = await refused(source, base_url=BASE, patches=[{"op": "remove", "path": "/none"}])
    assert "patch 1" in words


# --- servers and settings ---


@pytest.mark.parametrize(
    ("servers", "reason"),
    [
        ([{"url": "/v1"}], "set base_url"),
        (None, "set base_url"),
        ([{"url": "ftp://x.test"}], "set base_url"),
        ([{"url": "https://{region}.test"}], "region has no value"),
        ([{"url": "https://u:p@x.test"}], "password"),
    ],
)
async def test_a_document_without_an_address_needs_one(
    tmp_path: Path, servers: Any, reason: str
) -> None:
    more = {} if servers is None else {"servers": servers}
    assert reason in await refused(written(tmp_path, document({}, **more)))


@pytest.mark.parametrize(
    "base",
    [
        "http://①②⑦.0.0.1",
        "http://xn--\u00fc.test",
        "http://a b.test",
        "http://x.test/a b",
        "http://x.test/ü",
    ],
)
async def test_an_address_to_which_nothing_can_be_sent_is_refused_at_the_start(
    tmp_path: Path, base: str
) -> None:
    data = document({"/x": {"get": {"operationId": "x"}}})
    assert "no request can go to" in await refused(written(tmp_path, data), base_url=base)
    named = written(tmp_path, {**data, "servers": [{"url": base}]})
    assert "no request can go to" in await refused(named)


async def test_a_document_whose_address_has_an_impossible_host_is_refused() -> None:
    assert "no request can go to" in await refused("http://①②⑦.0.0.1/openapi.json")


async def test_a_host_with_letters_of_its_own_language_may_be(tmp_path: Path) -> None:
    data = document({"/x": {"get": {"operationId": "x"}}})
    assert "api.x" in (await tools_of(tmp_path, data, base_url="https://bücher.test")).bound


@pytest.mark.parametrize(
    "path",
    ["/../up", "/a/../../up", "/.", "/%2e%2E/up", "/a/..%2fup", "/..\\up", "/..;x=1/up", "/..?a=1"],
)
async def test_a_path_that_leads_out_of_the_address_is_skipped(tmp_path: Path, path: str) -> None:
    paths = {path: {"get": {"operationId": "up"}}, "/a..b": {"get": {"operationId": "good"}}}
    found = await tools_of(tmp_path, document(paths))
    assert list(found.bound) == ["api.good"]
    assert ["its path has a step" in why for why in found.skipped.values()] == [True]


async def test_a_variable_of_the_server_has_one_of_its_values(tmp_path: Path) -> None:
    variables = {"region": {"enum": ["eu", "us"], "default": "eu"}}
    data = document({}, servers=[{"url": "https://{region}.test", "variables": variables}])
    source = written(tmp_path, data)
    assert "one of: eu, us" in await refused(source, variables={"region": "evil.test/"})


async def test_a_secret_for_a_scheme_that_is_not_there_is_refused(tmp_path: Path) -> None:
    schemes = {"key": {"type": "apiKey", "in": "header", "name": "X"}}
    data = document({}, components={"securitySchemes": schemes})
    words = await refused(written(tmp_path, data), base_url=BASE, auth={"kee": "env:X"})
    assert "it has: key" in words


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "x.test"},
        {"base_url": "https://u:secret@x.test"},
        {"base_url": "https://x.test?a=1"},
        {"auth": {"a": {"value": "secret", "how": "header"}}},
        {"wrong": 1},
    ],
)
def test_wrong_settings_are_refused_and_show_no_value(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        OpenApi("x.yaml", **options)
    assert "secret" not in str(raised.value)


async def test_a_document_that_does_not_come_is_a_fault_and_the_rest_works() -> None:
    api = OpenApi("http://127.0.0.1:1/openapi.json", private=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(api=api)) as sandbox:
        with pytest.raises(ToolError) as raised:
            await sandbox.call_tool("api.x")
    assert raised.value.code == "unavailable"
    assert "its document is not there" in raised.value.message


async def test_a_multiple_of_a_decimal_is_judged_as_it_is_written(tmp_path: Path) -> None:
    price = {"name": "price", "in": "query", "schema": {"type": "number", "multipleOf": 0.01}}
    paths = {"/x": {"get": {"operationId": "x", "parameters": [price]}}}
    provider, catalogue = await opened(written(tmp_path, document(paths)), base_url=BASE)
    try:
        for value in (19.99, 0.07, 4.35, 0.29):
            assert catalogue.bound["api.x"].check({"price": value}) == {"price": value}
        with pytest.raises(ToolError):
            catalogue.bound["api.x"].check({"price": 0.015})
    finally:
        await provider.aclose()
