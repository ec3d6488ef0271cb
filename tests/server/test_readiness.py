"""What ``/readyz`` says when a part is away, and what others than its agent see of a run."""

from __future__ import annotations

import os
import resource
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.server.served import PATIENCE, Served, run, streaming

SECRET = "correct-horse-9"
LEAKING = {
    "code": "console.log('it is ' + context.password);"
    "await new Promise(done => setTimeout(done, 300));"
    "throw new Error('no ' + context.password)",
    "context": {"password": SECRET},
}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A server that a test may harm."""
    with Served(tmp_path) as server:
        yield server


def reason(client: httpx2.Client, expected: str) -> None:
    """Wait, not for long, until it is not ready for this reason."""
    until = time.monotonic() + PATIENCE
    while True:
        answer = client.get("/readyz")
        if answer.status_code == 503 and expected in answer.text:
            return
        assert time.monotonic() < until, answer.text
        time.sleep(0.1)


def ready(client: httpx2.Client) -> None:
    until = time.monotonic() + PATIENCE
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_store_or_journal_that_is_deleted_or_replaced_is_noticed(own: Served) -> None:
    with own.client(own.key("ada")) as ada:
        ready(ada)
        assert run(ada, "return 'before'").status_code == 200  # so that its key is known
        store = own.folder / "onehop.db"
        store.rename(own.folder / "moved.db")
        reason(ada, "the store's file was deleted while it was open")
        meanwhile = run(ada, "return 'meanwhile'")
        assert meanwhile.status_code == 200
        name = meanwhile.headers["x-request-id"]
        store.touch()
        reason(ada, "the store's file was replaced by another")
        (own.folder / "moved.db").rename(store)
        ready(ada)
        until = time.monotonic() + PATIENCE
        while ada.get(f"/api/v1/executions/{name}").status_code != 200:
            assert time.monotonic() < until, "what ran meanwhile is lost"
            time.sleep(0.2)
        for path in own.folder.glob("journal/*/*.journal"):
            path.unlink()
        reason(ada, "the journal cannot be written")


@pytest.mark.thorough
def test_a_journal_without_room_is_not_ready_and_refuses_runs_for_that_reason(
    own: Served,
) -> None:
    with own.client(own.key("ada")) as ada:
        ready(ada)
        assert run(ada, "return 1").status_code == 200  # so that its key is known
        _limit_files(own.pid, 4096)
        reason(ada, "the journal cannot be written")
        refused = run(ada, "return 1")
        assert refused.status_code == 503
        assert "journal cannot be written" in refused.json()["error"]["message"]
        _limit_files(own.pid, 1 << 40)
        ready(ada)
        assert run(ada, "return 1").json()["output"] == 1


def _limit_files(pid: int, size: int) -> None:
    """Let a process write no file beyond ``size`` bytes, as a full disk would."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_others_see_of_a_run_only_what_is_masked(served: Served) -> None:
    name = uuid.uuid4().hex
    with (
        served.client(served.key(f"leaky-{os.getpid()}")) as leaky,
        served.client(served.key(f"looks-{os.getpid()}", "viewer")) as looks,
        streaming(looks, "/api/v1/events") as feed,
    ):
        headers = {"Accept": "text/event-stream", "X-Request-Id": name}
        options = {"method": "POST", "json": LEAKING, "headers": headers}
        with streaming(leaky, "/api/v1/execute", **options) as owner:
            assert SECRET in next(owner)["data"]["message"]
            with streaming(looks, f"/api/v1/executions/{name}/stream") as watched:
                seen = list(watched)
            assert SECRET in str(list(owner))
        assert [each["event"] for each in seen] == ["log", "result"]
        assert seen[0]["data"]["message"] == "it is [masked]"
        told = [next(feed) for _ in range(4)]
        assert told[-1]["data"]["data"]["error"].startswith("Error: no [masked] (line")
        assert SECRET not in str(seen) + str(told)


def test_others_read_the_masked_output_in_pages(served: Served) -> None:
    with (
        served.client(served.key(f"large-{os.getpid()}")) as large,
        served.client(served.key(f"pages-{os.getpid()}", "viewer")) as pages,
    ):
        code = "return { password: context.password, rest: 'x'.repeat(5_000_000) }"
        asked = {"code": code, "context": {"password": SECRET}}
        answer = large.post("/api/v1/execute", json=asked)
        name = answer.headers["x-request-id"]
        own = large.get(f"/api/v1/executions/{name}/output").json()
        assert SECRET in own["text"]
        assert SECRET not in pages.get(f"/api/v1/executions/{name}/output").json()["text"]
