"""A worker of a session that was taken over says what it likes; the host stays sane."""

from __future__ import annotations

import pytest

from onehop import Sandbox, SandboxConfig
from onehop.backends import LocalBackend
from onehop.workers import WorkerFactory
from tests.waiting import soon
from tests.workers.test_hostile_worker import hostile_command

ANSWER = "result(1);"
PATIENT = 120_000
"""ms: some say 30 MB before the host has had enough, and a busy machine takes its time for that.
The deadline of the run would end it first, with another error."""
SHOWN = (
    "frame({ v: 3, token, kind: 'show', as: 'text', type: '', title: '', data: 'YQ==', "
    "more: false })"
)
ENDLESS = (
    SHOWN.replace("frame", "JSON.stringify").replace("'YQ=='", "data").replace("false", "true")
)

ATTACKS = {
    "more files than a run may show": f"for (let i = 0; i < 33; i++) {SHOWN}",
    "a file that is not base64": SHOWN.replace("YQ==", "?"),
    "a file without an end": (
        "const data = 'A'.repeat(120000); const part = "
        + ENDLESS
        + "; for (let i = 0; i < 250; i++) text(part)"  # 30 MB; made once, for a busy machine
    ),
    "a file of an unknown kind": SHOWN.replace("'text'", "'exec'"),
    "progress that is none": "frame({ v: 3, token, kind: 'progress', fraction: 2, message: '' })",
    "more progress than a run may make": (
        "for (let i = 0; i < 501; i++) "
        "frame({ v: 3, token, kind: 'progress', fraction: 0, message: '' })"
    ),
    "a question to a store without a session": (
        "frame({ v: 3, token, kind: 'store', id: 1, op: 'get', key: 'a', value: '' })"
    ),
}


def hostile(attack: str) -> Sandbox:
    config = SandboxConfig(pool_size=1, timeout_max=PATIENT)
    commands = {"worker": hostile_command(attack)}
    factory = WorkerFactory((), config.limits(PATIENT), lambda: commands)
    return Sandbox(config, backend=LocalBackend(config, factory))


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ATTACKS)
async def test_what_an_honest_worker_never_says_ends_the_run(name: str) -> None:
    async with hostile(ATTACKS[name]) as sandbox:
        result = await sandbox.execute("return 1", timeout=PATIENT)
        assert result.error_info is not None
        assert (result.error_info.type, result.error_info.name) == ("security", "ProtocolError")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "later",
    [
        "text('{}')",
        "frame({ v: 3, token, kind: 'log', level: 'log', message: 'late' })",
        "result(2)",
        "raw(length(0xffffffff))",
    ],
)
async def test_a_worker_that_speaks_between_two_calls_is_killed(later: str) -> None:
    async with hostile(f"{ANSWER} {later}; read(1)") as sandbox:
        for _ in range(2):
            result = await sandbox.execute("return 1", session="s")
            name = result.error_info and result.error_info.name
            # Or it spoke so soon that it was still in the call.
            assert (result.output, name) in [(1, None), (None, "ProtocolError")]
            assert result.logs == []
            await soon(lambda: not sandbox.sessions.list("")[0].live, "the end of the worker")


async def test_the_token_of_an_earlier_call_is_worth_nothing_in_a_later_one() -> None:
    attack = """
      result(1);
      const next = read(new DataView(read(4).buffer).getUint32(0));
      frame({ v: 3, token, kind: "result", output: "forged", dropped: 0 })"""
    async with hostile(attack) as sandbox:
        assert (await sandbox.execute("return 1", session="s")).output == 1
        second = await sandbox.execute("return 1", session="s")
        assert second.error_info is not None
        assert second.error_info.name == "ProtocolError"


async def test_a_store_key_and_value_of_a_hostile_worker_are_checked() -> None:
    attack = """
      const blank = { v: 3, token, kind: "store", key: "a", value: "" };
      const store = (fields) => frame({ ...blank, ...fields });
      store({ id: 1, op: "set", value: "not json" });
      store({ id: 2, op: "set", key: "a\\0b", value: "1" });
      store({ id: 3, op: "get" });
      const answers = [];
      const decoder = new TextDecoder();
      for (let i = 0; i < 3; i++) {
        answers.push(decoder.decode(read(new DataView(read(4).buffer).getUint32(0))));
      }
      result(answers.map((each) => each.split('"id":')[1]))"""
    async with hostile(attack) as sandbox:
        result = await sandbox.execute("return 1", session="s")
        assert result.success, result.error
        assert "the value is not JSON" in result.output[0]
        assert "a key has no NUL character" in result.output[1]
        assert result.output[2].startswith("3}")
        assert await sandbox.sessions.values("", "s").keys() == []
