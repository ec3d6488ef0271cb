"""Servers that do what they should not: each harms its own tools, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from onehop import (
    ConfigError,
    McpUpstream,
    Sandbox,
    SandboxConfig,
    ToolError,
    Tools,
    UpstreamUnavailableError,
    tool,
)
from tests.processes import descendants
from tests.waiting import soon

HERE = Path(__file__).parent
SECRET = "s3cr3t-t0ken-0f-the-tests"


def hostile(*arguments: str, **options: Any) -> McpUpstream:
    command = [sys.executable, "-S", str(HERE / "hostile.py"), *arguments]
    return McpUpstream(command=command, **options)


@tool(effect="read")
def mine() -> str:
    """A tool of the host."""
    return "mine"


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    os.environ["THE_TOKEN"] = SECRET
    server = hostile(env={"TOKEN": "env:THE_TOKEN"}, timeout=5000)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(mine, bad=server)) as opened:
        yield opened
    del os.environ["THE_TOKEN"]


async def caught(sandbox: Sandbox, path: str, **options: Any) -> ToolError:
    with pytest.raises(ToolError) as raised:
        await sandbox.call_tool(path, **options)
    return raised.value


async def value(sandbox: Sandbox, path: str, **options: Any) -> Any:
    """Of the tool, when its server is there."""

    async def attempt() -> list[Any]:
        try:
            return [await sandbox.call_tool(path, **options)]
        except ToolError as error:
            if error.code == "unavailable":
                return []
            raise

    return (await soon(attempt, path))[0]


# --- answers ---


async def test_garbage_between_messages_is_passed_over(sandbox: Sandbox) -> None:
    assert await value(sandbox, "bad.garbage") == "fine"


async def test_the_first_of_two_answers_counts(sandbox: Sandbox) -> None:
    assert await value(sandbox, "bad.twice") == "first"
    assert await value(sandbox, "bad.json_text") == {"a": [1, 2]}


async def test_a_crash_in_the_middle_of_an_answer_is_an_error_and_the_next_call_works(
    sandbox: Sandbox,
) -> None:
    await value(sandbox, "bad.pid")
    error = await caught(sandbox, "bad.half")
    assert (error.code, error.effect, error.retryable) == ("unavailable", "unknown", False)
    assert await value(sandbox, "bad.pid")
    assert await sandbox.call_tool("mine") == "mine"


@pytest.mark.parametrize("name", ["large", "values"])
async def test_an_answer_that_is_too_large_is_not_read_and_costs_no_other_call(
    sandbox: Sandbox, name: str
) -> None:
    before = await value(sandbox, "bad.pid")
    error = await caught(sandbox, f"bad.{name}")
    assert (error.code, error.effect) == ("too_large", "applied")
    assert await value(sandbox, "bad.pid") == before


async def test_an_answer_that_is_too_deep_is_not_read(sandbox: Sandbox) -> None:
    assert (await caught(sandbox, "bad.deep")).code == "timeout"


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["flood", "endless", "answers", "blank", "heavy"])
async def test_a_server_that_floods_is_cut_off(sandbox: Sandbox, name: str) -> None:
    before = await value(sandbox, "bad.pid")
    error = await caught(sandbox, f"bad.{name}")
    assert (error.code, error.effect) == ("unavailable", "unknown")
    assert await value(sandbox, "bad.pid") != before
    await soon(lambda: before["pid"] not in descendants(os.getpid()), "the end of its process")


async def test_a_call_that_is_never_answered_ends_by_the_servers_timeout(sandbox: Sandbox) -> None:
    before = await value(sandbox, "bad.pid")
    error = await caught(sandbox, "bad.hang")
    assert (error.code, error.effect) == ("timeout", "unknown")
    assert await value(sandbox, "bad.pid") == before


async def test_a_result_of_the_wrong_form_is_an_error(sandbox: Sandbox) -> None:
    assert (await caught(sandbox, "bad.wrong")).code == "invalid_result"


async def test_a_failure_says_what_the_server_says_and_not_more_than_8192_characters(
    sandbox: Sandbox,
) -> None:
    assert (await caught(sandbox, "bad.failure")).message == "the reason"
    error = await caught(sandbox, "bad.error")
    assert (error.code, len(error.message)) == ("failed", 8192)


async def test_a_server_that_asks_for_a_model_gets_none(sandbox: Sandbox) -> None:
    assert await value(sandbox, "bad.ask") == "Sampling not supported"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("nothing", ""), ("two_texts", "[1]\n[2]"), ("number_text", "17")],
)
async def test_only_one_text_that_is_an_object_or_array_becomes_data(
    sandbox: Sandbox, name: str, expected: Any
) -> None:
    assert await value(sandbox, f"bad.{name}") == expected


async def test_several_blocks_are_a_list_and_each_has_its_bytes(sandbox: Sandbox) -> None:
    code = """
    const [text, report, link] = await tools.bad.blocks();
    return [text, report, [...await report.bytes()], link, "bytes" in link];
    """
    await value(sandbox, "bad.pid")
    result = await sandbox.execute(code)
    report = {"name": "report.pdf", "type": "application/pdf", "size": 3}
    link = {"name": "far", "type": None, "size": None, "uri": "http://127.0.0.1:9/x"}
    uri = {"uri": "file:///a/report.pdf"}
    assert result.output == ["see", report | uri, [0, 1, 2], link, False], result.error


async def test_media_that_cannot_be_decoded_are_an_error(sandbox: Sandbox) -> None:
    await value(sandbox, "bad.pid")
    assert (await caught(sandbox, "bad.broken_media")).code == "invalid_result"


# --- secrets ---


async def test_a_secret_that_comes_back_is_masked_in_values(sandbox: Sandbox) -> None:
    assert await value(sandbox, "bad.secret") == {"***": ["***"], "n": 1}


@pytest.mark.parametrize("name", ["secret_error", "secret_failure"])
async def test_a_secret_that_comes_back_is_masked_in_errors(sandbox: Sandbox, name: str) -> None:
    assert (await caught(sandbox, f"bad.{name}")).message == "***"


async def test_a_secret_on_stderr_is_masked_in_the_log(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    await value(sandbox, "bad.pid")
    with caplog.at_level(logging.DEBUG):
        await caught(sandbox, "bad.secret_words")
        await soon(lambda: "the token *** was wrong" in caplog.text, "its last words")
    assert SECRET not in caplog.text


# --- beginnings ---


@pytest.mark.sample(1)
@pytest.mark.parametrize("how", ["exit", "mute"])
async def test_a_server_that_does_not_come_up_takes_only_its_own_tools(how: str) -> None:
    server = hostile("--start", how, connect_timeout=500)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(mine, bad=server)) as opened:
        assert list(opened.toolbox.catalogue.bound) == ["mine"]
        code = """
        try { return await tools.bad.find({}) }
        catch (error) { return [error.code, error.retryable, await tools.mine()] }
        """
        for tools in (None, ["mine", "bad.find"]):
            result = await opened.execute(code, tools=tools)
            assert result.output == ["unavailable", True, "mine"], result.error


async def test_code_whose_only_server_is_down_learns_so() -> None:
    server = hostile("--start", "exit", connect_timeout=500)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)) as opened:
        result = await opened.execute("return await tools.bad.find({})")
        assert "its server is not available" in (result.error or "")


async def test_a_tool_and_a_server_of_one_name_are_refused_before_the_server_starts() -> None:
    with pytest.raises(ConfigError, match="a tool and a namespace"):
        Sandbox(tools=Tools(mine, mine=hostile()))


async def test_a_server_that_is_open_cannot_be_opened_twice() -> None:
    server = hostile(required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)) as opened:
        with pytest.raises(ConfigError, match="open already"):
            async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)):
                pass
        assert await opened.call_tool("bad.nothing") == ""


@pytest.mark.sample(1)
@pytest.mark.parametrize("how", ["exit", "mute"])
async def test_nothing_starts_without_a_server_that_is_required(how: str) -> None:
    before = descendants(os.getpid())
    server = hostile("--start", how, connect_timeout=500, required=True)
    with pytest.raises(UpstreamUnavailableError, match="'bad' is required"):
        async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(mine, bad=server)):
            pass
    await soon(lambda: set(descendants(os.getpid())) <= set(before), "the end of all processes")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"command": ["/does/not/exist"]}, "its command '/does/not/exist' was not found$"),
        (
            {"command": "python -m mcp_server_time"},
            "'python -m mcp_server_time' was not found; put the arguments into args",
        ),
        ({"command": "sh", "cwd": "/not/there"}, "the folder .*'/not/there', was not found"),
    ],
)
async def test_what_a_server_lacks_to_start_is_named(options: dict[str, Any], words: str) -> None:
    server = McpUpstream(**options, required=True)
    with pytest.raises(UpstreamUnavailableError, match=words):
        await server.open("bad")


async def test_a_server_that_keeps_failing_for_one_reason_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = McpUpstream(command=["/does/not/exist"])
    with caplog.at_level(logging.INFO, "onehop.upstreams"):
        try:
            await server.open("bad")
            await soon(lambda: len(_attempts(caplog)) > 2, "three attempts")
        finally:
            await server.aclose()
    levels = [each.levelname for each in _attempts(caplog)]
    assert levels == ["WARNING", *["INFO"] * (len(levels) - 1)]
    assert "0.0 s" not in caplog.text


def _attempts(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if "was not found" in each.getMessage()]


async def test_a_secret_that_is_not_there_is_named_and_its_server_not_started() -> None:
    server = hostile(env={"TOKEN": "env:NOT_THERE"}, required=True)
    with pytest.raises(UpstreamUnavailableError, match="no variable NOT_THERE"):
        await server.open("bad")


@pytest.mark.sample(1)
@pytest.mark.parametrize("how", ["endless", "many", "wrong", "mute"])
async def test_a_list_without_end_or_sense_has_no_tools(how: str) -> None:
    server = hostile("--list", how, connect_timeout=2000, required=True)
    with pytest.raises(UpstreamUnavailableError, match=r"it lists|did not list"):
        await server.open("bad")


async def test_tools_that_cannot_be_used_take_no_other_with_them() -> None:
    server = hostile("--list", "odd", "--start", "garbage", required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)) as opened:
        names = {bound.member for bound in opened.toolbox.catalogue.bound.values()}
        assert names == {
            "no schema", "true", "then_", "constructor", "__proto__", "a.b", "a-b", "a_b", "talker",
            "hinted", "shaped", "pid",
        }  # fmt: skip
        assert opened.toolbox.catalogue.bound["bad.hinted"].effect == "destructive"
        assert len(opened.toolbox.catalogue.bound["bad.talker"].description) <= 8192
        result = await opened.execute("return (await tools.bad.pid()).pid")
        assert result.output in descendants(os.getpid())


# --- ends ---


async def test_no_process_is_left_not_even_what_a_server_has_started() -> None:
    server = hostile(required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)) as opened:
        child = (await opened.call_tool("bad.child"))["pid"]
        own = (await opened.call_tool("bad.pid"))["pid"]
        await opened.call_tool("bad.deaf")
    await soon(lambda: not Path(f"/proc/{own}").exists(), "the end of the server")
    await soon(lambda: _is_gone(child), "the end of its child")


def _is_gone(pid: int) -> bool:
    """Or a zombie, which waits for whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_while_a_server_is_down_a_call_says_when_to_try_again(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    server = hostile("--start", "once", env={"MARK": mark}, required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)) as opened:
        await caught(opened, "bad.half")

        async def is_refused() -> bool:
            error = await caught(opened, "bad.pid")
            return error.code == "unavailable" and error.retryable and (error.retry_after or 0) > 0

        await soon(is_refused, "a pause")
        os.unlink(mark)
        assert (await value(opened, "bad.pid"))["pid"] > 0


async def test_cancelling_a_run_cancels_its_call_and_the_server_stays(sandbox: Sandbox) -> None:
    before = await value(sandbox, "bad.pid")
    running = asyncio.create_task(sandbox.execute("return await tools.bad.hang()"))
    await asyncio.sleep(0.5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await value(sandbox, "bad.pid") == before


# --- changes ---


async def test_a_list_that_changes_is_followed_and_what_is_gone_is_gone(tmp_path: Path) -> None:
    listed = tmp_path / "tools.json"
    any_object = {"type": "object"}
    names = ("grow", "pid")
    listed.write_text(json.dumps([{"name": name, "inputSchema": any_object} for name in names]))
    server = hostile("--list", "file", env={"LIST": str(listed)}, required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(mine, bad=server)) as opened:
        assert set(opened.toolbox.catalogue.bound) == {"mine", "bad.grow", "bad.pid"}
        before = await opened.call_tool("bad.pid")
        await opened.call_tool("bad.grow")
        await soon(lambda: "bad.grown" in opened.toolbox.catalogue.bound, "the new tool")
        assert set(opened.toolbox.catalogue.bound) == {"mine", "bad.grown", "bad.pid"}
        assert (await caught(opened, "bad.grow")).code == "unknown_tool"
        assert await opened.call_tool("bad.pid") == before


async def test_a_list_that_becomes_nonsense_ends_the_connection(tmp_path: Path) -> None:
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps([{"name": name} for name in ("grow", "pid")]))
    server = hostile("--list", "file", env={"LIST": str(listed)}, required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(mine, bad=server)) as opened:
        before = await opened.call_tool("bad.pid")
        await opened.call_tool("bad.grow")
        listed.write_text('"nonsense"')
        await soon(lambda: before["pid"] not in descendants(os.getpid()), "its end")
        assert await opened.call_tool("mine") == "mine"


async def test_a_secret_from_a_file_is_masked_in_descriptions_too(tmp_path: Path) -> None:
    token, listed = tmp_path / "token", tmp_path / "tools.json"
    token.write_text(SECRET + "\n")
    listed.write_text(json.dumps([{"name": "pid", "description": f"It has {SECRET}."}]))
    env = {"TOKEN": f"file:{token}", "LIST": str(listed)}
    async with Sandbox(
        SandboxConfig(pool_size=1), tools=Tools(bad=hostile("--list", "file", env=env))
    ) as opened:
        assert opened.toolbox.catalogue.bound["bad.pid"].description == "It has ***."
