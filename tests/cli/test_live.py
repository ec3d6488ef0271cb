"""``onehop top``, ``onehop tail`` and the plots of ``onehop stats``, on a terminal and without."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from onehop.cli._plots import bar, spark
from tests import copies
from tests.cli.terminal import Terminal
from tests.copies import ONEHOP
from tests.server.served import Served, run
from tests.waiting import PATIENCE, until

HOSTILE = "\x1b[31mred\x1b]0;title\x07\u202etxt\u200f\x00\x9b2J<b>[bold]"
STEERS = re.compile(
    "[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture(scope="module")
def watching(served: Served) -> dict[str, str]:
    """The environment of somebody who may look at everything."""
    return {
        "ONEHOP_SERVER_URL": served.url,
        "AGENT_API_KEY": served.key("watcher", "viewer"),
        "ONEHOP_STORE": served.store,
    }


@pytest.fixture(scope="module")
def ada(served: Served) -> Iterator[httpx2.Client]:
    with served.client(served.key("ada")) as client:
        yield client


def command(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    import os

    return copies.run(
        [*ONEHOP, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_top_draws_runs_agents_and_workers_until_q(
    watching: dict[str, str], ada: httpx2.Client
) -> None:
    body = {
        "code": "await new Promise((done) => setTimeout(done, 4000)); return 1",
        "timeout": 20_000,
        "description": f"long one {HOSTILE}",
    }
    with Terminal("top", "--interval", "0.2", width=160, environment=watching) as screen:
        screen.wait("Agents, last minute")
        caller = threading.Thread(target=lambda: ada.post("/api/v1/execute", json=body))
        caller.start()
        screen.wait("long one")
        screen.wait("workers [")
        caller.join(PATIENCE)
        run(ada, "throw new Error('x')")
        screen.wait("runtime")  # the last fault of ada
        screen.press("q")
        assert screen.ended() == 0
    assert "[bold]" in screen.text
    assert not STEERS.search(screen.text)
    assert "\x1b]0;title" not in screen.raw
    assert "\x1b[?1049l" in screen.raw  # the screen of before is back


@pytest.mark.thorough
def test_top_goes_on_when_the_server_is_away_for_a_while(tmp_path: Path) -> None:
    first = Served(tmp_path)
    with first:
        port = first.url.rpartition(":")[2]
        key = first.key("watcher", "viewer")
        environment = {"ONEHOP_SERVER_URL": first.url, "AGENT_API_KEY": key}
        with Terminal("top", "--interval", "0.1", environment=environment) as screen:
            screen.wait("runs in flight")
            first.stop()
            screen.wait("no answer, trying again")
            seen = len(screen.raw)
            with Served(tmp_path, ONEHOP_PORT=port):
                until(
                    lambda: (
                        "up 00:00:0" in screen.text[-6000:]
                        and "no answer" not in screen.raw[-1500:]
                        and len(screen.raw) > seen
                    ),
                    "a fresh picture",
                )
                screen.press("q")
                assert screen.ended() == 0


def test_top_prints_once_where_there_is_no_terminal(watching: dict[str, str]) -> None:
    done = command(watching, "top")
    assert done.returncode == 0, done.stderr
    assert "workers [" in done.stdout
    assert "\x1b" not in done.stdout
    state = json.loads(command(watching, "top", "--once", "--json").stdout)
    assert state["pool"]["size"] == 2
    assert state["moreRuns"] == 0


@pytest.mark.thorough
def test_an_agent_may_not_look_and_hears_why(served: Served) -> None:
    environment = {"ONEHOP_SERVER_URL": served.url, "AGENT_API_KEY": served.key("eve")}
    done = command(environment, "top")
    assert done.returncode == 3
    assert "viewer" in done.stderr
    away = command({**environment, "ONEHOP_SERVER_URL": "http://127.0.0.1:1"}, "top")
    assert away.returncode == 3
    assert "127.0.0.1:1" in away.stderr


def test_tail_shows_hostile_words_as_text(watching: dict[str, str], ada: httpx2.Client) -> None:
    with Terminal("tail", "--failed", "--utc", width=300, environment=watching) as screen:
        _until_it_listens(screen, ada)
        run(ada, f"throw new Error({json.dumps(HOSTILE)} + 'end of words')")
        screen.wait("end of words")
    assert "[bold]" in screen.text
    assert not STEERS.search(screen.raw.replace("\x1b", ""))
    assert "\x1b[31m" not in screen.raw
    assert "execution:completed" not in screen.text


def _until_it_listens(screen: Terminal, ada: httpx2.Client) -> None:
    def asked() -> bool:
        run(ada, "throw new Error('are you there')")
        return "are you there" in screen.text

    until(asked, "an event")


def test_tail_filters_and_prints_json(watching: dict[str, str], served: Served) -> None:
    import os

    with copies.start(
        [
            *(*ONEHOP, "tail", "--json", "--limit", "2"),
            *("--agent", "bob", "--type", "code:execution:completed"),
        ],
        env={**os.environ, **watching},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        with served.client(served.key("bob")) as bob, served.client(served.key("cy")) as other:

            def fed() -> bool:
                run(other, "return 1")
                run(bob, "return 1")
                return process.poll() is not None

            until(fed, "the end of tail")
        assert process.stdout is not None
        events = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    assert [event["agentId"] for event in events] == ["bob", "bob"]
    assert {event["eventType"] for event in events} == {"code:execution:completed"}


@pytest.mark.thorough
def test_tail_resumes_after_a_lost_connection(tmp_path: Path) -> None:
    with Served(tmp_path) as first:
        port = first.url.rpartition(":")[2]
        environment = {
            "ONEHOP_SERVER_URL": first.url,
            "AGENT_API_KEY": first.key("watcher", "viewer"),
        }
        key = first.key("ada")
        with Terminal("tail", width=200, environment=environment) as screen:
            with first.client(key) as ada:
                _until_it_listens(screen, ada)
            first.stop()
            screen.wait("the stream of events ended")
            with Served(tmp_path, ONEHOP_PORT=port) as second:
                with second.client(key) as ada:
                    run(ada, "throw new Error('after the gap')")
                screen.wait("after the gap")


@pytest.mark.thorough
def test_tail_ends_when_nobody_reads(watching: dict[str, str], ada: httpx2.Client) -> None:
    import os

    with copies.start(
        [*ONEHOP, "tail", "--json"],
        env={**os.environ, **watching},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()

        def ended() -> bool:
            run(ada, "return 1")
            return process.poll() is not None

        until(ended, "its end")
        assert process.returncode == 0


@pytest.mark.thorough
def test_stats_draw_small_plots_on_a_terminal_only(
    watching: dict[str, str], ada: httpx2.Client
) -> None:
    run(ada, "return 1")
    with Terminal("stats", environment=watching) as screen:
        assert screen.ended() == 0
    assert re.search(r"runs +[▁▂▃▄▅▆▇█]", screen.text)
    with Terminal("stats", environment={**watching, "TERM": "dumb"}) as screen:
        assert screen.ended() == 0
    assert "█" not in screen.text
    assert "█" not in command(watching, "stats").stdout


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([0, 0], "  "), ([1], "█"), ([0, 1, 4, 8], " ▂▅█"), ([-1, 5], " █")],
)
def test_a_plot_has_a_block_for_each_value(values: list[float], drawn: str) -> None:
    assert spark(values) == drawn


def test_a_bar_is_as_wide_as_asked() -> None:
    assert bar([(1, "#"), (1, "-")], 0, 4) == "##--"
    assert bar([(1, "#")], 4, 8) == "##······"
    assert bar([], 0, 3) == "···"
