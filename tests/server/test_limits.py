"""What an agent may have at once and in a minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from onehop.server._errors import TooMuchAtOnceError
from onehop.server._limits import Allowance, Gate
from tests.server.served import Served, run, streaming
from tests.server.test_api import error
from tests.waiting import until

SLEEP = "await new Promise(r => setTimeout(r, 1500)); return 1"


def test_runs_at_once_are_limited_by_agent(served: Served) -> None:
    narrow, other = served.key("narrow", max_runs=1), served.key("beside", max_runs=1)
    with (
        served.client(narrow) as client,
        served.client(narrow) as again,
        served.client(other) as beside,
        ThreadPoolExecutor() as pool,
    ):
        with streaming(again, "/api/v1/events") as heard:
            first = pool.submit(run, client, SLEEP)
            next(heard)  # it has begun
        refused = run(again, "return 1")
        error(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        assert run(beside, "return 2").json()["output"] == 2
        assert first.result().json()["output"] == 1
        assert run(again, "return 3").json()["output"] == 3


def test_runs_in_a_minute_are_limited_by_agent(served: Served) -> None:
    with served.client(served.key("slow", max_rate=2)) as client:
        assert [run(client, "return 1").status_code for _ in range(2)] == [200, 200]
        refused = run(client, "return 1")
        error(refused, 429, "rate_limited")
        assert 50 <= int(refused.headers["retry-after"]) <= 60
        assert client.get("/api/v1/me").status_code == 200


def test_a_body_is_limited_by_agent(served: Served) -> None:
    with served.client(served.key("small", max_body=1000)) as client:
        assert run(client, "return 1").status_code == 200
        found = error(run(client, "return 1 //" + "x" * 1000), 413, "too_large")
        assert "1000" in found["message"]


def test_open_streams_are_limited_by_agent(served: Served) -> None:
    with served.client(served.key("curious")) as client, ExitStack() as open_streams:
        limit = 16
        for _ in range(limit):
            open_streams.enter_context(streaming(client, "/api/v1/events"))
        error(client.get("/api/v1/events"), 429, "rate_limited")
        open_streams.close()
        with ExitStack() as after:
            until(
                lambda: _opens(after, client),
                "closed streams make room",
            )


def _opens(stack: ExitStack, client: object) -> bool:
    try:
        stack.enter_context(streaming(client, "/api/v1/events"))  # type: ignore[arg-type]
    except AssertionError:
        return False
    return True


def test_a_minute_slides() -> None:
    now = [0.0]
    gate = Gate(1, clock=lambda: now[0])
    allowed = Allowance(max_runs=9, max_rate=2, max_body=9)
    for now[0] in (0.0, 30.0):
        with gate.run("a", allowed):
            pass
    now[0] = 59.0
    with pytest.raises(TooMuchAtOnceError) as refused, gate.run("a", allowed):
        pass
    assert refused.value.retry_after == 1.0
    now[0] = 60.0
    with gate.run("a", allowed):
        pass
    with pytest.raises(TooMuchAtOnceError), gate.run("a", allowed):
        pass


def test_a_run_that_raises_gives_its_place_back() -> None:
    gate = Gate(1)
    allowed = Allowance(max_runs=1, max_rate=9, max_body=9)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.run("a", allowed):
            raise ZeroDivisionError


def test_idle_agents_are_forgotten() -> None:
    now = [0.0]
    gate = Gate(1, clock=lambda: now[0])
    allowed = Allowance(max_runs=1, max_rate=1, max_body=9)
    with gate.run("stays", allowed):
        for number in range(5000):
            now[0] = number
            with gate.run(f"agent-{number}", allowed):
                pass
        assert len(gate._uses) < 1200
        with pytest.raises(TooMuchAtOnceError), gate.run("stays", allowed):
            pass
