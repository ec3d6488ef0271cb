"""What is asked of an address in another way than it answers."""

from __future__ import annotations

import httpx2
import pytest

from tests.server.served import Served
from tests.server.test_api import error

CALL = b'{"code": "return 1"}'


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/docs", "/api/v1/executions"])
def test_head_is_answered_as_get_is_without_the_body(ada: httpx2.Client, address: str) -> None:
    got, head = ada.get(address), ada.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_the_head_of_a_stream_ends(ada: httpx2.Client) -> None:
    for _ in range(20):  # each takes one of the agent's few streams, and gives it back
        assert ada.head("/api/v1/events").status_code == 200


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("GET", "/api/v1/execute", "POST"),
        ("HEAD", "/api/v1/execute", "POST"),
        ("OPTIONS", "/api/v1/execute", "POST"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("TRACE", "/healthz", "GET, HEAD"),
        ("FOO", "/openapi.json", "GET, HEAD"),
        ("GET", "/mcp", "POST"),
        ("PUT", "/mcp", "POST"),
    ],
)
def test_another_method_is_refused_with_those_there_are(
    ada: httpx2.Client, method: str, address: str, allowed: str
) -> None:
    answer = ada.request(method, address)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        error(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("address", ["/nowhere", "/api/v1/execute/", "//healthz", "/%ff%zz"])
def test_an_unknown_address_is_told_so_and_nobody_is_sent_elsewhere(
    served: Served, ada: httpx2.Client, address: str
) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        error(ada.request(method, served.url + address), 404, "not_found")


@pytest.mark.parametrize("address", ["/api/v1/execute", "/api/v1/validate", "/mcp"])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Content-Type", "text/plain", "application/json"),
        ("Content-Type", "application/json; charset=latin1", "UTF-8"),
        ("Content-Type", 'application/json; a=b; Charset="UTF-16"', "UTF-8"),
        ("Content-Encoding", "gzip", "compressed"),
    ],
)
def test_a_body_of_another_form_is_refused(
    ada: httpx2.Client, address: str, name: str, value: str, words: str
) -> None:
    given = {"Content-Type": "application/json", name: value}
    answer = ada.post(address, content=CALL, headers=given)
    error(answer, 415, "unsupported_media_type")
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "told", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF8"']
)
def test_utf_8_may_be_named(ada: httpx2.Client, told: str) -> None:
    answer = ada.post("/api/v1/execute", content=CALL, headers={"Content-Type": told})
    assert answer.json()["output"] == 1


@pytest.mark.parametrize(("start", "words"), [(b"\xef\xbb\xbf", "byte order mark"), (b"", "empty")])
def test_a_mark_before_the_json_or_nothing_at_all_is_named(
    ada: httpx2.Client, start: bytes, words: str
) -> None:
    given = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    for address in ("/api/v1/execute", "/mcp"):
        answer = ada.post(address, content=start + CALL if start else b"", headers=given)
        assert answer.status_code == 400
        assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        *((f"limit={text}", "from 1 to 1000") for text in ("0", "-1", "99999", "abc", "", "1e3")),
        *((f"offset={text}", "from 0 to 2147483648") for text in ("-1", "9" * 400, "%2B5")),
        *((f"since={text}", "from 0 to 253402300799999") for text in ("9" * 20, "1.5", "NaN")),
    ],
)
def test_a_number_of_a_query_is_told_what_it_may_be(
    ada: httpx2.Client, query: str, allowed: str
) -> None:
    answer = ada.get(f"/api/v1/executions?{query}")
    error(answer, 400, "invalid_request")
    assert answer.json()["error"]["message"].endswith(f"it must be a whole number {allowed}")


def test_a_query_has_each_name_once(ada: httpx2.Client) -> None:
    error(ada.get("/api/v1/executions?limit=1&limit=2"), 400, "invalid_request")
    types = "type=code:execution:started&type=code:execution:failed"
    with ada.stream("GET", f"/api/v1/events?{types}") as answer:
        assert answer.status_code == 200
