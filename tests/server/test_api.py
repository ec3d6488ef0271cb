"""Every address of the API, over real HTTP, with a real sandbox and store."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx2
import pytest

from tests.server.served import JSON, Served, run, streaming
from tests.users import ROOT
from tests.waiting import until


def error(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The error of ``response``, whose form is checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    found: dict[str, Any] = response.json()["error"]
    assert found["code"] == code
    assert set(found) - {"field"} == {"code", "message", "requestId"}
    assert found["message"]
    assert found["requestId"] == response.headers["x-request-id"]
    return found


# --- running code


def test_code_runs_and_its_result_comes_back(ada: httpx2.Client) -> None:
    call = {
        "code": "console.log('hi'); return context.a + 1",
        "language": "typescript",
        "timeout": 2000,
        "context": {"a": 1},
        "captureConsole": True,
        "description": "add",
    }
    response = ada.post("/api/v1/execute", json=call)
    assert response.status_code == 200
    result = response.json()
    assert (result["success"], result["output"], result["logs"]) == (True, 2, ["hi"])
    assert result["requestId"] == response.headers["x-request-id"]
    assert "seccomp" in result["enforcement"]


def test_what_the_code_does_wrong_is_a_result(ada: httpx2.Client) -> None:
    response = run(ada, "throw new RangeError('no')")
    assert response.status_code == 200
    assert response.json()["errorInfo"]["name"] == "RangeError"


def test_a_call_is_corrected_as_at_every_door(ada: httpx2.Client) -> None:
    result = ada.post("/api/v1/execute", json={"script": "return 1", "timeout": "3000"}).json()
    assert result["output"] == 1
    assert {each["field"] for each in result["corrections"]} == {"code", "timeout"}


def test_a_repeated_request_gives_the_first_result(ada: httpx2.Client) -> None:
    name = uuid.uuid4().hex
    first = run(ada, "return Math.random()", **{"X-Request-Id": name})
    again = run(ada, "return Math.random()", **{"X-Request-Id": name})
    assert first.headers["x-request-id"] == again.headers["x-request-id"] == name
    assert first.json()["output"] == again.json()["output"]


def test_code_is_validated_without_running(ada: httpx2.Client) -> None:
    report = ada.post("/api/v1/validate", json={"code": "eval('1')"}).json()
    assert report["safe"] is False
    assert report["issues"][0]["line"] == 1
    assert ada.post("/api/v1/validate", json={"code": "return 1"}).json()["safe"] is True
    wrong = ada.post("/api/v1/validate", json={"code": "1", "timeout": 5})
    assert error(wrong, 400, "invalid_request")["field"] == "timeout"
    wrong = ada.post("/api/v1/validate", json={"code": "1", "language": "python"})
    assert error(wrong, 400, "invalid_request")["field"] == "language"


def test_a_run_is_streamed_as_it_goes(ada: httpx2.Client) -> None:
    code = "console.log(1); await new Promise(r => setTimeout(r, 300)); console.warn(2); return 3"
    options = {"json": {"code": code}, "headers": {"Accept": "text/event-stream"}}
    with streaming(ada, "/api/v1/execute", method="POST", **options) as events:
        found = list(events)
    assert [event["event"] for event in found] == ["log", "log", "result"]
    assert found[0]["data"]["message"] == "1"
    assert found[1]["data"]["time"] - found[0]["data"]["time"] >= 250
    assert found[2]["data"]["output"] == 3


def test_a_stream_of_a_call_that_cannot_run_is_an_error(ada: httpx2.Client) -> None:
    response = ada.post(
        "/api/v1/execute", json={"code": ""}, headers={"Accept": "text/event-stream"}
    )
    assert error(response, 400, "invalid_request")["field"] == "code"


def test_another_request_watches_a_run(served: Served, ada: httpx2.Client) -> None:
    name = uuid.uuid4().hex
    code = "console.log('a'); await new Promise(r => setTimeout(r, 500)); console.log('b')"
    headers = {"Accept": "text/event-stream", "X-Request-Id": name}
    with streaming(
        ada, "/api/v1/execute", method="POST", json={"code": code}, headers=headers
    ) as own:
        assert next(own)["data"]["message"] == "a"
        with (
            served.client(ada.headers["authorization"].split()[1]) as other,
            streaming(other, f"/api/v1/executions/{name}/stream") as watched,
        ):
            assert [each["event"] for each in watched] == ["log", "log", "result"]
        assert [each["event"] for each in own] == ["log", "result"]
    with streaming(ada, f"/api/v1/executions/{name}/stream") as told:
        assert [each["event"] for each in told] == ["log", "log", "result"]


# --- what has run


def test_a_record_is_there_at_once(ada: httpx2.Client) -> None:
    name = run(ada, "return 'kept'", **{"X-Channel-Id": "lab"}).headers["x-request-id"]
    record = ada.get(f"/api/v1/executions/{name}").json()
    assert (record["requestId"], record["agentId"], record["channelId"]) == (name, "ada", "lab")
    assert record["output"] == "kept"


def test_history_is_filtered_and_comes_in_pages(ada: httpx2.Client) -> None:
    channel = {"X-Channel-Id": uuid.uuid4().hex}
    names = [run(ada, f"return {n}", **channel).headers["x-request-id"] for n in range(3)]
    failed = run(ada, "throw 1", **channel).headers["x-request-id"]
    wanted: dict[str, Any] = {"channelId": channel["X-Channel-Id"], "limit": 3}
    page = ada.get("/api/v1/executions", params=wanted).json()
    assert [each["requestId"] for each in page["executions"]] == [failed, names[2], names[1]]
    assert page["next"] == 3
    page = ada.get("/api/v1/executions", params={**wanted, "offset": 3}).json()
    assert [each["requestId"] for each in page["executions"]] == [names[0]]
    assert page["next"] is None
    for only in ({"success": "false"}, {"errorType": "runtime"}):
        page = ada.get("/api/v1/executions", params={**wanted, **only}).json()
        assert [each["requestId"] for each in page["executions"]] == [failed]
    for none in ({"errorType": "timeout"}, {"tool": "find_orders"}):
        page = ada.get("/api/v1/executions", params={**wanted, **none}).json()
        assert page["executions"] == []
    assert ada.get("/api/v1/executions", params={"since": 253402300799999}).json() == {
        "paused": [],
        "executions": [],
        "next": None,
    }


def test_a_large_output_is_read_in_pages(ada: httpx2.Client) -> None:
    response = run(ada, "return 'x'.repeat(5_000_000)")
    result, name = response.json(), response.headers["x-request-id"]
    assert result["outputTruncated"] is True
    offset, text = 0, ""
    while offset is not None:
        wanted = {"offset": offset, "limit": 1 << 20}
        page = ada.get(f"/api/v1/executions/{name}/output", params=wanted).json()
        text += page["text"]
        offset = page["nextOffset"]
    assert text == '"' + "x" * 5_000_000 + '"'
    assert page["total"] == len(text)
    assert page["complete"] is True


def test_a_small_output_is_a_page_too(ada: httpx2.Client) -> None:
    name = run(ada, "return [1, 2]").headers["x-request-id"]
    page = ada.get(f"/api/v1/executions/{name}/output", params={"limit": 3}).json()
    assert page == {"text": "[1,", "offset": 0, "nextOffset": 3, "total": 5, "complete": True}


def test_a_preview_of_an_output_is_not_said_to_be_complete(ada: httpx2.Client) -> None:
    """It was returned whole, and so it is not kept; the record has only its beginning."""
    name = run(ada, "return 'x'.repeat(1_000_000)").headers["x-request-id"]
    page = ada.get(f"/api/v1/executions/{name}/output").json()
    assert page["text"].startswith('{"$truncated":')
    assert page["complete"] is False


def test_runs_are_found_by_their_code(ada: httpx2.Client) -> None:
    code = f"return '{uuid.uuid4().hex}'"
    digest, again = (run(ada, code).json()["codeHash"] for _ in range(2))
    assert digest == again
    found = ada.get(f"/api/v1/code/{digest}").json()["executions"]
    assert len(found) == 2
    assert "output" not in found[0]
    assert "logs" not in found[0]
    error(ada.get("/api/v1/code/nothash"), 400, "invalid_request")


def test_analytics_answer_by_their_names(ada: httpx2.Client) -> None:
    run(ada, "throw new TypeError('x')")
    stats = ada.get("/api/v1/agents/ada/stats").json()
    assert stats["totalExecutions"] == stats["successfulExecutions"] + stats["failedExecutions"]
    failures = ada.get("/api/v1/agents/ada/failures", params={"limit": 1}).json()["failures"]
    assert failures[0]["error"].startswith("TypeError")
    assert isinstance(ada.get("/api/v1/trends").json()["trends"], list)
    answers = {
        "resources": "totalExecutions",
        "code-lengths": "codeLengths",
        "repeated-code": "repeatedCode",
        "slowest": "slowest",
        "security": "security",
        "timeline": "timeline",
        "failure-causes": "failureCauses",
        "agents": "agents",
    }
    for question, key in answers.items():
        assert key in ada.get(f"/api/v1/analytics/{question}").json(), question
    counts = ada.get("/api/v1/analytics/agents").json()["agents"]
    assert [each["agentId"] for each in counts] == ["ada"]  # no other agent's
    points = ada.get("/api/v1/analytics/timeline", params={"step": 3_600_000}).json()["timeline"]
    assert sum(point["total"] for point in points) >= 1
    error(ada.get("/api/v1/analytics/timeline", params={"step": 1000}), 400, "invalid_request")


# --- agents


def test_a_key_tells_who_it_belongs_to(ada: httpx2.Client, viewer: httpx2.Client) -> None:
    me = ada.get("/api/v1/me").json()
    assert (me["agentId"], me["role"]) == ("ada", "agent")
    assert me["limits"]["maxRuns"] > 0
    assert viewer.get("/api/v1/me").json()["role"] == "viewer"


def test_an_admin_makes_changes_and_ends_agents(served: Served, admin: httpx2.Client) -> None:
    asked = {"agentId": "temp", "role": "agent", "limits": {"maxRuns": 2}}
    made = admin.post("/api/v1/agents", json=asked)
    assert made.status_code == 201
    error(admin.post("/api/v1/agents", json=asked), 409, "exists")
    rotated = admin.post("/api/v1/agents/temp/rotate").json()
    with served.client(made.json()["key"]) as old, served.client(rotated["key"]) as new:
        error(old.get("/api/v1/me"), 401, "unauthorized")
        assert new.get("/api/v1/me").json()["limits"]["maxRuns"] == 2
        assert admin.delete("/api/v1/agents/temp").status_code == 204
        error(new.get("/api/v1/me"), 401, "unauthorized")
    listed = {each["agentId"]: each for each in admin.get("/api/v1/agents").json()["agents"]}
    assert listed["temp"]["revokedAt"] > 0
    assert "key" not in str(listed["temp"]).lower()
    error(admin.delete("/api/v1/agents/temp"), 404, "not_found")
    error(admin.post("/api/v1/agents/temp/rotate"), 404, "not_found")
    assert admin.post("/api/v1/agents", json=asked).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "agentId"),
        ({"agentId": "a b"}, "agentId"),
        ({"agentId": "x", "role": "king"}, "role"),
        ({"agentId": "x", "limits": {"maxRuns": 0}}, "limits.maxRuns"),
        ({"agentId": "x", "limits": {"maxRuns": "2"}}, "limits.maxRuns"),
        ({"agentId": "x", "secret": "s"}, "secret"),
    ],
)
def test_an_agent_that_cannot_be_is_refused(
    admin: httpx2.Client, body: dict[str, Any], field: str
) -> None:
    response = admin.post("/api/v1/agents", json=body)
    assert error(response, 400, "invalid_request")["field"] == field


def test_only_an_admin_sees_agents(ada: httpx2.Client, viewer: httpx2.Client) -> None:
    for client in (ada, viewer):
        error(client.get("/api/v1/agents"), 403, "forbidden")
        error(client.post("/api/v1/agents", json={"agentId": "x"}), 403, "forbidden")
        error(client.post("/api/v1/agents/ada/rotate"), 403, "forbidden")
        error(client.delete("/api/v1/agents/ada"), 403, "forbidden")


def test_an_admin_runs_code_for_an_agent_it_names(admin: httpx2.Client) -> None:
    name = run(admin, "return 1", **{"X-Agent-Id": "somebody"}).headers["x-request-id"]
    assert admin.get(f"/api/v1/executions/{name}").json()["agentId"] == "somebody"


def test_a_viewer_sees_all_and_runs_nothing(ada: httpx2.Client, viewer: httpx2.Client) -> None:
    name = run(ada, "return 1").headers["x-request-id"]
    assert viewer.get(f"/api/v1/executions/{name}").json()["agentId"] == "ada"
    assert viewer.get("/api/v1/agents/ada/stats").status_code == 200
    error(run(viewer, "return 1"), 403, "forbidden")
    error(viewer.post("/api/v1/validate", json={"code": "1"}), 403, "forbidden")


# --- health and documents


def test_health_needs_no_key(served: Served) -> None:
    with served.client() as nobody:
        assert nobody.get("/healthz").json() == {"status": "alive"}
        until(lambda: nobody.get("/readyz").json() == {"status": "ready"}, "a worker is at hand")
        assert "swagger" in nobody.get("/docs").text


def test_the_document_names_every_address_of_the_page(served: Served) -> None:
    with served.client() as nobody:
        document = nobody.get("/openapi.json").json()
    known = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    text = (ROOT / "docs/reference/http.md").read_text("utf-8")
    told = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)`", text))
    told = {address.replace("{question}", "{question}") for address in told}
    told |= {f"POST {path.split()[1]}" for path in told if path == "GET /api/v1/agents"}
    assert known == told


# --- errors of the framework


def test_unknown_addresses_and_methods_are_errors_of_the_same_form(ada: httpx2.Client) -> None:
    error(ada.get("/api/v1/nothing"), 404, "not_found")
    error(ada.get("/nowhere"), 404, "not_found")
    response = ada.put("/api/v1/execute", json={})
    error(response, 405, "method_not_allowed")
    assert "POST" in response.headers["allow"]
    error(ada.get("/api/v1/executions/none"), 404, "not_found")
    error(ada.get("/api/v1/executions/none/output"), 404, "not_found")
    error(ada.get("/api/v1/executions/none/stream"), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=1.0", "limit"),
        ("offset=-1", "offset"),
        ("success=yes", "success"),
        ("language=python", "language"),
        ("errorType=bad", "errorType"),
        ("tool=", "tool"),
        ("codeHash=zz", "codeHash"),
        ("since=99999999999999999999", "since"),
        ("unknown=1", "unknown"),
        ("agent_id=ada", "agent_id"),
    ],
)
def test_a_wrong_query_is_refused(ada: httpx2.Client, query: str, field: str) -> None:
    response = ada.get(f"/api/v1/executions?{query}")
    assert error(response, 400, "invalid_request")["field"] == field


BAD_BODIES = {
    "not JSON": b"{",
    "nothing": b"",
    "a list": b"[]",
    "a number": b"1",
    "not UTF-8": b'{"code": "\xff"}',
    "UTF-16": '{"code": "1"}'.encode("utf-16"),
    "NaN": b'{"code": "return 1", "context": {"a": NaN}}',
    "Infinity": b'{"code": "return 1", "timeout": Infinity}',
    "a huge integer": b'{"code": "return 1", "timeout": 1' + b"0" * 5000 + b"}",
    "deep": b'{"code": "return 1", "context": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
    "a lone surrogate": b'{"code": "return \\"\\ud800\\""}',
    "an unknown field": b'{"code": "return 1", "agentId": "bob"}',
    "a wrong type": b'{"code": 1}',
    "a timeout out of range": b'{"code": "return 1", "timeout": 99}',
    "no code": b'{"language": "javascript"}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_is_refused(ada: httpx2.Client, name: str) -> None:
    response = ada.post("/api/v1/execute", content=BAD_BODIES[name], headers=JSON)
    assert error(response, 400, "invalid_request")["field"]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_an_unknown_field_is_answered_with_all_that_are_known(
    ada: httpx2.Client, accept: str
) -> None:
    body = {"code": "return 1", "verbose": True, "yield": 1000}
    answer = ada.post("/api/v1/execute", json=body, headers={"Accept": accept})
    document = ada.get("/openapi.json").json()
    fields = document["components"]["schemas"]["ExecuteBody"]["properties"]
    told = error(answer, 400, "invalid_request")["message"]
    assert told.endswith(f"it must be one of {', '.join(fields)}")


def test_an_unknown_field_is_answered_with_the_one_that_was_meant(ada: httpx2.Client) -> None:
    for path in ("execute", "validate"):
        answer = ada.post(f"/api/v1/{path}", json={"code": "return 1", "langage": "javascript"})
        assert "(did you mean language?)" in error(answer, 400, "invalid_request")["message"]


def test_a_body_that_is_not_said_to_be_json_is_refused(ada: httpx2.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = ada.post(
            "/api/v1/execute", content=b'{"code":"return 1"}', headers={"Content-Type": kind}
        )
        error(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("name", ["with a blank", "sl/ash", "x" * 257])
def test_a_request_id_that_cannot_be_one_is_refused(ada: httpx2.Client, name: str) -> None:
    response = run(ada, "return 1", **{"X-Request-Id": name})
    assert error(response, 400, "invalid_request")["field"] == "X-Request-Id"


@pytest.mark.thorough
def test_a_page_of_large_records_ends_early_and_says_where_to_go_on(served: Served) -> None:
    with served.client(served.key("voluminous")) as client:
        for _ in range(36):
            assert run(client, "return 'x'.repeat(250000)").status_code == 200
        names, offset = list[str](), 0
        while offset is not None:
            answer = client.get("/api/v1/executions", params={"limit": 1000, "offset": offset})
            assert len(answer.content) < 9 << 20
            names += [each["requestId"] for each in answer.json()["executions"]]
            offset = answer.json()["next"]
    assert len(names) == len(set(names)) == 36
