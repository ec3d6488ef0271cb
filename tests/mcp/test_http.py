"""MCP over HTTP: keys, agents apart, cancellation, and what is not a call at all."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from tests.mcp.doors import TOOL, Era, Service, error_of, link_of, over_http, run, service
from tests.processes import workers
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="package")

ERAS = get_args(Era)
FIRST_RUN_PATIENCE = 120.0
"""The first run of a server waits for the start of what parses code: 28 s on a busy machine."""
BUSY = "const end = Date.now() + 25_000; while (Date.now() < end);"
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": TOOL}
ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def cpu_ticks(pid: int) -> int:
    """What a process has used so far; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


async def busy_worker() -> int:
    """The worker that is at work, once one is: it uses 200 ms more of a processor."""
    before = {pid: cpu_ticks(pid) for pid in workers()}
    ticks = os.sysconf("SC_CLK_TCK") // 5

    def find() -> int | None:
        used = ((cpu_ticks(pid) - before.setdefault(pid, cpu_ticks(pid)), pid) for pid in workers())
        return next((pid for more, pid in used if more > ticks), None)

    pid: int = await soon(find, "a busy worker", FIRST_RUN_PATIENCE)
    return pid


async def gone(pid: int) -> None:
    """Return once the process has ended."""
    await soon(lambda: pid not in workers())


@asynccontextmanager
async def raw(served: Service, agent: str = "alice") -> AsyncIterator[httpx2.AsyncClient]:
    """HTTP with an agent's key and no help."""
    headers = {**ACCEPT, **served.headers(agent)}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        yield http


def message(code: str, number: int = 1, **meta: Any) -> dict[str, Any]:
    """A call of the tool as it is on the wire."""
    params = {"name": TOOL, "arguments": {"code": code, "timeout": 30_000}, "_meta": meta}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


# --- keys ---


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YWxpY2U6eA=="},
        {"X-API-Key": f"oh_{'0' * 16}_{'0' * 64}"},
    ],
    ids=["none", "wrong", "basic", "unknown"],
)
async def test_nothing_is_answered_without_a_key(
    served: Service, method: str, headers: dict[str, str]
) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.request(method, served.url, headers=headers, content=b"{not json")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "unauthorized"


async def test_two_different_keys_are_refused(served: Service) -> None:
    headers = {**served.headers("alice"), "X-API-Key": served.keys["bob"]}
    async with httpx2.AsyncClient() as http:
        answer = await http.post(served.url, headers=headers, json={})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "ambiguous_credentials"


async def test_a_key_may_come_as_x_api_key(served: Service) -> None:
    http = httpx2.AsyncClient(headers={"X-API-Key": served.keys["bob"]})
    served_to_bob = Service(served.url, {"bob": served.keys["bob"]})
    async with http, over_http(served_to_bob, agent="bob") as client:
        assert not (await run(client, "return 1")).is_error


@pytest.mark.sample(1)
@pytest.mark.parametrize("era", ERAS)
async def test_a_viewer_looks_and_runs_nothing(served: Service, era: Era) -> None:
    async with over_http(served, era, "vera") as client:
        assert (await client.list_tools()).tools
        assert error_of(await run(client, "return 1"))["code"] == "forbidden"


# --- agents apart ---


@pytest.mark.sample(1)
@pytest.mark.parametrize("era", ERAS)
async def test_agents_do_not_see_each_others_outputs(served: Service, era: Era) -> None:
    async with over_http(served, era, "alice") as alice, over_http(served, era, "bob") as bob:
        uri = link_of(await run(alice, "return 'x'.repeat(300_000)"))
        listed = (await bob.list_resources(cache_mode="bypass")).resources
        assert uri not in [resource.uri for resource in listed]
        with pytest.raises(MCPError) as caught:
            await bob.read_resource(uri)
        missing = uri[:-4] + "AAAA"
        with pytest.raises(MCPError) as unknown:
            await bob.read_resource(missing)
        told = caught.value.error.message
        assert told.replace(uri[-16:], missing[-16:]) == unknown.value.error.message
        assert (await alice.read_resource(uri)).contents


async def test_an_agent_may_use_a_request_id_of_another(served: Service) -> None:
    meta = {"onehop/requestId": "alices-own"}
    async with over_http(served) as alice, over_http(served, agent="bob") as bob:
        first = await run(alice, "return 'secret'", meta)
        other = await run(bob, "return 'of bob'", meta)
        again = await run(alice, "return 'not run'", meta)
    outputs = [(each.structured_content or {})["output"] for each in (first, other, again)]
    assert outputs == ["secret", "of bob", "secret"]
    assert "secret" not in other.model_dump_json()


async def test_an_output_of_the_http_api_is_read_through_mcp(served: Service) -> None:
    body = {"code": "return 'y'.repeat(5_000_000)", "timeout": 20_000}
    async with httpx2.AsyncClient(headers=served.headers(), timeout=60) as http:
        answer = await http.post(served.url.replace("/mcp", "/api/v1/execute"), json=body)
    uri = f"onehop://outputs/{answer.json()['persistedOutputId']}?limit=3"
    async with over_http(served) as alice, over_http(served, agent="bob") as bob:
        (contents,) = (await alice.read_resource(uri)).contents
        assert contents.model_dump()["text"] == '"yy'
        with pytest.raises(MCPError):
            await bob.read_resource(uri)


# --- limits of an agent ---


@pytest.mark.thorough
async def test_more_runs_than_an_agent_may_have_are_refused(tmp_path: Path) -> None:
    async with service(tmp_path, max_rate=2) as strict, over_http(strict) as client:
        for _ in range(2):
            assert not (await run(client, "return 1")).is_error
        error = error_of(await run(client, "return 1"))
    assert error["code"] == "rate_limited"
    assert error["retryAfter"] > 0


# --- the end of a call before its time ---

Start = Callable[[Client], Awaitable[Any]]


@pytest.mark.sample(1)
@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_kills_its_worker(served: Service, era: Era) -> None:
    async with over_http(served, era) as client:
        call = asyncio.create_task(run(client, BUSY, timeout=30_000))
        worker = await busy_worker()
        call.cancel()
        await gone(worker)
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not (await run(client, "return 1")).is_error


@pytest.mark.sample(1)
@pytest.mark.parametrize("headers", [{}, {"Mcp-Session-Id": "of-alice"}, MODERN], ids=str)
async def test_a_client_that_leaves_takes_its_run_along(
    served: Service, headers: dict[str, str]
) -> None:
    meta = ENVELOPE if headers is MODERN else {}
    async with raw(served) as http:
        call = asyncio.create_task(
            http.post(served.url, headers=headers, json=message(BUSY, **meta))
        )
        worker = await busy_worker()
        call.cancel()
        await gone(worker)


async def test_a_session_ends_only_calls_of_its_own_agent(served: Service) -> None:
    session = {"Mcp-Session-Id": "shared-by-chance", "MCP-Protocol-Version": "2025-11-25"}
    notice = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 7},
    }
    async with raw(served) as alice, raw(served, "bob") as bob:
        call = asyncio.create_task(alice.post(served.url, headers=session, json=message(BUSY, 7)))
        worker = await busy_worker()
        other = {**session, "Mcp-Session-Id": "another"}
        assert (await bob.post(served.url, headers=session, json=notice)).status_code == 202
        assert (await alice.post(served.url, headers=other, json=notice)).status_code == 202
        assert worker in workers()
        assert not call.done()
        assert (await alice.post(served.url, headers=session, json=notice)).status_code == 202
        await gone(worker)
        assert '"cancelled"' in (await call).text


# --- what is no call ---


async def test_only_post_has_a_meaning(served: Service) -> None:
    async with raw(served) as http:
        for method in ("GET", "DELETE", "PUT"):
            answer = await http.request(method, served.url)
            assert answer.status_code == 405
            assert answer.headers["Allow"] == "POST"


async def test_the_path_is_not_redirected(served: Service) -> None:
    async with raw(served) as http:
        assert (await http.post(served.url, json=message("return 1"))).status_code == 200


@pytest.mark.sample(4)
@pytest.mark.parametrize("headers", [{}, MODERN], ids=["session era", "2026-07-28"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"id": 1}', b"{}" * 9],
    ids=lambda body: repr(body[:9]),
)
async def test_what_is_no_message_is_a_bad_request(
    served: Service, headers: dict[str, str], body: bytes
) -> None:
    async with raw(served) as http:
        answer = await http.post(served.url, headers=headers, content=body)
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text
    assert "/onehop/" not in answer.text


@pytest.mark.sample(1)
@pytest.mark.parametrize("headers", [{}, MODERN], ids=["session era", "2026-07-28"])
async def test_a_body_that_is_too_large_is_refused(
    served: Service, headers: dict[str, str]
) -> None:
    body = json.dumps(message("x" * 26_000_000)).encode()
    async with raw(served) as http:
        answer = await http.post(served.url, headers=headers, content=body)
    assert answer.status_code == 413


async def test_pages_of_other_sites_are_kept_out(served: Service) -> None:
    async with raw(served) as http:
        body = message("return 1")
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
            answer = await http.post(served.url, headers=headers, json=body)
            assert answer.status_code == 403
        answer = await http.post(served.url, headers={"Host": "evil.example"}, json=body)
        assert answer.status_code == 421


async def test_no_event_is_larger_than_clients_take(served: Service) -> None:
    code = r"""
for (let i = 0; i < 2000; i++) console.log('"\\'.repeat(200));
return '"\\'.repeat(60_000);
"""
    async with raw(served) as http:
        answer = await http.post(served.url, json=message(code))
        modern = await http.post(served.url, headers=MODERN, json=message(code, **ENVELOPE))
    for told in (answer, modern):
        assert told.status_code == 200
        assert max(map(len, told.content.split(b"\n\n"))) < 1 << 20
        assert b'"status":"completed"' in told.content
        assert b'"outputTruncated"' not in told.content


@pytest.mark.parametrize("headers", [{}, MODERN], ids=["session era", "2026-07-28"])
async def test_only_who_wants_to_hear_of_progress_gets_a_stream(
    served: Service, headers: dict[str, str]
) -> None:
    meta = ENVELOPE if headers else {}
    code = "console.log('first'); return 1"
    async with raw(served) as http:
        plain = await http.post(served.url, headers=headers, json=message(code, **meta))
        watched = message(code, progressToken="p", **meta)
        told = await http.post(served.url, headers=headers, json=watched)
        only_json = await http.post(
            served.url,
            headers={**headers, "Accept": "application/json"},
            json=message(code, **meta),
        )
    assert plain.headers["Content-Type"] == "application/json"
    assert plain.json()["result"]["structuredContent"]["output"] == 1
    assert told.headers["Content-Type"].startswith("text/event-stream")
    assert '"message":"first"' in told.text
    assert '"output":1' in told.text
    assert only_json.status_code == 406


@pytest.mark.thorough
async def test_many_clients_at_once_are_all_answered(served: Service) -> None:
    async with raw(served) as http:
        calls = [http.post(served.url, json=message("return 1", n)) for n in range(100)]
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    ran = [answer for answer in answers if '"output":1' in answer.text]
    refused = [answer for answer in answers if '"rate_limited"' in answer.text]
    assert len(ran) + len(refused) == 100
    assert len(ran) >= 32


@pytest.mark.sample(1)
@pytest.mark.parametrize("size", [0, 200_000])
async def test_a_key_that_comes_twice_is_refused_with_its_name(served: Service, size: int) -> None:
    arguments = f'{{"code":"return 1","code":"return 2//{"x" * size}"}}'
    call = f'{{"name":"code_execute","arguments":{arguments}}}'
    body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{call}}}'
    async with httpx2.AsyncClient(headers={**served.headers(), **ACCEPT}) as http:
        answer = await http.post(served.url, content=body)
    assert answer.status_code == 400
    assert "'code' twice" in answer.json()["error"]["message"]


@pytest.mark.parametrize("number", ["1.5", "null", "true", "[1]"])
async def test_a_request_with_no_proper_id_is_refused(served: Service, number: str) -> None:
    body = f'{{"jsonrpc":"2.0","id":{number},"method":"ping"}}'
    async with httpx2.AsyncClient(headers={**served.headers(), **ACCEPT}) as http:
        answer = await http.post(served.url, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
