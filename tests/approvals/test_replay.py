"""Runs made again offline, with the answers that they had: the same, or where they first differ."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from onehop import Sandbox, SandboxConfig, tool
from onehop.config import RecordingConfig
from onehop.errors import InvalidRequestError, NotReplayableError
from onehop.execution.executor import Executor
from onehop.runs.kept import RunChange
from onehop.sandbox.recordings import Recording
from tests.approvals.test_pauses import KEY, server
from tests.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED: list[str] = []


@tool(effect="read")
async def look(name: str, slow: float = 0) -> dict[str, str]:
    """Look somebody up."""
    ASKED.append(name)
    await asyncio.sleep(slow)
    if name == "nobody":
        raise LookupError(name)
    return {"name": name}


CODE = """
const names = ["b", "a", "nobody"].map((name, i) =>
  tools.look({ name, slow: 0.05 / (i + 1) }).catch((e) => e.code));
const first = await Promise.race(names);
await new Promise((done) => setTimeout(done, 20));
console.log(new Date().toISOString());
return [first, await Promise.all(names), Math.random(), Date.now(), context.n];
"""


def kept_all(folder: Path, **more: Any):  # type: ignore[no-untyped-def]
    recording = RecordingConfig(key=SecretStr(KEY), runs="all", **more)
    return server(folder, tools=[look], rules=(), recording=recording)


async def recording(executor: Executor, name: str) -> Recording:
    keeper = executor._keeper
    assert keeper is not None
    return await keeper.recording(name, None)


async def test_a_replay_is_the_same_and_asks_no_tool(tmp_path: Path) -> None:
    async with kept_all(tmp_path) as executor:
        result = await executor.execute(CODE, context={"n": 5}, agent_id="ada", request_id="r1")
        assert result.success, result.error
        asked = len(ASKED)
        replay = await executor.replay("r1")
        assert (replay.same, replay.difference, replay.calls) == (True, None, 3)
        assert replay.result.output == result.output
        assert [(c.tool, c.outcome) for c in replay.result.tool_calls or ()] == [
            ("look", "ok"),
            ("look", "ok"),
            ("look", "failed"),
        ]
        assert len(ASKED) == asked
        found = await recording(executor, "r1")
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        assert (await sandbox.replay(found.to_dict())).same
        changed = dataclasses.replace(found.program, code=CODE.replace('"a"', '"z"'))
        replay = await sandbox.replay(dataclasses.replace(found, program=changed))
        assert not replay.same
        assert "at step 2 it was: a call of look (arguments " in (replay.difference or "")
        fewer = dataclasses.replace(found.program, code="return 1")
        replay = await sandbox.replay(dataclasses.replace(found, program=fewer))
        assert (replay.difference or "").endswith("now the run has ended before")
        other = dataclasses.replace(found.program, code=f"{CODE.strip()[:-2]}, 1]")
        replay = await sandbox.replay(dataclasses.replace(found, program=other))
        assert (replay.difference or "").startswith("its output was another one")
        with pytest.raises(InvalidRequestError):
            await sandbox.replay({"version": 1, "program": {}, "entries": [["m", 1]]})


@pytest.mark.thorough
async def test_what_is_not_kept_whole_is_not_replayed(tmp_path: Path) -> None:
    async with kept_all(tmp_path) as executor:
        with pytest.raises(NotReplayableError, match="no run 'nothing' is kept"):
            await executor.replay("nothing")
        await executor.execute(CODE, context={"n": 1}, agent_id="ada", request_id="r1")
        (kept,) = await executor.store.kept_runs(request_id="r1")
        for change, words in (
            (RunChange(replayable=False), "more than is kept"),
            (RunChange(phase="paused"), "has not ended"),
        ):
            await executor.store.change_run(kept.run_id, kept.fence, change)
            with pytest.raises(NotReplayableError, match=words):
                await executor.replay("r1")
        await executor.store.drop_runs([kept.run_id])
        assert await executor.flush(PATIENCE)
        with pytest.raises(NotReplayableError, match=r"is not kept.*ONEHOP_RECORDING=all"):
            await executor.replay("r1")


async def test_a_run_whose_record_is_masked_or_cut_off_is_replayed_with_all_that_it_had(
    tmp_path: Path,
) -> None:
    secret = {"password": "hunter2", "n": 1}
    codes = {
        "masked": "return { password: context.password, seen: await tools.look({ name: 'a' }) }",
        "cut": "await tools.look({ name: 'a' }); return `${context.password} `.repeat(4e5)",
    }
    async with kept_all(tmp_path) as executor:
        for name, code in codes.items():
            result = await executor.execute(code, context=secret, agent_id="ada", request_id=name)
            assert result.success, result.error
        assert await executor.flush(PATIENCE)
        record = await executor.store.get("masked")
        assert record is not None
        assert "hunter2" not in f"{record.output} {record.context_data}"
        for name in codes:
            replay = await executor.replay(name)
            assert replay.same, replay.difference
