"""Spans of runs: where they lie, what they say, and where they go."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from onehop import AgentClient, Executor, Sandbox, SandboxConfig
from onehop.runs.traces import read_trace
from onehop.telemetry import Tracing
from onehop.testing import FakeBackend
from tests.openapi.running import api_server
from tests.server.served import Served, run
from tests.telemetry.receiving import Received, Span, over_grpc, over_http
from tests.upstreams.running import SERVER, free_port, http_server
from tests.waiting import until

EXECUTION = "execute_tool code_execute"
STAGES = ("onehop.validation", "onehop.queue", "onehop.run", "onehop.store")
PARENT = "b7ad6b7169203331"
SECRET = "tracedsecret"


def traceparent(number: int) -> str:
    return f"00-{number:032x}-{PARENT}-01"


@contextmanager
def traced(folder: Path, protocol: str, url: str, **environment: str) -> Iterator[Served]:
    with Served(
        folder,
        ONEHOP_TRACES=protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT=url,
        OTEL_BSP_SCHEDULE_DELAY="50",
        **environment,
    ) as server:
        yield server


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Received, Served]]:
    """A receiver over HTTP, and a server with two servers of tools that sends to it."""
    folder = tmp_path_factory.mktemp("traced")
    port = free_port()
    (folder / "onehop.toml").write_text(
        f'[upstream.near]\ncommand = ["{sys.executable}", "{SERVER}"]\nrequired = true\n'
        f'[upstream.far]\nurl = "http://127.0.0.1:{port}/mcp"\nrequired = true\n'
    )
    with (
        http_server(port),
        over_http() as (found, url),
        traced(folder, "http", url, ONEHOP_CONFIG=str(folder / "onehop.toml")) as server,
    ):
        yield found, server


@pytest.fixture
def reached(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Received, Served]]:
    """A receiver by the protocol that is asked for, and a server that sends to it."""
    if request.param == "http":
        yield request.getfixturevalue("received")
        return
    with over_grpc() as (found, url), traced(tmp_path, "grpc", url) as server:
        yield found, server


@pytest.mark.sample(1)
@pytest.mark.parametrize("reached", ["http", "grpc"], indirect=True)
def test_the_spans_of_a_run_arrive_inside_the_callers_trace(
    reached: tuple[Received, Served],
) -> None:
    found, server = reached
    with server.client(server.key("ada"), traceparent=traceparent(1)) as ada:
        assert run(ada, f"return '{SECRET}'", **{"X-Channel-Id": "room"}).json()["success"]
    spans = found.wait(f"{1:032x}", EXECUTION, *STAGES)
    whole = spans[EXECUTION]
    assert whole.parent == PARENT
    assert all(spans[stage].parent == whole.id for stage in STAGES)
    assert all(whole.began <= spans[stage].began for stage in STAGES)
    assert all(spans[stage].ended <= whole.ended for stage in STAGES)
    assert whole.attributes["gen_ai.operation.name"] == "execute_tool"
    assert whole.attributes["gen_ai.agent.id"] == "ada"
    assert whole.attributes["gen_ai.conversation.id"] == "room"
    assert whole.attributes["onehop.outcome"] == "completed"
    assert whole.resource["service.name"] == "onehop"
    assert SECRET.encode() not in found.text


def test_a_call_by_mcp_belongs_to_the_trace_that_its_meta_names(
    received: tuple[Received, Served],
) -> None:
    found, server = received
    params = {
        "name": "code_execute",
        "arguments": {"code": "return 1"},
        "_meta": {"traceparent": traceparent(2), "tracestate": "vendor=1"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"Accept": "application/json, text/event-stream", "traceparent": traceparent(3)}
    with server.client(server.key("mia"), **headers) as mia:
        assert mia.post("/mcp", json=body).status_code == 200
        del params["_meta"]
        assert mia.post("/mcp", json={**body, "id": 2}).status_code == 200
    for number in (2, 3):
        assert found.wait(f"{number:032x}", EXECUTION)[EXECUTION].parent == PARENT


@pytest.mark.parametrize("place", ["near", "far"])
def test_a_call_of_a_tool_takes_the_trace_on_to_its_server(
    received: tuple[Received, Served], place: str
) -> None:
    found, server = received
    number = {"near": 4, "far": 5}[place]
    with server.client(server.key(f"eve-{place}"), traceparent=traceparent(number)) as eve:
        result = run(eve, f"return await tools.{place}.carried({{}})").json()
    assert result["success"], result
    spans = found.wait(
        f"{number:032x}", EXECUTION, "tools/call carried", f"execute_tool {place}.carried"
    )
    tool, request = spans[f"execute_tool {place}.carried"], spans["tools/call carried"]
    assert tool.parent == spans["onehop.run"].id
    assert request.parent == tool.id
    assert request.attributes["mcp.method.name"] == "tools/call"
    assert request.attributes["network.transport"] == {"near": "pipe", "far": "tcp"}[place]
    assert tool.attributes["onehop.outcome"] == "ok"
    here = f"00-{number:032x}-{request.id}-01"
    carried = result["output"]
    assert carried["meta"]["traceparent"] == here
    if place == "far":
        assert carried["headers"]["traceparent"] == here


@pytest.mark.thorough
def test_two_agents_on_one_connection_keep_their_own_traces(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "onehop.toml").write_text(
        f'[upstream.far]\nurl = "http://127.0.0.1:{port}/mcp"\nrequired = true\nshared = true\n'
    )
    with (
        http_server(port),
        over_http() as (_, url),
        traced(tmp_path, "http", url, ONEHOP_CONFIG=str(tmp_path / "onehop.toml")) as server,
    ):
        for number, agent in ((6, "ada"), (7, "bob")):
            with server.client(server.key(agent), traceparent=traceparent(number)) as client:
                output = run(client, "return await tools.far.carried({})").json()["output"]
            assert output["meta"]["traceparent"].split("-")[1] == f"{number:032x}"
            assert output["headers"]["traceparent"] == output["meta"]["traceparent"]


def test_a_failure_says_its_kind_and_not_its_words(received: tuple[Received, Served]) -> None:
    found, server = received
    with server.client(server.key("joe"), traceparent=traceparent(8)) as joe:
        run(joe, f"throw new Error('{SECRET}')")
    whole = found.wait(f"{8:032x}", EXECUTION)[EXECUTION]
    assert whole.is_error
    assert whole.attributes["error.type"] == "runtime"
    assert SECRET.encode() not in found.text


def test_what_is_not_a_traceparent_is_ignored(received: tuple[Received, Served]) -> None:
    found, server = received
    with server.client(server.key("kim")) as kim:
        for bad in ("nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 5000):
            assert run(kim, "return 1", traceparent=bad).json()["success"]

    def of_kim() -> list[Span]:
        agent = "gen_ai.agent.id"
        return [each for each in list(found.spans) if each.attributes.get(agent) == "kim"]

    until(lambda: len(of_kim()) == 3, "the spans of three runs")
    assert all(span.parent == "" for span in of_kim())


def test_the_delivery_of_records_is_linked_with_their_runs(
    received: tuple[Received, Served],
) -> None:
    found, server = received
    with server.client(server.key("lea"), traceparent=traceparent(9)) as lea:
        run(lea, "return 1")
    until(
        lambda: any(
            f"{9:032x}" in span.links
            for span in list(found.spans)
            if span.name == "onehop.delivery"
        ),
        "a linked delivery",
    )


@pytest.mark.thorough
def test_code_and_values_are_sent_only_when_the_operator_says_so(tmp_path: Path) -> None:
    with over_http() as (found, url):
        with (
            traced(tmp_path, "http", url, ONEHOP_TRACE_CONTENT="true") as server,
            server.client(server.key("ada"), traceparent=traceparent(10)) as ada,
        ):
            run(ada, f"return '{SECRET}'")
        whole = found.wait(f"{10:032x}", EXECUTION)[EXECUTION]  # the end sends what waits
    arguments = json.loads(whole.attributes["gen_ai.tool.call.arguments"])
    assert arguments["code"] == f"return '{SECRET}'"
    assert json.loads(whole.attributes["gen_ai.tool.call.result"])["output"] == SECRET


@pytest.mark.thorough
def test_a_receiver_that_is_away_holds_up_neither_runs_nor_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, answers nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with traced(tmp_path, "http", url) as server:
            with server.client(server.key("ada")) as ada:
                assert all(run(ada, "return 1").json()["success"] for _ in range(5))
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 25


# --- the library


async def test_the_client_sends_the_current_span(
    received: tuple[Received, Served], spans: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    found, server = received
    key = (await server.agents(lambda agents: agents.add("ida"))).key
    with spans[0].get_tracer("host").start_as_current_span("host's") as mine:
        async with AgentClient(agent_id="ida", server_url=server.url, api_key=key) as client:
            await client.execute("return 1")
    place = mine.get_span_context()
    arrived = await asyncio.to_thread(found.wait, f"{place.trace_id:032x}", EXECUTION)
    assert arrived[EXECUTION].parent == f"{place.span_id:016x}"


@pytest.fixture
def spans() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    """What makes spans and keeps them."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter
    provider.shutdown()


def whole(exporter: InMemorySpanExporter) -> ReadableSpan:
    (found,) = [span for span in exporter.get_finished_spans() if span.name == EXECUTION]
    exporter.clear()
    return found


async def test_the_library_takes_a_traceparent_or_the_current_span(
    spans: tuple[TracerProvider, InMemorySpanExporter],
) -> None:
    provider, exporter = spans
    async with Sandbox(
        SandboxConfig(), backend=FakeBackend(1), watchers=[Tracing(provider)]
    ) as sandbox:
        for door in (sandbox.execute, Executor(sandbox).execute):
            run_code: Any = door
            await run_code("return 1", traceparent=traceparent(11))
            span = whole(exporter)
            assert span.context is not None
            assert span.context.trace_id == 11
            with provider.get_tracer("host").start_as_current_span("host's") as mine:
                await run_code("return 1")
                inner = whole(exporter)
                assert inner.parent is not None
                assert inner.parent.span_id == mine.get_span_context().span_id
                carried = f"00-{mine.get_span_context().trace_id:032x}-{PARENT}-01"
                await run_code("return 1", traceparent=carried)
                deeper = whole(exporter)
                assert deeper.parent is not None
                assert deeper.parent.span_id == mine.get_span_context().span_id


async def test_a_run_that_is_answered_early_has_one_span_until_its_end(
    spans: tuple[TracerProvider, InMemorySpanExporter],
) -> None:
    provider, exporter = spans
    code = "await new Promise((r) => setTimeout(r, 300)); return 1"
    async with Sandbox(SandboxConfig(), watchers=[Tracing(provider)]) as sandbox:
        for door in (sandbox, Executor(sandbox)):
            early = await door.execute(code, yield_after=0, traceparent=traceparent(12))
            assert early.status == "running"
            assert [s for s in exporter.get_finished_spans() if s.name == EXECUTION] == []
            assert early.request_id is not None
            assert (await door.wait(early.request_id)).output == 1
            span = whole(exporter)
            assert span.context is not None
            assert span.context.trace_id == 12
            assert span.start_time is not None
            assert span.end_time is not None
            assert span.end_time - span.start_time >= 300e6


async def test_a_call_of_a_session_has_the_stages_of_any_run(
    spans: tuple[TracerProvider, InMemorySpanExporter],
) -> None:
    provider, exporter = spans
    async with (
        Sandbox(SandboxConfig(), watchers=[Tracing(provider)]) as sandbox,
        sandbox.session() as session,
    ):
        for _ in range(2):
            await session.execute("return 1")
            names = [span.name for span in exporter.get_finished_spans()]
            assert names == ["onehop.queue", "onehop.run", EXECUTION]
            exporter.clear()


async def test_a_sandbox_without_watchers_is_not_seen_by_those_around_it(
    spans: tuple[TracerProvider, InMemorySpanExporter],
) -> None:
    provider, exporter = spans
    async with (
        Sandbox(SandboxConfig(), backend=FakeBackend(1)) as quiet,
        Sandbox(
            SandboxConfig(),
            backend=FakeBackend(lambda _request: 1),
            watchers=[Tracing(provider)],
        ) as loud,
    ):
        await loud.execute("return 1")
        seen = len(exporter.get_finished_spans())
        await quiet.execute("return 1")
        assert len(exporter.get_finished_spans()) == seen > 0


def test_off_loads_nothing_of_opentelemetry() -> None:
    script = (
        "import sys, onehop; assert onehop.run('return 1').output == 1; "
        "found = [name for name in sys.modules if name.startswith('opentelemetry')]; "
        "assert not found, found"
    )
    environment = {**os.environ}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "parent",
    [
        None,
        7,
        "",
        "00-1-2-01",
        f"ff-{1:032x}-{PARENT}-01",
        f"00-{0:032x}-{PARENT}-01",
        f"00-{1:032x}-{0:016x}-01",
        f"00-{1:032x}-{PARENT}-01-more",
        f"00-{1:032x}-{PARENT}-01\n",
        f"00-{10:032X}-{PARENT}-01",
    ],
)
def test_only_a_traceparent_is_taken_for_one(parent: object) -> None:
    assert read_trace(parent, "vendor=1") is None


def test_a_traceparent_of_a_later_version_is_read_and_a_bad_state_is_dropped() -> None:
    later = read_trace(f"01-{1:032x}-{PARENT}-01-more", "vendor=1")
    assert later is not None
    assert later.state == "vendor=1"
    plain = read_trace(traceparent(1), "x" * 513)
    assert plain is not None
    assert plain.headers() == {"traceparent": traceparent(1)}


# --- the command line, and what it calls


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Received, Path, Any]]:
    """A receiver, and ``onehop`` on the command line with the operations of an API."""
    folder = tmp_path_factory.mktemp("shell")
    with api_server() as api, over_http() as (found, url):
        (folder / "onehop.toml").write_text(
            f'[upstream.shop]\nopenapi = "{api}/openapi.json"\nprivate = true\nrequired = true\n'
        )

        def onehop(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
            variables = {
                **os.environ,
                "ONEHOP_CONFIG": str(folder / "onehop.toml"),
                "ONEHOP_STORE": f"sqlite:///{folder / 'onehop.db'}",
                "ONEHOP_JOURNAL": str(folder / "journal"),
                "ONEHOP_TRACES": "http",
                "OTEL_EXPORTER_OTLP_ENDPOINT": url,
                **environment,
            }
            command = [sys.executable, "-m", "onehop", *words]
            return subprocess.run(
                command, env=variables, capture_output=True, text=True, check=False, timeout=60
            )

        yield found, folder, onehop


def test_a_request_to_an_api_is_a_span_and_takes_the_trace_on(
    shell: tuple[Received, Path, Any],
) -> None:
    found, _, onehop = shell
    code = (
        "await tools.shop.get_item({item_id: 'tracedsecret'});"
        "return tools.shop.fail({}).catch((error) => error.message)"
    )
    done = onehop("run", code, TRACEPARENT=traceparent(31))
    assert done.returncode == 0, done.stderr
    names = ("execute_tool shop.fail", "GET /fail", "GET /items/{item_id}", *STAGES)
    spans = found.wait(f"{31:032x}", EXECUTION, *names)
    assert spans[EXECUTION].parent == PARENT
    well, refused = spans["GET /items/{item_id}"], spans["GET /fail"]
    assert refused.parent == spans["execute_tool shop.fail"].id
    assert well.kind == 3  # a client's
    assert well.attributes["http.request.method"] == "GET"
    assert well.attributes["http.response.status_code"] == 200
    assert well.attributes["server.address"] == "127.0.0.1"
    assert not well.is_error
    assert (refused.is_error, refused.attributes["error.type"]) == (True, "409")
    assert f"00-{31:032x}-{refused.id}-01" in done.stdout  # the API tells what was sent
    assert b"tracedsecret" not in found.text  # what is in the path is a value


@pytest.mark.thorough
def test_the_runs_of_a_batch_are_in_the_trace_of_who_started_it(
    shell: tuple[Received, Path, Any],
) -> None:
    found, folder, onehop = shell
    (folder / "in.jsonl").write_text('{"code": "return 1"}\n' * 3)
    done = onehop("batch", str(folder / "in.jsonl"), TRACEPARENT=traceparent(33))
    assert done.returncode == 0, done.stderr

    def runs() -> list[Span]:
        trace = f"{33:032x}"
        return [span for span in found.spans if (span.trace, span.name) == (trace, EXECUTION)]

    until(lambda: len(runs()) == 3, "the spans of the batch")
    assert {span.parent for span in runs()} == {PARENT}
