"""A hostile client that hands tools in: what it does ends its own calls, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from tests.server.served import Served, run, streaming

ADDRESS = "/api/v1/tools/connections"
SLOW = {"name": "ask", "effect": "read"}


class Connected:
    """A client with tools that answers by hand."""

    def __init__(self, client: httpx2.Client, events: Iterator[dict[str, Any]]) -> None:
        self.client = client
        self.events = events
        self.ready = next(events)
        self.id = self.ready["data"]["connectionId"]

    def begin(self, code: str) -> Future[dict[str, Any]]:
        """Run code that has the tools; its result is to come."""
        done: Future[dict[str, Any]] = Future()

        def work() -> None:
            answer = run(self.client, code, **{"X-Tool-Connection": self.id})
            done.set_result(answer.json())

        threading.Thread(target=work, daemon=True).start()
        return done

    def call(self) -> dict[str, Any]:
        """The next one."""
        found = next(self.events)
        assert found["event"] == "call", found
        data: dict[str, Any] = found["data"]
        return data

    def answer(self, call_id: str, client: httpx2.Client | None = None, **sent: Any) -> int:
        address = f"{ADDRESS}/{self.id}/calls/{call_id}"
        return (client or self.client).post(address, **sent).status_code


@contextmanager
def handed(client: httpx2.Client, *tools: Any) -> Iterator[Connected]:
    body = {"tools": list(tools) or [SLOW]}
    with streaming(client, ADDRESS, method="POST", json=body) as events:
        yield Connected(client, events)


ASKING = "try { return await tools.ask() } catch (e) { return [e.code, e.message, e.effect] }"


def test_a_call_is_sent_with_what_it_is_about_and_answered_once(ada: httpx2.Client) -> None:
    tool = {**SLOW, "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    with handed(ada, tool) as client:
        assert client.ready["event"] == "ready"
        assert client.ready["data"]["limits"]["result"] == 4 << 20
        running = client.begin("return await tools.ask({n: 3})")
        call = client.call()
        assert (call["tool"], call["arguments"], call["agentId"]) == ("ask", {"n": 3}, "ada")
        assert client.answer(call["callId"], json={"value": {"seen": [1]}}) == 204
        assert client.answer(call["callId"], json={"value": "another"}) == 404
        assert running.result(20)["output"] == {"seen": [1]}


def test_ids_that_were_never_given_answer_nothing(ada: httpx2.Client, bob: httpx2.Client) -> None:
    with handed(ada) as client, handed(bob) as other:
        running = client.begin(ASKING)
        call_id = client.call()["callId"]
        assert client.answer("A" * 24, json={"value": 1}) == 404
        assert client.answer("..%2f..%2fme", json={"value": 1}) in (400, 404)
        assert other.answer(call_id, json={"value": "bob's"}) == 404
        assert client.answer(call_id, bob, json={"value": "bob's"}) == 409  # no such connection
        assert client.answer(call_id, json={"value": "ada's"}) == 204
        assert running.result(20)["output"] == "ada's"


def test_another_agents_connection_is_as_if_there_were_none(
    ada: httpx2.Client, bob: httpx2.Client
) -> None:
    with handed(ada) as client:
        foreign = run(bob, "return 1", **{"X-Tool-Connection": client.id})
        missing = run(bob, "return 1", **{"X-Tool-Connection": "A" * 32})
        assert foreign.status_code == missing.status_code == 409
        assert foreign.json()["error"]["code"] == "tools_gone"
        assert foreign.json()["error"]["message"] == missing.json()["error"]["message"]
        asked = bob.get("/api/v1/tools", headers={"X-Tool-Connection": client.id})
        assert asked.status_code == 409


def test_an_admin_who_acts_for_an_agent_has_not_its_connection(
    ada: httpx2.Client, admin: httpx2.Client
) -> None:
    with handed(ada) as client:
        headers = {"X-Tool-Connection": client.id, "X-Agent-Id": "ada"}
        assert run(admin, "return 1", **headers).status_code == 409


def test_a_viewer_hands_nothing_in(viewer: httpx2.Client) -> None:
    assert viewer.post(ADDRESS, json={"tools": [SLOW]}).status_code == 403


def test_a_connection_that_has_ended_is_not_used(ada: httpx2.Client) -> None:
    with handed(ada) as client:
        running = client.begin(ASKING)
        client.call()
    code, message, effect = running.result(20)["output"]
    assert (code, effect) == ("unavailable", "none")
    assert "left" in message
    assert run(ada, "return 1", **{"X-Tool-Connection": client.id}).status_code == 409


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"{", 400, id="not JSON"),
        pytest.param(b'{"value": 1, "error": {}}', 400, id="both"),
        pytest.param(b"{}", 400, id="neither"),
        pytest.param(b'{"error": "no"}', 400, id="an error that is a text"),
        pytest.param(b'{"value": 1, "value": 2}', 400, id="a key twice"),
        pytest.param(b'{"value": NaN}', 400, id="NaN"),
        pytest.param(b'{"value": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, id="nested"),
        pytest.param(b'{"value": [' + b"[]," * 900_000 + b"1]}", 413, id="many values"),
        pytest.param(b'{"value": "' + b"x" * (50 << 20) + b'"}', 413, id="50 MB"),
    ],
)
def test_an_answer_that_is_none_ends_the_call(ada: httpx2.Client, body: bytes, status: int) -> None:
    with handed(ada) as client:
        running = client.begin(ASKING)
        call_id = client.call()["callId"]
        json = {"Content-Type": "application/json"}
        assert client.answer(call_id, content=body, headers=json) == status
        code, message, _ = running.result(20)["output"]
        assert code == ("too_large" if status == 413 else "invalid_result")
        assert "client's answer" in message
        assert client.answer(call_id, json={"value": 1}) == 404


def test_a_value_of_more_than_a_result_may_have_is_too_large(ada: httpx2.Client) -> None:
    with handed(ada) as client:
        running = client.begin(ASKING)
        call_id = client.call()["callId"]
        assert client.answer(call_id, json={"value": "x" * (5 << 20)}) == 204
        assert running.result(20)["output"][0] == "too_large"


def test_what_only_the_host_decides_a_client_cannot_say(ada: httpx2.Client) -> None:
    for code in ("denied", "blocked", "budget", "unknown_tool", "made up", 7):
        with handed(ada) as client:
            running = client.begin(ASKING)
            error = {"code": code, "message": "x" * 100_000, "retryAfter": -1, "status": 9}
            assert client.answer(client.call()["callId"], json={"error": error}) == 204
            result = running.result(20)
            told, message, effect = result["output"]
            assert (told, effect) == ("failed", "none")
            assert len(message) < 10_000
            assert result["toolCalls"][0]["outcome"] == "failed"


@pytest.mark.thorough
def test_a_flood_of_answers_that_nobody_waits_for_harms_nobody(
    ada: httpx2.Client, bob: httpx2.Client
) -> None:
    with handed(ada) as client, ThreadPoolExecutor(8) as pool:
        running = client.begin(ASKING)
        call_id = client.call()["callId"]
        flood = pool.map(lambda n: client.answer(f"{n:024}", json={"value": n}), range(400))
        assert run(bob, "return 1").json()["output"] == 1
        assert set(flood) == {404}
        assert client.answer(call_id, json={"value": "still here"}) == 204
        assert running.result(20)["output"] == "still here"


def test_of_an_answer_to_no_call_nothing_is_kept(ada: httpx2.Client) -> None:
    with handed(ada) as client:
        huge = b'{"value": "' + b"x" * (20 << 20) + b'"}'
        json = {"Content-Type": "application/json"}
        assert client.answer("A" * 24, content=huge, headers=json) == 404


BOMB = {
    "$defs": {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]}
        for n in range(60)
    }
    | {"a60": {"type": "object"}},
    "$ref": "#/$defs/a0",
}


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": "x" * 200}, id="a long name"),
        pytest.param({"name": "$search"}, id="ours"),
        pytest.param({"name": "a\u0000b"}, id="what cannot be seen"),
        pytest.param({"name": "a", "namespace": "then"}, id="a promise"),
        pytest.param({"name": "a", "namespace": "a.b"}, id="a dotted namespace"),
        pytest.param({"name": "p\u0430y"}, id="a Cyrillic letter in a Latin word"),
        pytest.param({"name": "a", "namespace": "\u0441rm"}, id="one in a namespace"),
        pytest.param({"name": "a", "effect": "none"}, id="no effect"),
        pytest.param({"name": "a", "more": 1}, id="an unknown field"),
        pytest.param({"name": "a", "inputSchema": {"type": "array"}}, id="not an object"),
        pytest.param({"name": "a", "inputSchema": {"type": 3}}, id="not a schema"),
        pytest.param(
            {"name": "a", "inputSchema": {"$ref": "http://127.0.0.1:1/x"}}, id="elsewhere"
        ),
        pytest.param(
            {"name": "a", "inputSchema": {"enum": ["x" * (300 << 10)]}}, id="a large schema"
        ),
        pytest.param("a", id="a text"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_by_name(ada: httpx2.Client, tool: Any) -> None:
    answer = ada.post(ADDRESS, json={"tools": [tool]})
    assert answer.status_code == 400
    assert "tools" in answer.json()["error"]["field"]


@pytest.mark.parametrize(
    "name",
    [
        "\u043e\u043f\u043b\u0430\u0442\u0430",
        "pay_\u043e\u043f\u043b\u0430\u0442\u0430",
        "\u691c\u7d22\u30c4\u30fc\u30eb",
        "na\u00efve",
    ],
)
def test_names_of_any_language_may_be(ada: httpx2.Client, name: str) -> None:
    with handed(ada, {"name": name}) as client:
        assert client.ready["event"] == "ready"


def test_too_many_tools_are_refused(ada: httpx2.Client) -> None:
    many = [{"name": f"tool{n}"} for n in range(201)]
    assert ada.post(ADDRESS, json={"tools": many}).status_code == 400
    assert ada.post(ADDRESS, json={"tools": [SLOW, SLOW]}).status_code == 400
    assert ada.post(ADDRESS, json={"tools": []}).status_code == 400


def test_a_schema_bomb_is_refused_or_harmless(ada: httpx2.Client, bob: httpx2.Client) -> None:
    with handed(ada, {**SLOW, "inputSchema": BOMB}) as client:
        found = ada.get(
            "/api/v1/tools",
            params={"names": "ask", "detail": "schema"},
            headers={"X-Tool-Connection": client.id},
        )
        assert found.status_code == 200
        assert len(found.content) < 1 << 20
        assert run(bob, "return 1").json()["output"] == 1
        output = client.begin(ASKING).result(30)["output"]
        assert output[0] == "too_large"


def test_streams_of_tools_count_as_streams(served: Served) -> None:
    with served.client(served.key("streamer")) as client, ThreadPoolExecutor(20) as pool:
        inside = threading.Barrier(17)
        over = threading.Event()

        def stay(_number: int) -> None:
            with handed(client):
                inside.wait(20)
                over.wait(20)

        held = [pool.submit(stay, number) for number in range(16)]
        inside.wait(20)
        try:
            assert client.post(ADDRESS, json={"tools": [SLOW]}).status_code == 429
        finally:
            over.set()
        for each in held:
            each.result(20)


def test_a_call_that_is_given_up_is_told_to_the_client(ada: httpx2.Client) -> None:
    with handed(ada) as client:
        running = client.begin("tools.ask(); await 1; return 'over'")
        call_id = client.call()["callId"]
        assert running.result(20)["output"] == "over"
        told = next(client.events)
        assert (told["event"], told["data"]["callId"]) == ("cancel", call_id)
        assert client.answer(call_id, json={"value": 1}) == 404
