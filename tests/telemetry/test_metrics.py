"""What ``/metrics`` tells, and to whom."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from onehop import Executor, Sandbox, SandboxConfig, tool
from onehop.runs.decisions import Approve
from onehop.telemetry import Metrics
from onehop.telemetry._families import FAMILIES
from onehop.testing import FakeBackend
from tests.server.served import Served, run
from tests.telemetry.scraping import Prometheus, Samples, program, samples, value
from tests.users import ROOT
from tests.waiting import soon, until

PROMETHEUS = ROOT / "deploy" / "prometheus"
EXECUTIONS = "onehop_executions_total"


def read(viewer: httpx2.Client) -> Samples:
    answer = viewer.get("/metrics")
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def test_runs_are_counted_by_language_and_outcome(
    ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    def count(language: str, outcome: str) -> float:
        return value(read(viewer), EXECUTIONS, language=language, outcome=outcome)

    calls = {
        ("javascript", "completed"): {"code": "return 1"},
        ("typescript", "completed"): {"code": "return 1 as number", "language": "typescript"},
        ("javascript", "runtime"): {"code": "throw new Error('x')"},
        ("javascript", "validation"): {"code": "return eval('1')"},
        ("javascript", "timeout"): {"code": "for (;;) {}", "timeout": 100},
        ("other", "invalid"): {"code": 7},
    }
    for (language, outcome), body in calls.items():
        before = count(language, outcome)
        ada.post("/api/v1/execute", json=body)
        assert count(language, outcome) == before + 1, (language, outcome)


def test_a_repeated_call_is_counted_as_such_and_uses_nothing(
    ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    run(ada, "return 1", **{"X-Request-Id": "counted-once"})
    before = read(viewer)
    run(ada, "return 1", **{"X-Request-Id": "counted-once"})
    after = read(viewer)
    labels = {"language": "javascript", "outcome": "repeated"}
    assert value(after, EXECUTIONS, **labels) == value(before, EXECUTIONS, **labels) + 1
    ran = "onehop_run_duration_seconds_count"
    assert value(after, ran) == value(before, ran)


def test_what_killed_a_worker_is_counted_and_a_guest_cannot_pretend(
    ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    def kills(cause: str) -> float:
        return value(read(viewer), "onehop_kills_total", cause=cause)

    before = kills("timeout"), kills("protocol"), kills("memory")
    ada.post("/api/v1/execute", json={"code": "for (;;) {}", "timeout": 200})
    pretend = "const e = new Error('import() is not available'); e.name = 'ProtocolError'; throw e"
    assert run(ada, pretend).json()["errorInfo"]["name"] == "ProtocolError"
    run(ada, "const a = []; for (;;) a.push(new Array(1e6).fill(1))")
    assert (kills("timeout"), kills("protocol"), kills("memory")) == (
        before[0] + 1,
        before[1],
        before[2] + 1,
    )


def test_durations_and_what_a_run_used_are_measured_in_base_units(
    ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    before = read(viewer)
    used = run(ada, "let n = 0; for (let i = 0; i < 3e7; i++) n += i % 7; return n").json()
    after = read(viewer)
    for stage in ("validation", "queue", "run"):
        name = f"onehop_{stage}_duration_seconds_count"
        assert value(after, name) == value(before, name) + 1, stage
    spent = value(after, "onehop_run_duration_seconds_sum") - value(
        before, "onehop_run_duration_seconds_sum"
    )
    assert used["executionTime"] / 1000 == pytest.approx(spent, abs=1)
    assert spent > 0.01
    name = "onehop_run_cpu_seconds_total"
    cpu = used["resourceUsage"]["cpuTime"] / 1000
    assert value(after, name) - value(before, name) == pytest.approx(cpu, abs=0.001)


def test_the_pool_the_journal_and_the_layers_show(
    ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    run(ada, "return 1")
    until(
        lambda: value(read(viewer), "onehop_pool_workers", state="idle") == 2, "a full pool again"
    )
    found = read(viewer)
    assert value(found, "onehop_pool_size") == 2
    assert value(found, "onehop_worker_starts_total", outcome="ready") > 2
    assert value(found, "onehop_run_layers_total", layer="seccomp") >= 1
    assert value(found, "onehop_store_up") == 1
    until(lambda: value(read(viewer), "onehop_journal_entries") == 0, "the delivery of records")
    for operation in ("journal", "delivery"):
        name = "onehop_store_duration_seconds_count"
        assert value(read(viewer), name, operation=operation) >= 1


def test_no_series_is_named_by_a_caller_or_its_code(served: Served, viewer: httpx2.Client) -> None:
    with served.client(served.key("mallory-the-agent")) as mallory:
        code = "for (const n of ['evilspace1', 'evilspace2']) await tools[n].evil_tool({})"
        run(mallory, code, **{"X-Channel-Id": "channel-of-mallory"})
        text = viewer.get("/metrics").text
    for word in ("mallory", "channel-of", "evil"):
        assert word not in text


def test_every_metric_is_in_the_table_and_the_table_has_no_other(
    ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    run(ada, "return eval('1')")
    text = viewer.get("/metrics").text
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE onehop_")}
    told = {name.removesuffix("_total") for name in told if not name.endswith("_created")}
    absent = {"onehop_upstream_up", "onehop_upstream_tools"}  # there are none here
    absent |= {"onehop_approvals_waiting"}  # and nobody can be asked
    known = {family.name for family in FAMILIES} | {"onehop_info"}
    assert told == known - absent


def test_only_those_who_may_see_all_read_metrics(
    served: Served, ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    assert viewer.get("/metrics").status_code == 200
    refused = ada.get("/metrics")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    with served.client() as nobody:
        assert nobody.get("/metrics").status_code == 401
    openmetrics = viewer.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


@pytest.mark.thorough
def test_an_operator_opens_metrics_or_turns_them_off(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "off").mkdir()
    with (
        Served(tmp_path / "open", ONEHOP_METRICS="open") as server,
        server.client() as nobody,
    ):
        assert value(samples(nobody.get("/metrics").text), "onehop_pool_size") == 2
    with Served(tmp_path / "off", ONEHOP_METRICS="off") as server:
        with server.client() as nobody:
            assert nobody.get("/metrics").status_code == 401
        with server.client(server.key("watcher", "viewer")) as viewer:
            answer = viewer.get("/metrics")
            assert answer.status_code == 404
            assert "ONEHOP_METRICS=viewer" in answer.json()["error"]["message"]


@pytest.mark.thorough
def test_servers_of_tools_show_whether_they_are_connected(tmp_path: Path) -> None:
    command = f'["{sys.executable}", "-m", "mcp_server_time"]'
    (tmp_path / "onehop.toml").write_text(
        f"[upstream.clock]\ncommand = {command}\n"
        '[upstream.gone]\ncommand = ["/nonexistent/server"]\n'
    )
    with (
        Served(tmp_path, ONEHOP_CONFIG=str(tmp_path / "onehop.toml")) as server,
        server.client(server.key("watcher", "viewer")) as viewer,
        server.client(server.key("ada")) as ada,
    ):
        until(
            lambda: value(read(viewer), "onehop_upstream_up", namespace="clock") == 1,
            "the connection",
        )
        code = "return await tools.clock.get_current_time({timezone: 'Europe/Vienna'})"
        assert run(ada, code).json()["success"]
        found = read(viewer)
        assert value(found, "onehop_upstream_up", namespace="gone") == 0
        assert value(found, "onehop_upstream_tools", namespace="clock") == 2
        name = "onehop_tool_duration_seconds_count"
        assert value(found, name, namespace="clock", outcome="ok") == 1
        assert value(found, "onehop_tool_calls_total", outcome="ok") == 1
        status = viewer.get("/api/v1/status").json()["upstreams"]
        assert {each["namespace"]: each["up"] for each in status} == {"clock": True, "gone": False}
        assert "its command" in next(each["reason"] for each in status if not each["up"])


async def test_calls_that_wait_for_a_person_are_counted() -> None:
    @tool
    def pay(amount: float) -> float:
        """Pay."""
        return amount

    metrics = Metrics()
    async with Sandbox(
        SandboxConfig(pool_size=1),
        tools=[pay],
        rules={"ask": ["pay"]},
        approvals=True,
        watchers=[metrics],
    ) as sandbox:
        executor = Executor(sandbox)

        async def waiting() -> float:
            text, _ = metrics.render(await executor.state())
            return samples(text.decode())["onehop_approvals_waiting", frozenset()]

        assert await waiting() == 0
        running = asyncio.create_task(executor.execute("return await tools.pay({amount: 6})"))
        await soon(waiting, "the call")
        (asked,) = await sandbox.approvals()
        await sandbox.decide(asked.run_id, {asked.call_id: Approve()}, by="ann")
        assert (await running).output == 6
        assert await waiting() == 0
        text, _ = metrics.render(await executor.state())
        spent = "onehop_tool_duration_seconds_sum"
        assert value(samples(text.decode()), spent, namespace="", outcome="ok") < 5


async def test_two_executors_of_one_process_count_for_themselves() -> None:
    first, second = Metrics(), Metrics()
    for metrics, runs in ((first, 1), (second, 2)):
        async with Sandbox(SandboxConfig(), backend=FakeBackend(1), watchers=[metrics]) as sandbox:
            executor = Executor(sandbox)
            for _ in range(runs):
                await executor.execute("return 1")
            text, _ = metrics.render(await executor.state())
            found = samples(text.decode())
            labels = {"language": "javascript", "outcome": "completed"}
            assert value(found, EXECUTIONS, **labels) == runs


async def test_tools_of_more_namespaces_than_have_series_share_one() -> None:
    metrics = Metrics()
    for number in range(150):
        watch = metrics.begin("tool", {})
        watch.end({"namespace": f"space{number}"}, None)
    sandbox = Sandbox(SandboxConfig(), backend=FakeBackend(1))
    text, _ = metrics.render(await Executor(sandbox).state())
    name = "onehop_tool_duration_seconds_count"
    found = {labels for told, labels in samples(text.decode()) if told == name}
    assert len(found) == 101
    assert frozenset({("namespace", "other"), ("outcome", "unknown")}) in found


def test_a_real_prometheus_reads_the_server_and_answers_every_panel(
    served: Served, ada: httpx2.Client, viewer_key: str, tmp_path: Path
) -> None:
    run(ada, "return 1")
    target = urlsplit(served.url).netloc
    with Prometheus(tmp_path, target, viewer_key, PROMETHEUS / "alerts.yml") as prometheus:
        until(lambda: prometheus.value("up") == 1, "a scrape")
        completed = f'sum({EXECUTIONS}{{outcome="completed"}})'
        before = until(lambda: prometheus.value(completed), "a first count")
        run(ada, "return 2")
        until(lambda: (prometheus.value(completed) or 0) > before, "the next count")
        board = json.loads((ROOT / "deploy/grafana/onehop.json").read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                asked = target["expr"].replace("$job", "onehop").replace("$instance", ".*")
                prometheus.query(asked.replace("$__rate_interval", "1m"))
        assert prometheus.query("histogram_quantile(0.5, onehop_run_duration_seconds_bucket)")
        (group,) = until(lambda: prometheus.get("/rules")["groups"], "the rules")
        until(
            lambda: all(
                rule["health"] == "ok" for rule in prometheus.get("/rules")["groups"][0]["rules"]
            ),
            "an evaluation of every rule",
        )
        assert len(group["rules"]) > 5


def test_every_panel_and_alert_names_metrics_that_there_are() -> None:
    names = {
        f"{family.name}{end}"
        for family in FAMILIES
        for end in {
            "counter": ("_total",),
            "gauge": ("",),
            "histogram": ("_bucket", "_sum", "_count"),
        }[family.kind]
    } | {"onehop_info"}
    board = (ROOT / "deploy/grafana/onehop.json").read_text()
    shown = [target["expr"] for panel in json.loads(board)["panels"] for target in panel["targets"]]
    asked = [*shown, (PROMETHEUS / "alerts.yml").read_text()]
    found = {name for text in asked for name in re.findall(r"\bonehop_[a-z_]+", text)}
    assert found
    assert found - names == set()


@pytest.mark.parametrize(
    "command",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_what_is_shipped(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [program("promtool"), *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
