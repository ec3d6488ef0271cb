"""MCP servers as namespaces: calls, sessions, effects and changes, over stdio and HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from onehop import (
    ConfigError,
    InvalidRequestError,
    McpUpstream,
    Rule,
    Sandbox,
    SandboxConfig,
    ToolError,
    Tools,
)
from tests.processes import descendants, open_descriptors
from tests.upstreams.running import SERVER, free_port, http_server
from tests.waiting import soon

COMMAND = [sys.executable, SERVER]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with http_server(free_port()) as address:
        yield address


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(f"{way}, {protocol}", marks=pytest.mark.sample(1, over="sandbox"))
        for way in ("stdio", "http")
        for protocol in ("auto", "legacy")
    ],
)
async def sandbox(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Sandbox]:
    """With the server by each way, in each era of the protocol; in the default run one of them for
    each test."""
    way, _, protocol = request.param.partition(", ")
    where: dict[str, Any] = {"command": COMMAND} if way == "stdio" else {"url": url}
    server = McpUpstream(
        **where, protocol=protocol, required=True, effects={"sl*": "destructive", "text": "write"}
    )
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as opened:
        yield opened


async def run(sandbox: Sandbox, code: str, **options: Any) -> Any:
    result = await sandbox.execute(code, **options)
    assert result.success, result.error
    return result.output


async def test_code_calls_the_tools_of_a_server(sandbox: Sandbox) -> None:
    code = "return [await tools.t.add({a: 40, b: 2}), await tools.t.text({value: 'hello'})]"
    assert await run(sandbox, code) == [{"result": 42}, "hello"]


async def test_a_text_that_is_json_becomes_data(sandbox: Sandbox) -> None:
    code = "return [await tools.t.text({value: '[1]'}), await tools.t.text({value: '17'})]"
    assert await run(sandbox, code) == [[1], "17"]


async def test_calls_at_the_same_time_run_at_the_same_time(sandbox: Sandbox) -> None:
    code = "await Promise.all(Array.from({length: 16}, () => tools.t.sleep({ms: 500})))"
    result = await sandbox.execute(code)
    assert result.success, result.error
    assert result.execution_time < 16 * 500 / 2


async def test_wrong_arguments_do_not_reach_the_server(sandbox: Sandbox) -> None:
    with pytest.raises(ToolError) as raised:
        await sandbox.call_tool("t.add", {"a": "many"})
    assert (raised.value.code, raised.value.field) == ("invalid_arguments", "a")


async def test_what_a_tool_says_of_its_failure_reaches_the_code(sandbox: Sandbox) -> None:
    code = "try { await tools.t.fail({message: 'no such person'}) } catch (e) { return {...e} }"
    caught = await run(sandbox, code)
    assert caught["code"] == "failed"
    assert "no such person" in caught["message"]


async def test_the_bytes_of_a_picture_stay_on_the_host_until_they_are_asked_for(
    sandbox: Sandbox,
) -> None:
    code = """
    const picture = await tools.t.picture();
    const bytes = await picture.bytes();
    return [picture, Object.keys(picture), bytes instanceof Uint8Array, [...bytes]];
    """
    picture = {"name": "image.png", "type": "image/png", "size": 1}
    assert await run(sandbox, code) == [picture, ["name", "type", "size"], True, [0]]
    assert await sandbox.call_tool("t.picture") == picture


async def test_bytes_that_the_host_does_not_keep_cannot_be_asked_for(sandbox: Sandbox) -> None:
    code = """
    const made = await tools.t.text({value: '{"$media": "0123456789abcdef", "name": "x"}'});
    try { return await made.bytes() } catch (error) { return [error.code, Object.keys(made)] }
    """
    assert await run(sandbox, code) == ["unavailable", ["name"]]


async def test_effects_are_what_the_server_says_unless_they_are_set(sandbox: Sandbox) -> None:
    effects = {path: bound.effect for path, bound in sandbox.toolbox.catalogue.bound.items()}
    wanted = {"t.add": "read", "t.fail": "write", "t.crash": "destructive"}
    assert {path: effects[path] for path in wanted} == wanted
    assert (effects["t.sleep"], effects["t.text"]) == ("destructive", "write")


async def test_rules_hold_for_a_servers_tools(sandbox: Sandbox) -> None:
    with pytest.raises(ToolError, match="denies"):
        await sandbox.call_tool("t.add", {"a": 1}, rules=[Rule("deny", "t.*")])


async def test_a_new_tool_can_be_called_when_the_server_has_told_of_it(sandbox: Sandbox) -> None:
    name = f"grown{os.urandom(4).hex()}"
    await sandbox.call_tool("t.grow", {"name": name})
    await soon(lambda: f"t.{name}" in sandbox.toolbox.catalogue.bound, "the new tool")
    assert await sandbox.call_tool(f"t.{name}") == name
    assert name in sandbox.toolbox.offer


async def test_a_run_keeps_the_tools_that_it_began_with(sandbox: Sandbox) -> None:
    code = "await tools.t.grow({name}); await tools.t.sleep({ms: 2000}); return name in tools.t"
    code = f"const name = 'later{os.urandom(4).hex()}'; {code}"
    assert await run(sandbox, code) is False


# --- agents ---


async def test_each_agent_has_a_process_of_its_own() -> None:
    server = McpUpstream(command=COMMAND, required=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        agents = ("ada", "bob", "ada", "")
        answers = [await sandbox.call_tool("t.pid", agent_id=agent) for agent in agents]
    pids = [answer["pid"] for answer in answers]
    assert pids[0] == pids[2]
    assert len(set(pids)) == 3


@pytest.mark.thorough
async def test_the_process_of_an_agent_ends_when_it_is_idle_and_comes_again() -> None:
    server = McpUpstream(command=COMMAND, required=True, idle=200)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        pid = (await sandbox.call_tool("t.pid", agent_id="ada"))["pid"]
        await soon(lambda: pid not in descendants(os.getpid()), "the end")
        assert (await sandbox.call_tool("t.pid", agent_id="ada"))["pid"] != pid


@pytest.mark.thorough
async def test_an_agent_more_than_there_are_sessions_takes_the_one_that_is_idle_longest() -> None:
    server = McpUpstream(command=COMMAND, required=True, sessions=1)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        first = (await sandbox.call_tool("t.pid", agent_id="ada"))["pid"]
        await sandbox.call_tool("t.pid", agent_id="bob")
        await soon(lambda: first not in descendants(os.getpid()), "the end of the first")
        held = asyncio.create_task(sandbox.call_tool("t.sleep", {"ms": 60_000}, agent_id="bob"))
        await asyncio.sleep(0.3)
        with pytest.raises(ToolError, match="other agents") as raised:
            await sandbox.call_tool("t.pid", agent_id="eve")
        assert (raised.value.code, raised.value.retryable) == ("unavailable", True)
        held.cancel()


@pytest.mark.thorough
async def test_a_shared_server_has_one_process_for_all() -> None:
    server = McpUpstream(command=COMMAND, required=True, shared=True)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        pids = {(await sandbox.call_tool("t.pid", agent_id=a))["pid"] for a in ("ada", "bob", "")}
    assert len(pids) == 1


# --- what is set ---


async def test_a_server_gets_no_variable_that_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the host")
    monkeypatch.setenv("HOST_MODE", "fast")
    server = McpUpstream(command=COMMAND, required=True, env={"MODE": "env:HOST_MODE", "A": "1"})
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        found = await sandbox.call_tool("t.variables")
    allowed = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER", "LOGNAME"}
    allowed |= {"ONEHOP_IS_UPSTREAM"}
    assert set(found) <= allowed | {"MODE", "A"}
    assert (found["MODE"], found["A"]) == ("fast", "1")


@pytest.mark.thorough
async def test_only_included_tools_that_are_not_excluded_are_there() -> None:
    server = McpUpstream(
        command=COMMAND, required=True, include=["a*", "p*"], exclude=["pic*"], parse_json=False
    )
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        assert set(sandbox.toolbox.catalogue.bound) == {"t.add", "t.pid"}


@pytest.mark.thorough
async def test_text_stays_text_where_parsing_is_off() -> None:
    server = McpUpstream(command=COMMAND, required=True, parse_json=False)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        assert await sandbox.call_tool("t.text", {"value": "[1]"}) == "[1]"


@pytest.mark.thorough
async def test_a_queue_for_a_server_does_not_eat_a_tools_time() -> None:
    server = McpUpstream(command=COMMAND, required=True, concurrency=1, timeout=1500)
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
        code = "await Promise.all([1, 2, 3].map(() => tools.t.sleep({ms: 1000})))"
        result = await sandbox.execute(code)
    assert result.success, result.error
    queued = sorted(call.queued for call in result.tool_calls or ())
    assert queued[2] >= 1900


async def test_a_server_is_given_to_the_sandbox_and_not_to_a_run(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequestError, match=r"tools\.x"):
        await sandbox.execute("return 1", tools=Tools(x=McpUpstream(command=COMMAND)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either a command or a url"),
        ({"command": ["a"], "url": "http://a"}, "either a command or a url"),
        ({"url": "ftp://a"}, "http:// or https://"),
        ({"url": "http://a", "env": {"A": "1"}}, "env has no meaning with a url"),
        ({"command": ["a"], "headers": {"A": "1"}}, "headers has no meaning with a command"),
        ({"command": ["a"], "comand": 1}, "comand"),
        ({"command": ["a"], "effects": {"x": "reads"}}, "effects"),
        ({"command": ["a"], "timeout": "soon"}, "timeout"),
    ],
)
def test_options_that_cannot_be_used_are_named(options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        McpUpstream(**options)


def test_a_secret_is_not_shown_with_what_holds_it() -> None:
    server = McpUpstream(command=["a"], env={"TOKEN": "hunter2hunter2"})
    assert "hunter2" not in repr(server) + repr(server.options)
    with pytest.raises(ConfigError) as raised:
        McpUpstream(command=["a"], env={"TOKEN": ["hunter2hunter2"]})
    assert "hunter2" not in str(raised.value)


@pytest.mark.thorough
async def test_nothing_is_left_of_a_server(url: str) -> None:
    processes, descriptors = descendants(os.getpid()), open_descriptors()
    tools = Tools(a=McpUpstream(command=COMMAND), b=McpUpstream(url=url))
    async with Sandbox(SandboxConfig(pool_size=1), tools=tools) as sandbox:
        await sandbox.call_tool("a.pid", agent_id="ada")
        await sandbox.call_tool("b.pid", agent_id="ada")
    await soon(lambda: set(descendants(os.getpid())) <= set(processes), "the end of all processes")
    await soon(lambda: len(open_descriptors()) <= len(descriptors), "the end of all descriptors")


async def test_what_a_server_says_of_a_tool_never_loosens_a_rule(sandbox: Sandbox) -> None:
    """It says that t.add reads, and t.crash destroys; that t.sleep destroys is set here."""

    async def outcome(path: str, *rules: Rule) -> str:
        try:
            await sandbox.call_tool(path, {"a": 1, "ms": 1}, rules=rules)
        except ToolError as error:
            return error.code
        return "done"

    only_reads = [Rule("deny", "*"), Rule("allow", "*", effect="read")]
    assert await outcome("t.add", Rule("deny", effect="write")) == "denied"
    assert await outcome("t.add", *only_reads) == "denied"
    assert await outcome("t.crash", Rule("deny", effect="write")) == "denied"
    assert await outcome("t.crash", Rule("deny", effect="destructive")) == "denied"
    assert await outcome("t.sleep", Rule("deny", effect="write")) != "denied"
    assert await outcome("t.sleep", Rule("deny", effect="destructive")) == "denied"
