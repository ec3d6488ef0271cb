"""What one finds of the tools that one may call, and of no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from onehop.tools import Bound, Catalogue, Discovery, Policy, Tool, ToolError, Tools, read_rules

pytestmark = pytest.mark.unit

PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def _call(**arguments: Any) -> None:
    raise AssertionError("nobody calls it")


def tool(
    name: str, words: str = "", takes: Mapping[str, Any] | None = None, **options: Any
) -> Tool:
    return Tool(name, _call, words, takes or {"type": "object", "properties": {}}, **options)


def discovery(*rules: Any, root: Any = (), **spaces: list[Tool]) -> Discovery:
    return Discovery(Catalogue.of(Tools(*root, **spaces)), Policy([read_rules(list(rules))]))


def paths(hits: list[dict[str, Any]]) -> list[str]:
    return [hit["path"] for hit in hits]


CRM = [
    tool("find_person", "Finds people.", NAME, output_schema=PERSON, effect="read"),
    tool("delete-person", "Deletes a person for good.", NAME, effect="destructive"),
]
MAIL = [tool("send", "Sends a message to a person.", NAME)]


def test_a_hit_has_what_a_call_needs() -> None:
    assert discovery(crm=CRM, mail=MAIL).search("find a person", limit=1) == [
        {
            "path": "crm.find_person",
            "signature": "crm.find_person(args: {name: string}): Promise<{name: string}>",
            "description": "Finds people.",
            "effect": "read",
            "asks": False,
        }
    ]


def test_a_described_tool_has_its_declarations_and_schemas() -> None:
    found = discovery({"action": "ask", "effect": "destructive"}, crm=CRM)
    described = found.describe("crm.find_person")
    text = described.pop("declarations")
    assert "find_person(args: {name: string}): Promise<{name: string}>;" in text
    assert described == {
        "path": "crm.find_person",
        "inputSchema": NAME,
        "outputSchema": PERSON,
        "effect": "read",
        "asks": False,
    }
    described = found.describe("crm.delete_person")
    assert described["path"] == "crm.delete-person"
    assert "outputSchema" not in described
    assert described["asks"] is True


def test_lists_count_namespaces_and_name_the_tools_of_one() -> None:
    found = discovery(crm=CRM, mail=MAIL, root=[tool("now")])
    assert found.list() == [
        {"namespace": "", "count": 1},
        {"namespace": "crm", "count": 2},
        {"namespace": "mail", "count": 1},
    ]
    assert found.list("crm") == ["crm.delete-person", "crm.find_person"]
    assert found.list("") == ["now"]


def test_a_tool_that_is_always_denied_is_not_found() -> None:
    found = discovery({"deny": ["crm.delete*", "mail.*"]}, crm=CRM, mail=MAIL)
    assert paths(found.search("person")) == ["crm.find_person"]
    assert found.list() == [{"namespace": "crm", "count": 1}]
    assert found.list("crm") == ["crm.find_person"]
    for hidden in ("crm.delete-person", "crm.delete_person", "crm.delete-persons"):
        with pytest.raises(ToolError) as caught:
            found.describe(hidden)
        assert caught.value.code == "unknown_tool"
        assert caught.value.nearest == ["crm.find_person"]
    with pytest.raises(ToolError):
        found.list("mail")


def test_a_tool_that_is_denied_at_times_is_found() -> None:
    rule = {"action": "deny", "tool": "crm.*", "when": 'name == "Ada"'}
    assert discovery(rule, crm=CRM).list() == [{"namespace": "crm", "count": 2}]


def test_denied_tools_take_no_place_of_others() -> None:
    hidden = [tool(f"find_person_{n}", "find person") for n in range(300)]
    found = discovery({"deny": ["hidden.*"]}, hidden=hidden, crm=CRM)
    assert paths(found.search("find person", limit=2)) == ["crm.find_person", "crm.delete-person"]


def test_a_search_can_be_held_to_namespaces() -> None:
    found = discovery(crm=CRM, mail=MAIL)
    assert paths(found.search("person", namespaces=["mail"])) == ["mail.send"]
    assert found.search("person", namespaces=[]) == []
    with pytest.raises(ToolError) as caught:
        found.search("person", namespaces=["crn"])
    assert caught.value.nearest == ["crm"]


def test_what_fits_nothing_finds_nothing() -> None:
    found = discovery(crm=CRM, mail=MAIL)
    for query in ("", " ", "zebra", "🦓", "the", "\ud800", "\x00"):
        assert found.search(query) == []
    assert discovery().search("person") == []
    assert discovery().list() == []


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda found: found.search(7), "query"),
        (lambda found: found.search("a", limit=0), "limit"),
        (lambda found: found.search("a", limit=10**9), "limit"),
        (lambda found: found.search("a", limit=True), "limit"),
        (lambda found: found.search("a", limit="5"), "limit"),
        (lambda found: found.search("a", namespaces="crm"), "namespaces"),
        (lambda found: found.search("a", namespaces=[{}]), "namespaces"),
        (lambda found: found.describe(None), "path"),
        (lambda found: found.list(["crm"]), "namespace"),
    ],
)
def test_a_wrong_argument_is_named(ask: Any, field: str) -> None:
    with pytest.raises(ToolError) as caught:
        ask(discovery(crm=CRM))
    assert (caught.value.code, caught.value.field) == ("invalid_arguments", field)


def test_an_unknown_path_has_bounded_advice() -> None:
    found = discovery(crm=CRM, mail=MAIL)
    with pytest.raises(ToolError) as caught:
        found.describe("crm.find_persn")
    assert caught.value.nearest is not None
    assert caught.value.nearest[0] == "crm.find_person"
    with pytest.raises(ToolError) as caught:
        found.describe("x\n" * 1_000_000)
    assert len(json.dumps(caught.value.to_dict())) < 1000


def test_the_order_does_not_depend_on_the_order_of_the_tools() -> None:
    one = discovery(crm=CRM, mail=MAIL, a=[tool("same"), tool("other_same")])
    two = discovery(a=[tool("other_same"), tool("same")], mail=MAIL, crm=[*reversed(CRM)])
    for query in ("person", "same", "send name"):
        assert one.search(query) == two.search(query)
    assert one.list() == two.list()


def test_equal_hits_come_in_the_order_of_their_paths() -> None:
    spaces = {name: [tool("ping"), tool("pong")] for name in ("c", "a", "b")}
    assert paths(discovery(**spaces).search("ping")) == ["a.ping", "b.ping", "c.ping"]


@pytest.mark.parametrize(
    "query",
    ["findPerson", "find-person", "FIND_PERSON", "finding persons", "crm find", "finds a person?"],
)
def test_words_meet_in_all_their_forms(query: str) -> None:
    assert paths(discovery(crm=CRM, mail=MAIL).search(query))[0] == "crm.find_person"


def test_parameters_and_their_descriptions_are_searched() -> None:
    takes = {"type": "object", "properties": {"cc": {"description": "Recipients of a carbon copy"}}}
    found = discovery(mail=[tool("send", "Sends.", takes), tool("read", "Reads.")])
    assert paths(found.search("carbon")) == ["mail.send"]
    assert paths(found.search("cc")) == ["mail.send"]


def test_the_path_weighs_more_than_the_description() -> None:
    found = discovery(a=[tool("invoice"), tool("other", "Has an invoice, an invoice.")])
    assert paths(found.search("invoice")) == ["a.invoice", "a.other"]


def test_scripts_without_spaces_are_searched() -> None:
    found = discovery(a=[tool("x", "发送邮件"), tool("y", "Größe einer Datei")])
    assert paths(found.search("邮件")) == ["a.x"]
    assert paths(found.search("größe")) == ["a.y"]


def test_texts_of_others_are_bounded_and_on_one_line() -> None:
    words = "First.\n\x1b[31m\u202e" + "word " * 20_000
    schema = {"type": "object", "properties": {f"p{n}": {"description": words} for n in range(8)}}
    found = discovery(a=[tool("x", words, schema)])
    (hit,) = found.search("word")
    assert len(hit["description"]) <= 240
    assert hit["description"].isprintable()
    described = found.describe("a.x")
    assert len(json.dumps(described)) < 100_000
    assert "$comment" in described["inputSchema"]


def test_odd_names_are_reached_as_they_are_shown() -> None:
    names = ["then", "a.b", "constructor", "__proto__", "find person", "🦓", "class", "*/"]
    found = discovery(x=[tool(name) for name in names])
    listed = found.list("x")
    assert len(listed) == len(names)
    assert "x.then_" in listed
    for path in listed:
        assert isinstance(path, str)
        assert found.describe(path)["path"] == path
        assert json.loads(json.dumps(found.describe(path)))


def test_an_index_is_shared_with_fewer_tools_and_not_with_others() -> None:
    catalogue = Catalogue.of(Tools(crm=CRM, mail=MAIL))
    whole = Discovery(catalogue, Policy([]))
    part = Discovery(catalogue.granted(["crm.*"]), Policy([]), whole)
    assert part.index is whole.index
    assert paths(part.search("find person")) == ["crm.find_person", "crm.delete-person"]
    added = Discovery(catalogue.granted(["mail.*", tool("person")]), Policy([]), whole)
    assert added.index is not whole.index
    assert paths(added.search("person")) == ["person", "mail.send"]


def test_an_alias_of_several_names_those_that_one_may_call() -> None:
    found = discovery({"deny": ["x.a.b"]}, x=[tool("a.b"), tool("a-b")])
    with pytest.raises(ToolError) as caught:
        found.describe("x.a_b")
    assert caught.value.nearest == ["x.a-b"]


def test_all_answers_are_json() -> None:
    odd = {"type": "object", "properties": {"a": {"default": float("nan")}, "b": {"const": None}}}
    found = discovery(a=[tool("x", "words", odd)])
    for answer in (found.search("words"), found.describe("a.x"), found.list(), found.list("a")):
        assert json.dumps(answer)


def test_each_bound_tool_can_be_declared() -> None:
    """What declarations ask for is what a catalogue has."""
    (bound,) = Catalogue.of(Tools(tool("now"))).bound.values()
    assert isinstance(bound, Bound)
    assert (
        "now(args?: {})"
        in Discovery(Catalogue.of(Tools(tool("now"))), Policy([])).describe("now")["declarations"]
    )
