"""Rules of agents over HTTP and by the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

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
    return subprocess.run(
        [sys.executable, "-m", "onehop", "agents", *arguments],
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
