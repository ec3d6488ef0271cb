"""Every way to write a parameter, as a real server gets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onehop import ToolError
from tests.openapi.running import api_server, document, opened, written
from tests.tools.calling import call_with

LIST = {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object"}
BLUE, COLORS, RGB = "blue", ["blue", "black"], {"R": 100, "G": 200}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with api_server() as url:
        yield url


async def sent(
    folder: Path, address: str, place: str, value: Any, *, path: str = "/echo/x", **style: Any
) -> dict[str, Any]:
    """What the server gets of the parameter ``c``."""
    if place == "path":
        path = "/echo/{c}"
    parameter = {"name": "c", "in": place, "required": True, "schema": {}, **style}
    operation = {"operationId": "echo", "parameters": [parameter]}
    data = document({path: {"get": operation}})
    source = written(folder, data)
    provider, catalogue = await opened(source, base_url=address, private=True)
    try:
        answer = await call_with(catalogue.bound["api.echo"], {"c": value})
        body: dict[str, Any] = answer["$body"]
        return body
    finally:
        await provider.aclose()


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("simple", False, BLUE, "blue"),
        ("simple", False, COLORS, "blue,black"),
        ("simple", True, COLORS, "blue,black"),
        ("simple", False, RGB, "R,100,G,200"),
        ("simple", True, RGB, "R=100,G=200"),
        ("label", False, BLUE, ".blue"),
        ("label", False, COLORS, ".blue,black"),
        ("label", True, COLORS, ".blue.black"),
        ("label", True, RGB, ".R=100.G=200"),
        ("matrix", False, BLUE, ";c=blue"),
        ("matrix", False, COLORS, ";c=blue,black"),
        ("matrix", True, COLORS, ";c=blue;c=black"),
        ("matrix", False, RGB, ";c=R,100,G,200"),
        ("matrix", True, RGB, ";R=100;G=200"),
        ("simple", False, "a/b?#%", "a%2Fb%3F%23%25"),
        ("simple", False, True, "true"),
    ],
)
async def test_styles_of_the_path(
    tmp_path: Path, address: str, style: str, explode: bool, value: Any, expected: str
) -> None:
    got = await sent(tmp_path, address, "path", value, style=style, explode=explode)
    assert got["path"] == f"/echo/{expected}"


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("form", True, BLUE, "c=blue"),
        ("form", True, COLORS, "c=blue&c=black"),
        ("form", False, COLORS, "c=blue,black"),
        ("form", True, RGB, "R=100&G=200"),
        ("form", False, RGB, "c=R,100,G,200"),
        ("spaceDelimited", False, COLORS, "c=blue%20black"),
        ("pipeDelimited", False, COLORS, "c=blue%7Cblack"),
        ("deepObject", True, RGB, "c%5BR%5D=100&c%5BG%5D=200"),
        (
            "deepObject",
            True,
            {"a": {"b": [1, 2]}},
            "c%5Ba%5D%5Bb%5D%5B%5D=1&c%5Ba%5D%5Bb%5D%5B%5D=2",
        ),
        ("form", True, "a&b=c#d+e,f", "c=a%26b%3Dc%23d%2Be%2Cf"),
        ("form", True, [], ""),
        ("form", True, "", "c="),
    ],
)
async def test_styles_of_the_query(
    tmp_path: Path, address: str, style: str, explode: bool, value: Any, expected: str
) -> None:
    got = await sent(tmp_path, address, "query", value, style=style, explode=explode)
    assert got["query"] == expected


async def test_reserved_characters_stay_where_they_may(tmp_path: Path, address: str) -> None:
    got = await sent(tmp_path, address, "query", "a/b:c&d=e#f", allowReserved=True)
    assert got["query"] == "c=a/b:c%26d%3De%23f"


async def test_a_query_of_the_path_stays(tmp_path: Path, address: str) -> None:
    got = await sent(tmp_path, address, "query", "x", path="/echo/x?action=List")
    assert got["query"] == "action=List&c=x"


async def test_a_parameter_with_content_is_json(tmp_path: Path, address: str) -> None:
    content = {"application/json": {"schema": OBJECT}}
    got = await sent(tmp_path, address, "query", {"a": [1]}, content=content)
    assert got["query"] == "c=%7B%22a%22%3A%5B1%5D%7D"


@pytest.mark.parametrize(
    ("explode", "value", "expected"),
    [(False, COLORS, "blue,black"), (False, RGB, "R,100,G,200"), (True, RGB, "R=100,G=200")],
)
async def test_styles_of_headers(
    tmp_path: Path, address: str, explode: bool, value: Any, expected: str
) -> None:
    got = await sent(tmp_path, address, "header", value, explode=explode)
    assert got["headers"]["c"] == expected


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\0b", "ü", "a\nb"])
async def test_a_header_cannot_bring_another_one(tmp_path: Path, address: str, value: str) -> None:
    with pytest.raises(ToolError) as raised:
        await sent(tmp_path, address, "header", value)
    assert (raised.value.code, raised.value.field) == ("invalid_arguments", "c")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(BLUE, "c=blue"), (COLORS, "c=blue; c=black"), ("a; b=c", "c=a%3B%20b%3Dc")],
)
async def test_cookies(tmp_path: Path, address: str, value: Any, expected: str) -> None:
    assert (await sent(tmp_path, address, "cookie", value))["cookies"] == expected


# --- bodies ---


async def posted(
    folder: Path, address: str, content: dict[str, Any], arguments: dict[str, Any]
) -> dict[str, Any]:
    operation = {"operationId": "echo", "requestBody": {"required": True, "content": content}}
    source = written(folder, document({"/echo/x": {"post": operation}}))
    provider, catalogue = await opened(source, base_url=address, private=True)
    try:
        answer = await call_with(catalogue.bound["api.echo"], arguments)
        body: dict[str, Any] = answer["$body"]
        return body
    finally:
        await provider.aclose()


async def test_json_goes_before_other_media_types(tmp_path: Path, address: str) -> None:
    content = {
        "text/plain": {},
        "application/x-www-form-urlencoded": {"schema": OBJECT},
        "application/json": {"schema": {"properties": {"a": {}}}},
    }
    got = await posted(tmp_path, address, content, {"a": [1, "ü"]})
    assert (got["body"], got["headers"]["content-type"]) == ('{"a":[1,"ü"]}', "application/json")


async def test_the_fields_of_a_form_have_styles_too(tmp_path: Path, address: str) -> None:
    schema = {"properties": {"when": OBJECT, "tags": LIST, "meta": OBJECT}}
    encoding = {"when": {"style": "deepObject", "explode": True}, "tags": {"explode": False}}
    content = {"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}}
    given = {"when": {"gte": 1}, "tags": ["a", "b"], "meta": {"k": [1]}}
    got = await posted(tmp_path, address, content, given)
    assert got["body"] == "when%5Bgte%5D=1&tags=a,b&meta=%7B%22k%22%3A%5B1%5D%7D"


async def test_a_text_is_sent_as_it_is(tmp_path: Path, address: str) -> None:
    got = await posted(tmp_path, address, {"text/csv": {}}, {"body": "a,b\n1,ü"})
    assert (got["body"], got["headers"]["content-type"]) == ("a,b\n1,ü", "text/csv")


async def test_bytes_are_sent_as_they_are(tmp_path: Path, address: str) -> None:
    content: dict[str, Any] = {"application/octet-stream": {}}
    got = await posted(tmp_path, address, content, {"body": {"$bytes": "aGVsbG8="}})
    assert got["body"] == "hello"


async def test_bytes_that_are_not_base64_are_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ToolError, match="base64"):
        await posted(tmp_path, address, {"application/pdf": {}}, {"body": {"$bytes": "!"}})
