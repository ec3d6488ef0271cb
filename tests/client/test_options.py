"""What a client is made with, what it gives away, and what it loads."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from onehop.client import AgentClient, SyncAgentClient
from onehop.client._errors import retry_after
from onehop.client._retries import passes, pause
from onehop.errors import (
    ConfigError,
    InvalidRequestError,
    NotConnectedError,
    OnehopError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from tests.client.clients import Kind, connected, make
from tests.client.scripted import RESULT, Scripted, reply

pytestmark = pytest.mark.unit

KEY = "oh_secret-key"


@pytest.mark.parametrize("client", [AgentClient, SyncAgentClient])
def test_its_key_is_not_shown(client: type[AgentClient] | type[SyncAgentClient]) -> None:
    shown = repr(client(agent_id="ada", api_key=KEY))
    assert shown == (
        f"{client.__name__}(agent_id='ada', api_key='***', server_url='http://localhost:3001')"
    )


async def test_no_part_of_a_client_shows_its_key() -> None:
    async with (
        Scripted([reply(RESULT)]) as server,
        connected("async", server_url=server.url, api_key=KEY) as client,
    ):
        connection = vars(client)["_connection"]
        parts = [client, *vars(client).values(), *vars(connection).values()]
        assert KEY not in "".join(map(repr, parts))


async def test_the_key_and_the_address_come_from_the_environment(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Scripted([reply(RESULT)]) as server:
        monkeypatch.setenv("ONEHOP_SERVER_URL", server.url + "/")
        monkeypatch.setenv("AGENT_API_KEY", KEY + "\n")
        async with connected(kind) as client:
            await client.execute("return 1")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_call_names_its_agent_its_channel_and_itself(kind: Kind) -> None:
    async with (
        Scripted([reply(RESULT)]) as server,
        connected(kind, server_url=server.url, agent_id="ada", channel_id="lab") as client,
    ):
        await client.execute(
            "return 1", "typescript", 500, {"a": [1]}, False, description="d", request_id="r1"
        )
    request = server.requests[0]
    assert request.headers["x-agent-id"] == "ada"
    assert request.headers["x-channel-id"] == "lab"
    assert request.headers["x-request-id"] == "r1"
    assert request.headers["user-agent"].startswith("onehop/")
    assert "authorization" not in request.headers
    assert json.loads(request.body) == {
        "code": "return 1",
        "language": "typescript",
        "timeout": 500,
        "context": {"a": [1]},
        "captureConsole": False,
        "description": "d",
    }


async def test_what_is_not_given_is_left_to_the_server(kind: Kind) -> None:
    async with Scripted([reply(RESULT)]) as server, connected(kind, server_url=server.url) as one:
        await one.execute("return 1")
        await one.call_tool("code_execute", {"script": "return 1", "timeout": "5"})
    bodies = [json.loads(request.body) for request in server.requests]
    assert bodies[0] == {"code": "return 1"}
    assert bodies[1] == {"script": "return 1", "timeout": "5"}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"server_url": "localhost:3001"}, "server_url"),
    ({"server_url": "ftp://localhost"}, "server_url"),
    ({"server_url": "http://"}, "server_url"),
    ({"server_url": "http://host:99999"}, "server_url"),
    ({"server_url": f"http://me:{KEY}@host"}, "server_url"),
    ({"server_url": f"me:{KEY}@host"}, "server_url"),
    ({"server_url": "http://host/?a=b"}, "server_url"),
    ({"api_key": f"{KEY}\r\nX-Evil: 1"}, "api_key"),
    ({"api_key": f"{KEY} ü"}, "api_key"),
    ({"agent_id": "a\nb"}, "agent_id"),
    ({"agent_id": "ü"}, "agent_id"),
    ({"channel_id": "c" * 257}, "channel_id"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": float("nan")}, "timeout"),
    ({"timeout": "5"}, "timeout"),
    ({"retries": -1}, "retries"),
    ({"retries": True}, "retries"),
]


@pytest.mark.parametrize(("arguments", "field"), BAD)
def test_an_argument_that_cannot_be_used_is_named(
    kind: Kind, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(kind, **arguments)
    assert caught.value.field == field
    assert KEY not in str(caught.value)


async def test_a_call_without_a_connection_says_what_to_do(kind: Kind) -> None:
    client = make(kind)
    for call in (client.execute("return 1"), client.stats(), client.call_tool("code_execute", {})):
        with pytest.raises(NotConnectedError, match="connect"):
            await call
    with pytest.raises(NotConnectedError):
        client.events()
    await client.disconnect()


BAD_CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("execute", {"code": "return 1", "context": {"a": object()}}, "context"),
    ("execute", {"code": "return 1", "context": {"a": float("nan")}}, "context"),
    ("execute", {"code": "\ud800"}, "code"),
    ("execute", {"code": "return 1", "request_id": "a\r\nb"}, "request_id"),
    ("call_tool", {"name": "eval", "arguments": {}}, "name"),
    ("call_tool", {"name": "code_execute", "arguments": []}, "arguments"),
    ("execution", {"request_id": "ü"}, "request_id"),
]


@pytest.mark.parametrize(("method", "arguments", "field"), BAD_CALLS)
async def test_a_call_that_cannot_be_sent_is_refused_before(
    kind: Kind, method: str, arguments: dict[str, Any], field: str
) -> None:
    async with Scripted([reply(RESULT)]) as server, connected(kind, server_url=server.url) as one:
        with pytest.raises(InvalidRequestError) as caught:
            await getattr(one, method)(**arguments)
        assert caught.value.field == field
        with pytest.raises(InvalidRequestError, match="code:execution:started"):
            one.events(types=["code:nothing"])
    assert server.requests == []


async def test_names_in_a_path_stay_one_part_of_it(kind: Kind) -> None:
    answer = reply({"failures": []})
    async with Scripted([answer]) as server, connected(kind, server_url=server.url) as client:
        assert await client.failures("../a/b?c#d") == []
    assert server.requests[0].target == "/api/v1/agents/..%2Fa%2Fb%3Fc%23d/failures?limit=20"


async def test_a_server_below_a_path_is_found(kind: Kind) -> None:
    asked = []

    async def me(request: Any, writer: Any) -> None:
        asked.append(request.target)
        await reply({"agentId": "ada", "role": "agent"})(request, writer)

    async with Scripted([], me=me) as server, connected(kind, server_url=server.url + "/onehop/"):
        pass
    assert asked == ["/onehop/api/v1/me"]


async def test_a_disconnected_sync_client_leaves_no_thread() -> None:
    before = threading.active_count()
    async with Scripted([reply(RESULT)]) as server:
        async with connected("sync", server_url=server.url) as client:
            await client.execute("return 1")
        names = [thread.name for thread in threading.enumerate()]
    assert "onehop-client" not in names
    assert threading.active_count() <= before + 32  # of asyncio.to_thread


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.25", 0.25),
        ("-3", 0.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after(header) == seconds


def test_pauses_grow_are_spread_and_never_shorter_than_asked() -> None:
    assert [pause(n, None, 1) for n in (1, 2, 3, 20)] == [0.1, 0.2, 0.4, 5]
    assert [pause(n, None, 0) for n in (1, 2, 3, 20)] == [0.05, 0.1, 0.2, 2.5]
    assert pause(1, 3, 0) == 3
    assert 3 < pause(1, 3, 0.5) < 3.1


def test_only_what_passes_is_worth_another_attempt() -> None:
    assert passes(ServerUnreachableError("http://x", "refused"))
    assert not passes(ServerTimeoutError("http://x", "no answer"))
    assert not passes(OnehopError("anything else"))
