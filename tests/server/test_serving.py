"""Starting and stopping, TLS, addresses, guards, and what the log says."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import pty
import re
import signal
import socket
import ssl
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from onehop import Sandbox
from onehop.config import AuditConfig, ServerConfig
from onehop.errors import ConfigError, StoreError
from onehop.execution.executor import Executor
from onehop.records import ExecutionRecord
from onehop.server import serving
from onehop.server.agents import Agents
from onehop.server.app import create_app
from onehop.server.logs import JsonLines, TextLines
from onehop.stores import open_store
from onehop.stores.memory import MemoryStore
from tests import copies
from tests.client.certificates import _sign
from tests.copies import ONEHOP
from tests.sampling import some
from tests.server.served import PATIENCE, Served, run, streaming
from tests.server.test_api import error
from tests.servers import PostgresServer
from tests.waiting import until

SLOW = "await new Promise(r => setTimeout(r, 700)); return 'finished'"


async def refusal(**settings: Any) -> str:
    """Why a server does not start with these settings."""

    async def greet(_ready: serving.Ready) -> None:
        raise AssertionError("it starts")

    with pytest.raises(ConfigError) as error:
        await serving.serve(ServerConfig(**settings), greet)
    return str(error.value)


def recorded(server: Served, name: str) -> ExecutionRecord:
    """What the store has of a run, once the server has ended."""

    async def read() -> ExecutionRecord | None:
        store = await open_store(AuditConfig(store=server.store))
        try:
            return await store.get(name)
        finally:
            await store.aclose()

    found = asyncio.run(read())
    assert found is not None
    return found


# --- stopping


@pytest.mark.sample(1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_runs_in_flight_finish_when_the_server_is_told_to_stop(
    tmp_path: Path, number: signal.Signals
) -> None:
    server = Served(tmp_path).start()
    try:
        key, name = server.key("ada"), uuid.uuid4().hex
        with server.client(key) as ada, server.client(key) as other, ThreadPoolExecutor() as pool:
            with streaming(other, "/api/v1/events") as heard:
                result = pool.submit(run, ada, SLOW, **{"X-Request-Id": name})
                until(lambda: next(heard)["event"] == "code:execution:started", "it runs")
                spawned = server.workers()
                server.tell(number)
                assert not [each for each in heard if each["event"].endswith("failed")]
            assert result.result().json()["output"] == "finished"
        assert server.ended() == 0
        assert spawned
        assert not [pid for pid in spawned if Path(f"/proc/{pid}").exists()]
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{server.url}/healthz")
    finally:
        server.stop()
    assert recorded(server, name).output == "finished"


def test_runs_that_do_not_finish_in_time_are_ended_and_recorded(tmp_path: Path) -> None:
    server = Served(tmp_path, ONEHOP_SHUTDOWN_TIMEOUT="500").start()
    try:
        key, name = server.key("ada"), uuid.uuid4().hex
        with server.client(key) as ada, server.client(key) as other, ThreadPoolExecutor() as pool:
            endless = {"code": "for (;;) await 0", "timeout": 30000}
            headers = {"X-Request-Id": name}
            with streaming(other, "/api/v1/events") as heard:
                call = pool.submit(ada.post, "/api/v1/execute", json=endless, headers=headers)
                until(lambda: next(heard)["event"] == "code:execution:started", "it runs")
                server.tell(signal.SIGTERM)
            error(call.result(), 503, "unavailable")
        assert server.ended() == 0
        assert not [line for line in server.raw if "Traceback" in line]
    finally:
        server.stop()
    assert recorded(server, name).error_type == "cancelled"


# --- starting


def test_the_first_start_in_a_terminal_shows_an_admin_key_once(tmp_path: Path) -> None:
    shown = in_terminal(tmp_path)
    [key] = re.findall(r"oh_[0-9a-f]{16}_[0-9a-f]{64}", shown)
    assert "http://localhost:" in shown
    assert "/mcp" in shown
    assert not re.search(r"oh_[0-9a-f]{16}_", in_terminal(tmp_path))
    made = asyncio.run(Served(tmp_path).agents(lambda agents: agents.authenticate(key)))
    assert made.role == "admin"


def in_terminal(folder: Path) -> str:
    """What a server shows in a terminal, until it is ready, and then stopped."""
    reading, writing = pty.openpty()
    process = copies.start(
        [*ONEHOP, "serve"],
        env=Served(folder).environment,
        stdout=writing,
        stderr=writing,
        stdin=writing,
    )
    os.close(writing)
    shown = b""
    try:
        while b"Ctrl+C" not in shown:
            shown += os.read(reading, 4096)
    finally:
        process.terminate()
        threading.Thread(target=_drain, args=(reading,), daemon=True).start()
        assert process.wait(PATIENCE) == 0
    return shown.decode()


def _drain(reading: int) -> None:
    try:
        while os.read(reading, 4096):
            pass
    except OSError:
        os.close(reading)


def test_without_a_terminal_it_says_how_to_make_a_key(tmp_path: Path) -> None:
    with Served(tmp_path) as server:
        line = server.logged(lambda line: "there is no agent" in line["message"])
        assert "onehop agents add" in line["message"]
        assert not any("oh_" in line for line in server.raw)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
async def test_a_public_address_without_keys_is_refused(host: str) -> None:
    assert "without a key" in await refusal(host=host, auth=False, port=0)


async def test_what_cannot_be_listened_on_is_refused_before_anything_starts(tmp_path: Path) -> None:
    assert "not an address" in await refusal(host="nowhere.invalid")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert "in use" in await refusal(host="127.0.0.1", port=port)
    assert "every web page" in await refusal(port=0, auth=False, origins=("*",))
    missing = await refusal(port=0, tls_cert="x.pem", tls_key="y.pem")
    assert "x.pem" in missing
    with pytest.raises(ConfigError, match="tls_key"):
        ServerConfig(tls_cert="x.pem")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--no-auth", "--host", "0.0.0.0"], {}, "without a key"),
        ([], {"ONEHOP_STORE": "memory:"}, "memory:"),
    ],
)
def test_a_server_that_does_not_start_says_why_in_one_line(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], words: str
) -> None:
    done = copies.run(
        [*ONEHOP, "serve", *arguments],
        env=Served(tmp_path, **environment).environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_name_of_two_addresses_gets_one_port() -> None:
    sockets = serving.listen(ServerConfig(host="localhost", port=0))
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert {one.getsockname()[0] for one in sockets} <= {"127.0.0.1", "::1"}
    finally:
        for one in sockets:
            one.close()


async def test_a_server_asks_for_a_store() -> None:
    with pytest.raises(StoreError, match="store"):
        create_app(Executor(Sandbox()), Agents(MemoryStore()))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-made certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(_sign(key).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, private


def test_https_is_spoken_with_a_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    chain, private = certificate
    options = ("--host", "127.0.0.1", "--tls-cert", str(chain), "--tls-key", str(private))
    with Served(tmp_path, *options) as server:
        assert server.url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=chain)
        headers = {"X-API-Key": server.key("ada")}
        with httpx2.Client(
            base_url=server.url, headers=headers, verify=trust, timeout=PATIENCE
        ) as ada:
            assert run(ada, "return 1").json()["output"] == 1
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(server.url)


# --- guards


def test_a_page_of_another_name_is_refused(served: Served, ada: httpx2.Client) -> None:
    for host in ("evil.example", "evil.example:3001", "localhost.evil.example", "127.0.0.1.nip.io"):
        error(ada.get("/api/v1/me", headers={"Host": host}), 421, "wrong_host")
    for host in ("localhost", "127.0.0.1:3001", "[::1]:3001", "app.localhost"):
        assert ada.get("/api/v1/me", headers={"Host": host}).status_code == 200, host
    assert ada.get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


def test_a_page_of_another_origin_is_refused(served: Served, ada: httpx2.Client) -> None:
    port = httpx2.URL(served.url).port
    for origin in ("https://evil.example", "null", f"http://localhost:{(port or 0) + 1}"):
        response = ada.get("/api/v1/me", headers={"Origin": origin})
        error(response, 403, "forbidden")
        assert "access-control-allow-origin" not in response.headers
    assert ada.get("/api/v1/me", headers={"Origin": served.url}).status_code == 200
    preflight = ada.options(
        "/api/v1/execute",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    error(preflight, 403, "forbidden")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that pages of another name may call."""
    names = {"ONEHOP_ORIGINS": "https://app.example", "ONEHOP_ALLOWED_HOSTS": "api.example"}
    with Served(tmp_path_factory.mktemp("named"), **names) as server:
        yield server


def test_pages_that_are_named_may_call(named: Served) -> None:
    origin = {"Origin": "https://app.example"}
    with named.client(named.key("page")) as ada:
        ask = {
            **origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-api-key, content-type",
        }
        preflight = httpx2.options(f"{named.url}/api/v1/execute", headers=ask, timeout=PATIENCE)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        answer = ada.get("/api/v1/me", headers={**origin, "Host": "api.example"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        error(ada.get("/api/v1/me", headers={"Origin": "https://b.example"}), 403, "forbidden")
        proxied = {"Origin": "https://api.example", "Host": "api.example"}  # TLS ends before us
        assert ada.get("/api/v1/me", headers=proxied).status_code == 200
        elsewhere = {"Origin": "https://api.example:8443", "Host": "api.example"}
        error(ada.get("/api/v1/me", headers=elsewhere), 403, "forbidden")


PREFLIGHT = "Access-Control-Request-Method"
ODD_REQUESTS: list[dict[str, str]] = [
    {},
    {PREFLIGHT: "POST"},
    {PREFLIGHT: "PUT"},
    {PREFLIGHT: ""},
    {PREFLIGHT: "POST", "Access-Control-Request-Headers": "x-other"},
    {PREFLIGHT: "GET", "Access-Control-Request-Private-Network": "true"},
    {PREFLIGHT: "GET", "Origin": "https://other.example"},
    {PREFLIGHT: "GET", "Origin": "https://App.Example"},
    {"Content-Type": "text/plain", "Accept": "text/html"},
    {"Upgrade": "websocket", "Connection": "Upgrade"},
    {"Host": "other.example"},
    {"Mcp-Protocol-Version": "9999", "Content-Type": "application/json"},
]
ADDRESSES = ("/", "/docs", "/docs/none", "/none", "/openapi.json", "/healthz", "/mcp", "/mcp/")
UNDER_API = ("execute", "me", "executions/none", "events", "agents/none", "outputs/none", "none")


def test_every_refusal_has_the_body_of_an_error(named: Served) -> None:
    addresses = [*ADDRESSES, *(f"/api/v1/{name}" for name in UNDER_API)]
    methods = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "OTHER")
    asked = list(itertools.product(methods, addresses, ODD_REQUESTS))
    with named.client() as pages:
        for method, address, headers in some(asked, 100):
            given = {"Origin": "https://app.example", **headers}
            answer = pages.request(method, address, headers=given)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/json", (method, address)
                found = answer.json()["error"]
                assert found["requestId"] == answer.headers["x-request-id"]
                assert found["code"]
                assert found["message"]


def test_a_preflight_that_is_refused_says_what_pages_may(named: Served) -> None:
    origin = "https://app.example"
    ask = {"Origin": origin, PREFLIGHT: "PATCH", "Access-Control-Request-Headers": "x-other"}
    answer = httpx2.options(f"{named.url}/api/v1/execute", headers=ask)
    error(answer, 403, "forbidden")
    assert "method, headers" in answer.json()["error"]["message"]
    assert answer.headers["access-control-allow-methods"] == "GET, POST, PUT, DELETE"


def test_without_keys_everyone_is_who_they_say(tmp_path: Path) -> None:
    with Served(tmp_path, "--no-auth") as server, server.client() as nobody:
        me = nobody.get("/api/v1/me").json()
        assert (me["agentId"], me["role"]) == ("default", "admin")
        name = run(nobody, "return 1", **{"X-Agent-Id": "eve"}).headers["x-request-id"]
        assert nobody.get(f"/api/v1/executions/{name}").json()["agentId"] == "eve"
        error(nobody.get("/api/v1/me", headers={"Host": "evil.example"}), 421, "wrong_host")
        error(run(nobody, "1", Origin="https://evil.example"), 403, "forbidden")


# --- the log


def test_each_request_is_a_line_of_the_log_without_secrets(
    served: Served, ada: httpx2.Client
) -> None:
    key = ada.headers["authorization"].split()[1]
    response = run(ada, f"return {json.dumps(key)}")
    line = served.access(response.headers["x-request-id"])
    assert (line["agent"], line["method"], line["status"]) == ("ada", "POST", 200)
    assert line["path"] == "/api/v1/execute"
    assert line["duration"] > 0
    ada.get(f"/api/v1/me?key={key}")
    refused = httpx2.get(f"{served.url}/api/v1/me", headers={"X-API-Key": key + "0"})
    served.access(refused.headers["x-request-id"])
    assert not [line for line in served.raw if key in line or key.rpartition("_")[2] in line]


def test_a_probe_that_is_well_is_no_line_of_the_log(served: Served, ada: httpx2.Client) -> None:
    probe = httpx2.get(f"{served.url}/healthz")
    assert probe.status_code == 200
    served.access(ada.get("/api/v1/me").headers["x-request-id"])  # what came before it is written
    assert not [line for line in served.raw if probe.headers["x-request-id"] in line]


def test_the_log_can_be_text_that_stays_on_its_line(tmp_path: Path) -> None:
    record = logging.LogRecord("onehop", logging.INFO, "", 0, "a\nb", (), None)
    record.facts = {"path": "/x\n2026 ERROR forged\x1b[2J", "agent": None}
    line = TextLines().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert "agent" not in line


@pytest.mark.parametrize("lines", [TextLines, JsonLines])
def test_no_line_of_the_log_has_a_key_in_it(lines: type[logging.Formatter]) -> None:
    """Whoever calls chooses the address; and an error may say what it was given."""
    key = f"oh_{'0a' * 8}_{'1b' * 32}"
    try:
        int(key)
    except ValueError:
        failed = sys.exc_info()
    record = logging.LogRecord("onehop", logging.INFO, "", 0, "got %s", (key,), failed)
    record.facts = {"path": f"/{key}"}
    assert key not in (line := lines().format(record))
    assert line.count("[masked]") == 3


@pytest.mark.thorough
def test_while_the_store_is_away_runs_go_on_and_questions_are_503(tmp_path: Path) -> None:
    with PostgresServer() as database:
        server = Served(tmp_path, ONEHOP_STORE=database.url)
        command = [*ONEHOP, "agents", "add", "ada"]
        made = copies.run(command, env=server.environment, capture_output=True, check=True)
        with server, server.client(made.stdout.decode().strip()) as ada:
            assert run(ada, "return 1").json()["output"] == 1
            database.stop()
            assert run(ada, "return 2").json()["output"] == 2
            answer = ada.get("/api/v1/executions")
            error(answer, 503, "unavailable")
            assert "postgres" not in answer.text
            assert str(database.port) not in answer.text
            assert int(answer.headers["retry-after"]) >= 1
            error(ada.get("/readyz"), 503, "unavailable")
            assert ada.get("/healthz").status_code == 200
            database.start()
            until(lambda: ada.get("/readyz").status_code == 200, "it is back")
