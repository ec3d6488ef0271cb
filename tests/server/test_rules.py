"""Rules of agents over HTTP and by the command line."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from onehop import ExecutionResult, InvalidRequestError, Rule
from onehop.client import AgentClient, SyncAgentClient
from tests import copies
from tests.copies import ONEHOP
from tests.sampling import some
from tests.server.served import Served, run

SHOP = '''
from onehop import tool

@tool(effect="read")
def find(name: str) -> str:
    """Find a customer."""
    return f"{name} is here"

@tool
def pay(to: str, amount: float) -> str:
    """Pay somebody."""
    return f"{to} has {amount:g} more"
'''
PAY = "return await tools.pay({ to: 'ada', amount: 6 }).catch((error) => error.code)"
RULE = {"action": "deny", "tool": "pay", "when": "amount > 5"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with two tools."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    deny = "sell"
    with Served(folder, "--tools", str(folder / "shop.py"), ONEHOP_TOOLS_DENY=deny) as server:
        yield server


@pytest.fixture(scope="module")
def root(shop: Served) -> Iterator[httpx2.Client]:
    """Who may do everything."""
    with shop.client(shop.key("root", "admin")) as client:
        yield client


def put(client: httpx2.Client, agent_id: str, rules: Any) -> httpx2.Response:
    return client.put(f"/api/v1/agents/{agent_id}/rules", json={"rules": rules})


def test_an_admin_sets_rules_and_they_count_at_once(shop: Served, root: httpx2.Client) -> None:
    with shop.client(shop.key("ada")) as ada:
        assert run(ada, PAY).json()["output"] == "ada has 6 more"
        assert put(root, "ada", [RULE]).json() == {
            "agentId": "ada",
            "rules": [RULE],
            "warnings": [],
        }
        assert run(ada, PAY).json()["output"] == "denied"
        assert root.get("/api/v1/agents/ada/rules").json()["rules"] == [RULE]
        assert put(root, "ada", []).status_code == 200
        assert run(ada, PAY).json()["output"] == "ada has 6 more"


def test_an_agent_is_made_with_rules(shop: Served, root: httpx2.Client) -> None:
    body = {"agentId": "made", "rules": [{"action": "deny", "tool": "pay"}]}
    key = root.post("/api/v1/agents", json=body).json()["key"]
    with shop.client(key) as made:
        assert run(made, PAY).json()["output"] == "denied"
        paths = [each["path"] for each in made.get("/api/v1/tools?query=pay").json()["tools"]]
        assert "pay" not in paths
    found = root.get("/api/v1/tools?names=pay").json()["tools"]
    assert [each["path"] for each in found] == ["pay"]


def test_rules_are_for_admins(shop: Served) -> None:
    with shop.client(shop.key("bob")) as bob:
        assert bob.get("/api/v1/agents/bob/rules").status_code == 403
        assert put(bob, "bob", []).status_code == 403


def test_there_are_no_rules_of_nobody(root: httpx2.Client) -> None:
    assert root.get("/api/v1/agents/nobody/rules").status_code == 404
    assert put(root, "nobody", []).status_code == 404


@pytest.mark.parametrize(
    ("rules", "field", "words"),
    [
        ([{"actoin": "deny"}], "rules[0].actoin", "did you mean action?"),
        ([RULE, {**RULE, "effect": "raed"}], "rules[1].effect", "did you mean read?"),
        ([{**RULE, "when": "amount = 5"}], "rules[0].when", "for = write =="),
        ([{"action": "deny", "tool": " pay"}], "rules[0].tool", "leave out the space"),
        ([{"tool": "pay"}], "rules[0].action", "one of allow, ask, deny"),
        ([{"deny": ["pay"]}], "rules[0].deny", "one of action, tool, effect, when"),
        ({"deny": ["pay"]}, "rules", "a list of rules"),
        (None, "rules", "a list of rules"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place_and_the_right_spelling(
    root: httpx2.Client, rules: Any, field: str, words: str
) -> None:
    answer = put(root, "root", rules)
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (400, field)
    assert words in error["message"]


def test_a_rule_that_concerns_no_tool_is_kept_with_a_warning(root: httpx2.Client) -> None:
    body = {"agentId": "slips", "role": "agent"}
    assert root.post("/api/v1/agents", json=body).status_code == 201
    slips = [
        {"action": "deny", "tool": "pai"},
        {"action": "ask", "tool": "pay", "when": "amout > 1"},
    ]
    warnings = put(root, "slips", slips).json()["warnings"]
    assert len(warnings) == 2
    assert "did you mean pay?" in warnings[0]
    assert "(did you mean amount?)" in warnings[1]
    assert len(root.get("/api/v1/agents/slips/rules").json()["rules"]) == 2


def test_a_server_logs_which_of_its_own_rules_concern_no_tool(shop: Served) -> None:
    line = shop.logged(lambda line: "deny sell" in str(line.get("message")))
    assert line["level"] == "warning"


def command(shop: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    return copies.run(
        [*ONEHOP, "agents", *arguments],
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_command_line_shows_and_sets_rules(shop: Served, tmp_path: Path) -> None:
    key = command(shop, "add", "carl").stdout.strip()
    assert "has no rules of its own" in command(shop, "rules", "carl").stderr
    texts = ("ask find effect read", "deny pay when amount > 5")
    assert command(shop, "rules", "carl", *texts).stdout.splitlines() == list(texts)
    told = json.loads(command(shop, "rules", "carl", "--json").stdout)
    assert told == [{"action": "ask", "tool": "find", "effect": "read"}, RULE]
    with shop.client(key) as carl:
        assert run(carl, PAY).json()["output"] == "denied"
    wrong = command(shop, "rules", "carl", "deny pay", "deny pay whne amount > 5")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "rule 2" in wrong.stderr
    assert "whne" in wrong.stderr
    assert command(shop, "rules", "carl").stdout.splitlines() == list(texts)
    assert command(shop, "rules", "carl", "--clear").returncode == 0
    assert "no rules" in command(shop, "rules", "carl").stderr
    assert command(shop, "rules", "nobody").returncode == 2


# --- tools and rules of one run

BOTH = """
const ended = await Promise.allSettled([
  tools.find({ name: "ada" }), tools.pay({ to: "ada", amount: 6 })
]);
return ended.map((each) => each.value ?? each.reason.code);
"""
FOUND = "ada is here"
PAID = "ada has 6 more"
NARROWED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [FOUND, PAID]),
    ({"tools": None, "rules": None}, [FOUND, PAID]),
    ({"tools": ["find"]}, [FOUND, "unknown_tool"]),
    ({"tools": ["p*", "f*"]}, [FOUND, PAID]),
    ({"rules": [{"action": "deny", "tool": "*", "effect": "write"}]}, [FOUND, "denied"]),
    ({"rules": [RULE], "tools": ["pay"]}, ["unknown_tool", "denied"]),
]
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"tools": ["fnid"]}, "tools", "find"),
    ({"tools": ["no.*"]}, "tools", "the name of a tool, or a glob"),
    ({"tools": "find"}, "tools", "a list"),
    ({"tools": ["find", ""]}, "tools[1]", "a tool's name"),
    ({"tools": ["find", {"name": "x"}]}, "tools[1]", "a tool's name"),
    ({"tools": ["x"] * 1001}, "tools", "1001 names"),
    ({"rules": {"deny": ["*"]}}, "rules", "a list of rules"),
    ({"rules": [{"action": "deny", "effect": "wirte"}]}, "rules[0].effect", "did you mean write?"),
]


@pytest.fixture(scope="module")
def carol(shop: Served) -> Iterator[httpx2.Client]:
    """An agent without rules of its own."""
    with shop.client(shop.key("carol")) as client:
        yield client


@pytest.mark.sample(2)
@pytest.mark.parametrize(("more", "expected"), NARROWED)
def test_a_run_over_http_has_its_own_tools_and_rules(
    carol: httpx2.Client, more: dict[str, Any], expected: list[str]
) -> None:
    body = {"code": BOTH, **more}
    assert carol.post("/api/v1/execute", json=body).json()["output"] == expected
    streamed = carol.post("/api/v1/execute", json=body, headers={"Accept": "text/event-stream"})
    result = json.loads(streamed.text.rsplit("data: ", 1)[1])
    assert result["output"] == expected


def test_without_tools_there_are_none(carol: httpx2.Client) -> None:
    body = {"code": "return tools.$list()", "tools": []}
    assert carol.post("/api/v1/execute", json=body).json()["output"] == []


@pytest.mark.parametrize(("more", "field", "words"), REFUSED)
def test_what_cannot_narrow_a_run_is_refused_before_it_starts(
    carol: httpx2.Client, more: dict[str, Any], field: str, words: str
) -> None:
    answer = carol.post("/api/v1/execute", json={"code": "return 1", **more})
    error = answer.json()["error"]
    status = 404 if field == "tools" and "or a glob" in error["message"] else 400
    assert (answer.status_code, error["field"]) == (status, field)
    assert words in error["message"]


def test_a_run_cannot_widen_what_its_agent_may(shop: Served) -> None:
    async def bound(agents: Any) -> str:
        return str((await agents.add("bound", rules={"deny": ["pay"]})).key)

    with shop.client(asyncio.run(shop.agents(bound))) as client:
        body = {"code": BOTH, "tools": ["*"], "rules": [{"action": "allow", "tool": "pay"}]}
        assert client.post("/api/v1/execute", json=body).json()["output"] == [FOUND, "denied"]
        near = client.post("/api/v1/execute", json={"code": "return 1", "tools": ["pya"]})
        assert "no tool has a name like it" in near.json()["error"]["message"]


async def test_a_run_over_mcp_has_its_own_tools_and_rules(
    shop: Served, carol: httpx2.Client
) -> None:
    headers = {"Authorization": carol.headers["authorization"]}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(f"{shop.url}/mcp", http_client=http)
        async with Client(transport) as client:
            for more, expected in some(NARROWED, 2):
                meta: Any = {f"onehop/{name}": value for name, value in more.items()}
                answer = await client.call_tool("code_execute", {"code": BOTH}, meta=meta)
                assert answer.structured_content is not None
                assert answer.structured_content["output"] == expected
            for more, field, words in some(REFUSED, 2):
                meta = {f"onehop/{name}": value for name, value in more.items()}
                answer = await client.call_tool("code_execute", {"code": BOTH}, meta=meta)
                assert answer.is_error
                assert answer.meta is not None
                assert answer.meta["onehop/error"]["field"] == field
                assert words in answer.meta["onehop/error"]["message"]


async def test_an_agent_sees_over_mcp_what_its_rules_leave_it(shop: Served) -> None:
    async def made(agents: Any) -> str:
        return str((await agents.add("reader", rules={"deny": ["pay"]})).key)

    key = await shop.agents(made)
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        transport = streamable_http_client(f"{shop.url}/mcp", http_client=http)
        async with Client(transport) as client:
            execute = (await client.list_tools()).tools[0]
            assert execute.annotations is not None
            assert execute.annotations.read_only_hint
            assert "pay" not in str(execute.description)
            found = await client.call_tool("code_tools", {"query": "pay somebody"})
            assert "pay" not in str(found.structured_content)


async def test_the_client_narrows_a_run(shop: Served, carol: httpx2.Client) -> None:
    key = carol.headers["authorization"].split()[1]
    async with AgentClient(server_url=shop.url, api_key=key) as client:
        for more, expected in some(NARROWED, 2):
            assert (await client.execute(BOTH, **more)).output == expected
        rule = Rule("deny", "pay")
        for rules in ([rule], {"deny": ["pay"]}):
            assert (await client.execute(BOTH, rules=rules)).output == [FOUND, "denied"]
            async with client.stream(BOTH, tools=["*"], rules=rules) as feed:
                (result,) = [item async for item in feed]
            assert isinstance(result, ExecutionResult)
            assert result.output == [FOUND, "denied"]
        with pytest.raises(InvalidRequestError, match="did you mean deny"):
            await client.execute(BOTH, rules={"dney": ["pay"]})
        with pytest.raises(InvalidRequestError, match="a list of names"):
            await client.execute(BOTH, tools="find")
        with pytest.raises(InvalidRequestError, match="fnid"):
            await client.execute(BOTH, tools=["fnid"])


def test_the_blocking_client_narrows_a_run(shop: Served, carol: httpx2.Client) -> None:
    key = carol.headers["authorization"].split()[1]
    with SyncAgentClient(server_url=shop.url, api_key=key) as client:
        result = client.execute(BOTH, tools=["find", "pay"], rules={"deny": ["pay"]})
        assert result.output == [FOUND, "denied"]
        (streamed,) = client.stream(BOTH, tools=["find"])
        assert isinstance(streamed, ExecutionResult)
        assert streamed.output == [FOUND, "unknown_tool"]


def on_the_command_line(shop: Served, *words: str) -> subprocess.CompletedProcess[str]:
    return copies.run(
        [*ONEHOP, "run", "--json", "-c", BOTH, *words],
        env={**shop.environment, "ONEHOP_TOOLS": str(shop.folder / "shop.py")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.mark.thorough
def test_a_run_of_the_command_line_has_its_own_tools_and_rules(shop: Served) -> None:
    words = ("--tools", "f*", "--tools", "pay", "--rule", "deny * effect write")
    assert json.loads(on_the_command_line(shop, *words).stdout)["output"] == [FOUND, "denied"]


@pytest.mark.thorough
def test_a_run_of_the_command_line_with_a_file_of_tools_is_narrowed_by_names(shop: Served) -> None:
    named = on_the_command_line(shop, "--tools", str(shop.folder / "shop.py"), "--tools", "find")
    assert json.loads(named.stdout)["output"] == [FOUND, "unknown_tool"]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("words", "told"),
    [(("--tools", "fnid"), "find"), (("--rule", "deny pay whne amount > 5"), "'whne'")],
)
def test_what_cannot_narrow_a_run_is_refused_on_the_command_line(
    shop: Served, words: tuple[str, ...], told: str
) -> None:
    refused = on_the_command_line(shop, *words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert told in refused.stderr


# --- statistics by tool


@pytest.mark.thorough
async def test_calls_are_counted_by_tool_at_every_door(shop: Served, root: httpx2.Client) -> None:
    code = "await tools.find({ name: 'x' }); return await tools.pay({ to: 'x', amount: 1 })"
    keys = [await asyncio.to_thread(shop.key, name) for name in ("s1", "s2")]
    for key in (keys[0], keys[0], keys[1]):
        with shop.client(key) as client:
            assert run(client, code).json()["success"]

    def asked(client: httpx2.Client, **query: Any) -> list[dict[str, Any]]:
        answer = client.get("/api/v1/analytics/tools", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["tools"]
        return found

    with shop.client(keys[0]) as own:
        assert [(each["tool"], each["calls"]) for each in asked(own)] == [("find", 2), ("pay", 2)]
        assert asked(own)[0]["p95Duration"] > 0
        assert own.get("/api/v1/analytics/tools?agentId=s2").status_code == 403
        stats = own.get("/api/v1/agents/s1/stats").json()
        assert (stats["toolCalls"], stats["avoidedTurns"]) == (4, 2)
    assert [each["calls"] for each in asked(root, agentId="s2")] == [1, 1]
    by_agent = {
        (each["tool"], each["agentId"]): each["calls"] for each in asked(root, byAgent="true")
    }
    assert (by_agent["find", "s1"], by_agent["find", "s2"]) == (2, 1)
    assert asked(root)[0]["agentId"] is None
    assert asked(root, since=4_000_000_000_000) == []
    async with AgentClient(server_url=shop.url, api_key=keys[0]) as s1:
        (found, _) = await s1.tool_stats(by_agent=True)
        assert (found.tool, found.agent_id, found.calls) == ("find", "s1", 2)
        assert (await s1.stats()).avoided_turns == 2
    printed = await asyncio.to_thread(
        copies.run,
        [*ONEHOP, "stats", "s1"],
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Calls of tools" in printed.stdout, printed.stderr
    assert "4 calls in all; the code kept 2 turns" in printed.stdout
