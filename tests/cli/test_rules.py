"""Rules of the settings, at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Here

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


def written(folder: Path, *lines: str) -> None:
    (folder / "shop.py").write_text(SHOP)
    (folder / "onehop.toml").write_text("\n".join(["[tools]", 'files = ["shop.py"]', *lines]))


def test_rules_of_the_settings_have_effects_and_conditions(here: Here, tmp_path: Path) -> None:
    written(tmp_path, 'rules = ["deny pay when amount > 5", "ask * effect destructive"]')
    refused = here("tools", "call", "pay", '{"to": "ada", "amount": 6}')
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "deny pay when amount > 5" in refused.stderr
    assert json.loads(here("tools", "call", "pay", '{"to": "ada", "amount": 5}').stdout)
    shown = json.loads(here("config", "show", "--changed", "--json").stdout)
    (rules,) = [each for each in shown if each["setting"] == "rules"]
    assert rules["value"] == ["deny pay when amount > 5", "ask * effect destructive"]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('rules = ["deny pay whne amount > 5"]', ["tools.rules[0]", "'whne'"]),
        ('rules = ["allow *", "dney pay"]', ["tools.rules[1].action", "did you mean deny?"]),
        ('rules = ["deny pay when amount = 5"]', ["tools.rules[0].when", "for = write =="]),
        ('deny = ["pay "]', ["tools.deny[0].tool", "leave out the space"]),
        ('ask = ["$search"]', ["tools.ask[0].tool", "names with $ in front"]),
    ],
)
def test_a_mistyped_rule_of_the_settings_is_a_problem_with_its_line(
    here: Here, tmp_path: Path, line: str, words: list[str]
) -> None:
    written(tmp_path, line)
    checked = here("config", "check")
    assert (checked.exit_code, checked.stdout) == (1, "")
    assert all(word in checked.stderr for word in ["onehop.toml:3", *words])
    for command in (["tools", "list"], ["run", "return 1"]):
        refused = here(*command)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert all(word in refused.stderr for word in words)


def test_a_rule_that_concerns_no_tool_is_told_with_the_list_of_tools(
    here: Here, tmp_path: Path
) -> None:
    written(tmp_path, 'deny = ["fnid", "find", "*"]')
    listed = here("tools", "list")
    assert listed.exit_code == 0
    assert listed.stderr.count("warning") == 1
    assert "'deny fnid' concerns no tool that there is: did you mean find?" in listed.stderr
