"""What the clients make of a server that is away, foreign, slow or broken."""

from __future__ import annotations

import asyncio
import json
import socket
import traceback
from typing import Any

import httpx2
import pytest

from onehop.errors import (
    AuthenticationError,
    ExecutionNotFoundError,
    InvalidRequestError,
    NotConnectedError,
    OnehopError,
    Overloaded,
    RateLimitedError,
    RunLostError,
    ServerError,
    ServerTimeoutError,
    ServerUnreachableError,
    UnexpectedAnswerError,
)
from onehop.types import LogEntry
from tests.client.certificates import self_signed
from tests.client.clients import Kind, connected, make
from tests.client.scripted import (
    ME,
    RESULT,
    Answer,
    Scripted,
    events,
    hang,
    raw,
    refuse,
    reply,
)

KEY = "oh_secret-key"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def failure(kind: Kind, url: str, **options: Any) -> OnehopError:
    """What connecting raises."""
    with pytest.raises(OnehopError) as caught:
        async with connected(kind, server_url=url, api_key=KEY, retries=0, **options):
            pass
    assert KEY not in str(caught.value)
    return caught.value


# --- connecting ---


async def test_a_server_that_is_away_is_said_to_be_away(kind: Kind) -> None:
    error = await failure(kind, f"http://127.0.0.1:{free_port()}")
    assert isinstance(error, ServerUnreachableError)
    assert isinstance(error, ConnectionError)
    assert "nothing listens there" in str(error)
    assert "onehop serve" in str(error)
    shown = "".join(traceback.format_exception(error))
    assert "direct cause" not in shown  # what the libraries below it did has 80 frames
    assert "httpcore" not in shown


async def test_an_unknown_name_is_said_to_be_unknown(kind: Kind) -> None:
    error = await failure(kind, "http://no-such-host.invalid:3001")
    assert isinstance(error, ServerUnreachableError)
    assert "name is not known" in str(error)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (reply("<html>hello</html>"), "no JSON object"),
        (reply({"hello": "world"}), "does not say who the key belongs to"),
        (reply("Not Found", "404 Not Found"), "404 Not Found"),
        (reply({"detail": "Not Found"}, "404 Not Found"), "404 Not Found"),
        (reply("", "302 Found", Location="https://login.example/"), "https://login.example/"),
    ],
)
async def test_a_server_of_something_else_is_recognised(
    kind: Kind, answer: Answer, told: str
) -> None:
    async with Scripted([], me=answer) as server:
        error = await failure(kind, server.url)
    assert isinstance(error, UnexpectedAnswerError)
    assert told in str(error)
    assert server.url in str(error)


async def test_what_speaks_no_http_is_unreachable(kind: Kind) -> None:
    async with Scripted([], me=raw(b"220 mail.example ESMTP\r\n")) as server:
        error = await failure(kind, server.url)
    assert isinstance(error, ServerUnreachableError)
    assert "is not HTTP" in str(error)


async def test_https_to_a_server_without_tls_says_so(kind: Kind) -> None:
    async with Scripted([]) as server:
        error = await failure(kind, server.url.replace("http:", "https:"))
    assert isinstance(error, ServerUnreachableError)
    assert "does not speak TLS" in str(error)


async def test_a_certificate_that_nobody_vouches_for_is_refused(kind: Kind) -> None:
    async with Scripted([], tls=self_signed().server) as server:
        error = await failure(kind, server.url)
    assert isinstance(error, ServerUnreachableError)
    assert "certificate is not trusted" in str(error)


async def test_a_transport_may_trust_a_certificate_of_ones_own(kind: Kind) -> None:
    certificate = self_signed()
    async with Scripted([reply(RESULT)], tls=certificate.server) as server:
        transport = httpx2.AsyncHTTPTransport(verify=certificate.client)
        async with connected(kind, server_url=server.url, transport=transport) as client:
            assert (await client.execute("return 1 + 1")).output == 2


async def test_a_wrong_key_is_said_to_be_wrong_and_not_tried_again(kind: Kind) -> None:
    asked = []

    async def count(request: Any, writer: Any) -> None:
        asked.append(request)
        await refuse("401 Unauthorized", "unauthorized", "the key is not known")(request, writer)

    async with Scripted([], me=count) as server:
        with pytest.raises(AuthenticationError, match="the key is not known"):
            async with connected(kind, server_url=server.url, api_key=KEY):
                pass
    assert len(asked) == 1
    assert asked[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_server_that_accepts_and_says_nothing_times_out(kind: Kind) -> None:
    async with Scripted([], me=hang) as server:
        error = await failure(kind, server.url, timeout=50)
    assert isinstance(error, ServerTimeoutError)
    assert isinstance(error, TimeoutError)
    assert "no answer within 0.05 s" in str(error)


async def test_a_client_that_failed_to_connect_can_try_again(kind: Kind) -> None:
    answers = iter([refuse("401 Unauthorized", "unauthorized"), reply(ME)])

    async def me(request: Any, writer: Any) -> None:
        await next(answers)(request, writer)

    async with Scripted([], me=me) as server:
        client = make(kind, server_url=server.url, api_key=KEY)
        with pytest.raises(AuthenticationError):
            await client.connect()
        assert (await client.connect()).agent_id == "ada"
        await client.disconnect()


# --- attempts ---


BROKEN = [
    pytest.param(raw(b""), id="dropped"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), id="half an answer"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Le"), id="half a head"),
    pytest.param(raw(b"\x15\x03\x01\x00\x02\x02"), id="garbage"),
    pytest.param(reply("Bad Gateway", "502 Bad Gateway"), id="a proxy without its server"),
    pytest.param(reply("", "504 Gateway Timeout"), id="a proxy that lost patience"),
    pytest.param(refuse("503 Service Unavailable", "unavailable"), id="unavailable"),
    pytest.param(refuse("503 Service Unavailable", "overloaded"), id="overloaded"),
    pytest.param(refuse("429 Too Many", "rate_limited"), id="rate limited"),
]


@pytest.mark.parametrize("broken", BROKEN)
async def test_what_passes_is_tried_again_with_the_same_request_id(broken: Answer) -> None:
    async with (
        Scripted([broken, broken, reply(RESULT)]) as server,
        connected("async", server_url=server.url, api_key=KEY) as client,
    ):
        result = await client.execute("return 1 + 1", context={"a": "ü"})
    assert result.output == 2
    ids = {request.headers["x-request-id"] for request in server.requests}
    assert len(server.requests) == 3
    assert len(ids) == 1
    assert len({request.body for request in server.requests}) == 1


async def test_two_calls_have_two_request_ids(kind: Kind) -> None:
    async with (
        Scripted([reply(RESULT)]) as server,
        connected(kind, server_url=server.url) as client,
    ):
        await client.execute("return 1")
        await client.call_tool("code_execute", {"code": "return 1"})
    first, second = (request.headers["x-request-id"] for request in server.requests)
    assert first != second


REFUSALS = [
    (refuse("400 Bad Request", "invalid_request", "timeout: got 5", field="timeout"),
     InvalidRequestError),
    (refuse("400 Bad Request", "ambiguous_credentials"), AuthenticationError),
    (refuse("401 Unauthorized", "unauthorized"), AuthenticationError),
    (refuse("403 Forbidden", "forbidden"), PermissionError),
    (refuse("404 Not Found", "not_found"), ExecutionNotFoundError),
    (refuse("408 Request Timeout", "timeout"), ServerError),
    (refuse("409 Conflict", "duplicate_request"), ValueError),
    (refuse("409 Conflict", "run_lost", "the run 'a' is lost"), RunLostError),
    (refuse("413 Content Too Large", "too_large"), InvalidRequestError),
    (refuse("500 Internal Server Error", "internal"), ServerError),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "error"), REFUSALS)
async def test_what_the_caller_did_wrong_is_asked_once(
    answer: Answer, error: type[Exception]
) -> None:
    async with (
        Scripted([answer]) as server,
        connected("async", server_url=server.url) as client,
    ):
        with pytest.raises(OnehopError) as caught:
            await client.execute("return 1")
    assert isinstance(caught.value, error)
    assert str(caught.value).count("the run") <= 1, "the server's words, once"
    assert len(server.requests) == 1


async def test_attempts_are_bounded(kind: Kind) -> None:
    async with (
        Scripted([refuse("503 Service Unavailable", "overloaded", "1000 wait")]) as server,
        connected(kind, server_url=server.url, retries=2) as client,
    ):
        with pytest.raises(Overloaded, match="1000 wait"):
            await client.execute("return 1")
    assert len(server.requests) == 3


async def test_the_wait_that_the_server_asks_for_is_kept(kind: Kind) -> None:
    busy = refuse("429 Too Many Requests", "rate_limited", Retry_After="1")
    async with (
        Scripted([busy, reply(RESULT)]) as server,
        connected(kind, server_url=server.url) as client,
    ):
        await client.execute("return 1")
    first, second = server.requests
    assert second.at - first.at >= 1


async def test_a_wait_beyond_the_deadline_is_left_to_the_caller(kind: Kind) -> None:
    busy = refuse("429 Too Many Requests", "rate_limited", "6000 a minute", Retry_After="55")
    async with (
        Scripted([busy]) as server,
        connected(kind, server_url=server.url, timeout=1000) as client,
    ):
        with pytest.raises(RateLimitedError, match="6000 a minute") as caught:
            await client.execute("return 1", timeout=100)
    assert caught.value.retry_after == 55
    assert len(server.requests) == 1


async def test_a_refusal_names_its_field(kind: Kind) -> None:
    message = "timeout: got 5; it must be a number of milliseconds from 100 to 30000"
    answer = refuse("400 Bad Request", "invalid_request", message, field="timeout")
    async with Scripted([answer]) as server, connected(kind, server_url=server.url) as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.execute("return 1", timeout=5)
    assert str(caught.value) == message
    assert caught.value.field == "timeout"
    assert caught.value.got == "5"
    assert caught.value.allowed == "a number of milliseconds from 100 to 30000"


async def test_a_mistake_of_the_server_names_the_request_for_its_log(kind: Kind) -> None:
    answer = refuse("500 Internal Server Error", "internal", "something broke")
    async with Scripted([answer]) as server, connected(kind, server_url=server.url) as client:
        with pytest.raises(ServerError, match=r"something broke \(request seen-by-server\)") as it:
            await client.stats()
    assert (it.value.status, it.value.code) == (500, "internal")
    assert it.value.request_id == "seen-by-server"


@pytest.mark.parametrize(
    "answer", [reply("{"), reply("[]"), reply({"success": True}), reply({**RESULT, "logs": 7})]
)
async def test_an_answer_that_is_no_result_is_said_to_be_none(kind: Kind, answer: Answer) -> None:
    async with Scripted([answer]) as server, connected(kind, server_url=server.url) as client:
        with pytest.raises(UnexpectedAnswerError):
            await client.execute("return 1")


async def test_what_a_newer_server_adds_is_left_out(kind: Kind) -> None:
    usage = {"memory": 1, "timeout": False, "gpu": 7}
    answer = reply({**RESULT, "resourceUsage": usage, "novelty": True})
    async with Scripted([answer]) as server, connected(kind, server_url=server.url) as client:
        assert (await client.execute("return 1")).output == 2


async def test_warnings_reach_every_call(kind: Kind) -> None:
    warned = {**RESULT, "warnings": ["work was left behind"]}
    refused = refuse("404 Not Found", "not_found")

    async def by_method(request: Any, writer: Any) -> None:
        await (reply(warned) if request.method == "POST" else refused)(request, writer)

    async with Scripted([by_method]) as server, connected(kind, server_url=server.url) as client:
        assert (await client.execute("return 2")).warnings == warned["warnings"]
        called = await client.call_tool("code_execute", {"code": "return 2"})
        assert called["warnings"] == warned["warnings"]
        *_, last = [item async for item in client.stream("return 2")]
        assert last.warnings == warned["warnings"]


# --- deadlines and leaving ---


async def test_a_run_without_an_answer_times_out_after_its_deadline_and_the_margin(
    kind: Kind,
) -> None:
    async with (
        Scripted([hang]) as server,
        connected(kind, server_url=server.url, timeout=1000) as client,
    ):
        with pytest.raises(ServerTimeoutError, match=r"no answer within 1\.1 s"):
            await client.execute("for (;;) {}", timeout=100)
        assert len(server.requests) == 1
        await asyncio.wait_for(server.left.wait(), 5)


async def test_cancelling_the_call_closes_its_request() -> None:
    async with Scripted([hang]) as server, connected("async", server_url=server.url) as client:
        running = asyncio.ensure_future(client.execute("for (;;) {}"))
        await server.came.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.wait_for(server.left.wait(), 5)


async def test_disconnecting_gives_up_what_is_in_flight(kind: Kind) -> None:
    async with Scripted([hang]) as server:
        client = make(kind, server_url=server.url)
        await client.connect()
        running = asyncio.ensure_future(client.execute("for (;;) {}"))
        await server.came.wait()
        await client.disconnect()
        with pytest.raises(NotConnectedError):
            await running
        await asyncio.wait_for(server.left.wait(), 5)


async def test_leaving_a_stream_closes_its_run(kind: Kind) -> None:
    log = 'event: log\ndata: {"level": "log", "message": "one", "time": 1}'
    async with Scripted([hang]) as server, connected(kind, server_url=server.url) as client:
        server.answers = [hang, events(log, then=hang)]
        async with client.stream("for (;;) {}") as running:
            assert (await anext(running)).message == "one"
        await asyncio.wait_for(server.left.wait(), 5)
    assert [request.method for request in server.requests] == ["POST", "GET"]


async def test_lines_that_the_stream_did_not_bring_come_from_the_result(kind: Kind) -> None:
    async def by_method(request: Any, writer: Any) -> None:
        answer = reply(RESULT) if request.method == "POST" else refuse("404 Not Found", "not_found")
        await answer(request, writer)

    async with Scripted([by_method]) as server, connected(kind, server_url=server.url) as client:
        items = [item async for item in client.stream("console.log('hello'); return 2")]
    assert items[0] == LogEntry(level="log", message="hello", time=1.5)
    assert items[1].output == 2
    assert len(items) == 2


# --- the live feed ---


def event(number: int) -> dict[str, Any]:
    data = {"eventType": "code:validation:started", "requestId": f"r{number}", "codeHash": "0"}
    return {
        "eventId": f"e{number}",
        "eventType": "code:validation:started",
        "timestamp": number,
        "agentId": "ada",
        "channelId": "",
        "source": "CodeExecutionSandbox",
        "data": data,
    }


def block(number: int) -> str:
    return f"id: {number}\nevent: {event(number)['eventType']}\ndata: {json.dumps(event(number))}"


async def test_a_feed_that_breaks_goes_on_after_its_last_event(kind: Kind) -> None:
    script = [
        events(": ping", block(1), block(2)),
        raw(b""),
        refuse("503 Service Unavailable", "unavailable"),
        events(block(3), then=hang),
    ]
    async with (
        Scripted(script) as server,
        connected(kind, server_url=server.url) as client,
        client.events(types="code:validation:started", channel="c 1") as feed,
    ):
        seen = [(await anext(feed)).request_id for _ in range(3)]
    assert seen == ["r1", "r2", "r3"]
    ids = [request.headers.get("last-event-id") for request in server.requests]
    assert ids == [None, "2", "2", "2"]
    assert server.requests[0].target == (
        "/api/v1/events?type=code%3Avalidation%3Astarted&channelId=c+1"
    )


async def test_an_event_that_is_sent_again_is_given_once(kind: Kind) -> None:
    script = [events(block(1), block(2)), events(block(1), block(2), block(3), then=hang)]
    async with (
        Scripted(script) as server,
        connected(kind, server_url=server.url) as client,
        client.events() as feed,
    ):
        assert [(await anext(feed)).request_id for _ in range(3)] == ["r1", "r2", "r3"]


async def test_events_of_an_unknown_kind_are_passed_over(kind: Kind) -> None:
    odd = 'data: {"eventType": "code:something:new", "data": {}}'
    script = [events(odd, "data: {", "data: 7", block(1), then=hang)]
    async with (
        Scripted(script) as server,
        connected(kind, server_url=server.url) as client,
        client.events() as feed,
    ):
        assert (await anext(feed)).request_id == "r1"


async def test_a_feed_ends_when_the_client_disconnects(kind: Kind) -> None:
    async with Scripted([events(block(1), then=hang)]) as server:
        client = make(kind, server_url=server.url)
        await client.connect()
        feed = client.events()
        seen = [await anext(feed)]
        reading = asyncio.ensure_future(anext(feed, None))
        await client.disconnect()
        assert await reading is None
        assert [each.request_id for each in seen] == ["r1"]
        assert await anext(feed, None) is None


async def test_a_feed_that_may_not_be_read_says_so(kind: Kind) -> None:
    answer = refuse("403 Forbidden", "forbidden", "another agent's")
    async with Scripted([answer]) as server, connected(kind, server_url=server.url) as client:
        with pytest.raises(PermissionError, match="another agent's"):
            await anext(client.events(agent_id="eve"))
        with pytest.raises(PermissionError, match="another agent's"):
            async with client.events(agent_id="eve"):
                pass
    assert len(server.requests) == 2


async def test_a_feed_that_never_began_gives_up(kind: Kind) -> None:
    async with (
        Scripted([raw(b"")]) as server,
        connected(kind, server_url=server.url, retries=1) as client,
    ):
        with pytest.raises(ServerUnreachableError):
            await anext(client.events())
    assert len(server.requests) == 2


async def test_a_feed_that_nobody_reads_any_more_lets_go() -> None:
    async with (
        Scripted([events(block(1), then=hang)]) as server,
        connected("async", server_url=server.url) as client,
    ):
        feed = client.events()
        await anext(feed)
        del feed
        await asyncio.wait_for(server.left.wait(), 5)
