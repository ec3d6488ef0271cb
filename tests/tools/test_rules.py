"""Rules allow, ask about and deny calls: the strictest layer decides, in it the most specific."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import from_regex

from onehop import InvalidRequestError, Rule, Tool, Tools
from onehop.tools import (
    GLOB,
    WHEN,
    Bound,
    Catalogue,
    Policy,
    read_rules,
    rule_from_text,
    rules_from_json,
    rules_to_json,
    stray,
)

pytestmark = pytest.mark.unit

CATALOGUE = Catalogue.of(
    Tools(
        crm=[
            Tool("find", dict, input_schema={}, effect="read"),
            Tool("pay", dict, input_schema={}),
            Tool("drop-all", dict, input_schema={}, effect="destructive"),
            Tool("then", dict, input_schema={}),
        ]
    )
)


def tool(member: str) -> Bound:
    return CATALOGUE.bound[f"crm.{member}"]


def action(rules: Any, member: str = "pay", **arguments: Any) -> str:
    return Policy([read_rules(rules)]).decide(tool(member), arguments).action


def test_without_a_rule_a_tool_is_allowed() -> None:
    decision = Policy([]).decide(tool("pay"), {})
    assert (decision.action, decision.rule) == ("allow", None)


@pytest.mark.parametrize(
    ("rules", "member", "expected"),
    [
        ({"deny": ["crm.*"]}, "pay", "deny"),
        ({"deny": ["crm.*"], "allow": ["crm.pay"]}, "pay", "allow"),
        ({"deny": ["crm.*"], "allow": ["crm.pay"]}, "find", "deny"),
        ({"allow": ["crm.p*"], "ask": ["crm.*y"]}, "pay", "ask"),
        ({"allow": ["crm.pay"], "ask": ["crm.pay"], "deny": ["crm.pay"]}, "pay", "deny"),
        ({"action": "ask", "effect": "destructive"}, "drop-all", "ask"),
        ({"action": "ask", "effect": "destructive"}, "pay", "allow"),
        ({"deny": "CRM.*"}, "pay", "allow"),
        ({"deny": "crm.drop_all"}, "drop-all", "deny"),
        ({"deny": "crm.drop-all"}, "drop-all", "deny"),
        ({"deny": "crm.then"}, "then_", "deny"),
        ({"deny": "crm.then_"}, "then_", "deny"),
        ([Rule("deny"), {"action": "allow", "tool": "crm.?ay"}], "pay", "allow"),
    ],
)
def test_the_most_specific_rule_of_a_layer_decides(rules: Any, member: str, expected: str) -> None:
    assert action(rules, member) == expected


def test_the_strictest_layer_decides_and_is_named() -> None:
    server = read_rules({"ask": ["crm.pay"]})
    agent = read_rules({"allow": ["crm.*"]})
    call = read_rules({"deny": ["*"]})
    for layers in ([server, agent, call], [call, agent, server]):
        decision = Policy(layers).decide(tool("pay"), {})
        assert (decision.action, decision.rule) == ("deny", "deny *")
    decision = Policy([server, agent]).decide(tool("pay"), {})
    assert (decision.action, decision.rule) == ("ask", "ask crm.pay")


@pytest.mark.parametrize(
    ("when", "arguments", "matches"),
    [
        ("amount > 100", {"amount": 101}, True),
        ("amount > 100", {"amount": 100}, False),
        ("amount>100", {"amount": 100.5}, True),
        ("amount >= 100", {"amount": 100}, True),
        ("amount < 1e2", {"amount": 99}, True),
        ("amount <= -1.5", {"amount": -1}, False),
        ("amount == 5", {"amount": 5.0}, True),
        ("amount != 5", {"amount": 5}, False),
        ("amount > 100", {}, True),
        ("amount > 100", {"amount": "5"}, True),
        ("amount > 100", {"amount": None}, True),
        ("amount > 100", {"amount": True}, True),
        ("amount > 100", {"amount": [5]}, True),
        ('to == "me"', {"to": "me"}, True),
        ("to == 'me'", {"to": "you"}, False),
        ('to != "a > b"', {"to": "a > b"}, False),
        ('to < "m"', {"to": "a"}, True),
        ("all == true", {"all": False}, False),
        ("all == true", {"all": 1}, True),
        ("to == null", {"to": None}, True),
        ("to == null", {"to": 5}, False),
        ("to.zip == 1", {"to": {"zip": 2}}, False),
        ("to.zip == 1", {"to": {}}, True),
        ("to.zip == 1", {"to": 5}, True),
        ("rows.1.n > 5", {"rows": [{"n": 9}, {"n": 1}]}, False),
        ("rows.2.n > 5", {"rows": [{"n": 9}, {"n": 1}]}, True),
    ],
)
def test_a_condition_compares_one_field_and_matches_what_it_cannot_judge(
    when: str, arguments: dict[str, Any], matches: bool
) -> None:
    rule = {"action": "deny", "when": when}
    assert action(rule, **arguments) == ("deny" if matches else "allow")


@pytest.mark.parametrize(
    "when",
    [
        *("", "amount", "> 100", "amount >", "amount > 100 > 5", "amount = 5", "a and b == 1"),
        *("amount > abc", "a > [1]", "a == {}", "a > true", "a < null", "a > 1e999", "a > NaN"),
        *("x" * 2000 + " > 1", 5, "a === 1"),
    ],
)
def test_a_condition_that_is_not_one_is_refused(when: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_rules([{"action": "deny"}, {"action": "deny", "when": when}])
    assert caught.value.field == "rules[1].when"


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ("deny", "rules"),
        (5, "rules"),
        ([5], "rules[0]"),
        ([["deny"]], "rules[0]"),
        ({"forbid": ["*"]}, "rules.forbid"),
        ({"deny": 5}, "rules.deny"),
        ({"deny": ["a", 5]}, "rules.deny[1].tool"),
        ({"deny": [""]}, "rules.deny[0].tool"),
        ({"deny": [{"tool": "a", "if": "x > 1"}]}, "rules.deny[0].if"),
        ({"action": "maybe"}, "rules.action"),
        ([{"action": "deny", "effect": "big"}], "rules[0].effect"),
        ([{"action": "deny", "tools": "x"}], "rules[0].tools"),
        ({"deny": ["x"] * 10_001}, "rules"),
    ],
)
def test_a_wrong_rule_is_named_with_its_place(rules: Any, field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_rules(rules)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("rules", "field", "words"),
    [
        ([{"actoin": "deny", "tool": "x"}], "rules[0].actoin", "did you mean action?"),
        ({"dney": ["x"]}, "rules.dney", "did you mean deny?"),
        ({"action": "dney"}, "rules.action", "did you mean deny?"),
        ([{"tool": "x"}], "rules[0].action", "one of allow, ask, deny"),
        ([{}], "rules[0]", "it has no action"),
        ([{"action": "ask", "effect": "wirte"}], "rules[0].effect", "did you mean write?"),
        ([{"action": "ask", "when": "amount = 5"}], "rules[0].when", "for = write =="),
        ([{"action": "ask", "when": "amount === 5"}], "rules[0].when", "for === write =="),
        ([{"action": "ask", "when": "amount => 5"}], "rules[0].when", "for => write >="),
        ([{"action": "ask", "when": "a..b > 5"}], "rules[0].when", "on both sides of each dot"),
        ({"deny": ["$search"]}, "rules.deny[0].tool", "names with $ in front"),
        ({"deny": ["crm.$*"]}, "rules.deny[0].tool", "names with $ in front"),
        ({"deny": ["crm.find "]}, "rules.deny[0].tool", "leave out the space"),
        ({"deny": ["crm.\tx"]}, "rules.deny[0].tool", "what cannot be seen"),
        ({"deny": ["a" * 258]}, "rules.deny[0].tool", "at most 257"),
    ],
)
def test_a_slip_is_refused_with_the_right_spelling(rules: Any, field: str, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_rules(rules)
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("deny *", "allow crm.find", "ask crm.* effect destructive", "ask pay when amount > 100"),
        *("deny crm.p[ai]y effect write when to.zip == 'x y'",),
    ],
)
def test_a_rule_is_read_from_the_text_that_shows_it(text: str) -> None:
    assert str(rule_from_text(text)) == text
    assert rules_from_json(rules_to_json([rule_from_text(text)])) == (rule_from_text(text),)


@pytest.mark.parametrize(
    "text",
    [
        *("", "deny", "forbid x", "deny x y", "deny x when", "deny x effect", "deny x effect big"),
        *("deny x when a > 1 effect read", "deny x whne a > 1", "deny x efect read"),
    ],
)
def test_a_text_that_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="rule"):
        rule_from_text(text)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=from_regex(f"\\A({WHEN})\\Z").filter(lambda text: len(text) <= 1000))
def test_each_text_of_the_form_of_a_condition_is_one(text: str) -> None:
    assert Rule("deny", when=text).is_conditional


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=from_regex(f"\\A{GLOB}\\Z").filter(lambda text: len(text) <= 257))
def test_each_text_of_the_form_of_a_glob_is_one(text: str) -> None:
    assert Rule("deny", text).tool == text


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"deny": ["*", "crm.*", "crm.pay", "crm.drop_all"]}, []),
        ({"deny": ["crm.pya"]}, ["did you mean crm.pay"]),
        ({"deny": ["crm.[z-a]"]}, ["concerns no tool that there is"]),
        ({"deny": ["shop.*"]}, ["concerns no tool that there is"]),
        ({"action": "deny", "tool": "crm.*", "effect": "write"}, []),
        ({"action": "deny", "tool": "shut.*", "when": "anuont > 5"}, ["did you mean amount?"]),
        ({"action": "deny", "tool": "shut.*", "when": "amount.value > 5"}, []),
        ({"action": "deny", "tool": "crm.*", "when": "anything > 5"}, []),
    ],
)
def test_rules_that_concern_no_tool_are_told(rules: Any, words: list[str]) -> None:
    amount = {"properties": {"amount": {}}, "additionalProperties": False}
    shut = Tool("pay", dict, input_schema={"type": "object", **amount})
    crm = [Tool(name, dict, input_schema={}) for name in ("pay", "find", "drop-all")]
    told = stray(read_rules(rules), Catalogue.of(Tools(crm=crm, shut=[shut])))
    assert len(told) == len(words)
    assert all(word in line for word, line in zip(words, told, strict=True))


def test_rules_are_read_in_every_form() -> None:
    rule = Rule("deny", "crm.*")
    by_action = {"deny": "crm.*"}
    fields = {"action": "deny", "tool": "crm.*"}
    for form in (
        rule,
        fields,
        by_action,
        [rule],
        [fields],
        [by_action],
        {"deny": [{"tool": "crm.*"}]},
    ):
        assert read_rules(form) == (rule,)
    assert read_rules(None) == read_rules([]) == read_rules({}) == ()


@pytest.mark.parametrize(
    ("rules", "denied", "asks"),
    [
        ({}, False, False),
        ({"deny": ["crm.*"]}, True, False),
        ({"deny": [{"tool": "*", "when": "a > 1"}]}, False, False),
        ({"deny": ["*", {"tool": "crm.pay", "when": "a > 1"}]}, True, False),
        ({"deny": ["*"], "allow": [{"tool": "crm.pay", "when": "a > 1"}]}, False, False),
        ({"deny": ["*"], "ask": [{"tool": "crm.pay", "when": "a > 1"}]}, False, True),
        ({"ask": ["*"], "allow": ["crm.*"]}, False, False),
    ],
)
def test_discovery_knows_what_is_always_denied_and_what_may_be_asked(
    rules: Any, denied: bool, asks: bool
) -> None:
    policy = Policy([read_rules(rules)])
    assert policy.is_always_denied(tool("pay")) is denied
    assert policy.may_ask(tool("pay")) is asks
