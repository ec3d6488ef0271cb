"""Tools are found by their names, by aliases that are unique, and what is near is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onehop import ConfigError, InvalidRequestError, Tool, ToolError, Tools
from onehop.tools import Catalogue

pytestmark = pytest.mark.unit


def named(*names: str) -> list[Tool]:
    return [Tool(name, dict, input_schema={}) for name in names]


def paths(catalogue: Catalogue) -> list[str]:
    return list(catalogue.bound)


CRM = Catalogue.of(
    Tools(
        *named("now", "find-root"),
        **{"crm": named("find_person", "find-company", "then"), "my-files": named("a.b", "2fa")},
    )
)


@pytest.mark.parametrize(
    ("namespace", "member", "path"),
    [
        ("", "now", "now"),
        ("", "find-root", "find-root"),
        ("", "find_root", "find-root"),
        ("crm", "find_person", "crm.find_person"),
        ("crm", "find-company", "crm.find-company"),
        ("crm", "find_company", "crm.find-company"),
        ("crm", "then_", "crm.then_"),
        ("my-files", "a.b", "my-files.a.b"),
        ("my_files", "a_b", "my-files.a.b"),
        ("my_files", "_2fa", "my-files.2fa"),
    ],
)
def test_a_tool_is_found_by_its_name_and_its_alias(namespace: str, member: str, path: str) -> None:
    found = CRM.find(namespace, member)
    assert found is not None
    assert found.path == path
    assert CRM.find_path(f"{namespace}.{member}" if namespace else member) is found


@pytest.mark.parametrize(
    ("namespace", "member"),
    [
        ("", "crm"),
        ("crm", "then"),
        ("crm", "now"),
        ("", ""),
        ("no", "now"),
        ("crm", ""),
        ("", "Now"),
    ],
)
def test_what_is_not_there_is_not_found(namespace: str, member: str) -> None:
    assert CRM.find(namespace, member) is None


def test_a_tool_named_then_keeps_its_own_name() -> None:
    found = CRM.find("crm", "then_")
    assert found is not None
    assert (found.path, found.tool.name) == ("crm.then_", "then")


def test_an_alias_of_two_names_both() -> None:
    catalogue = Catalogue.of(Tools(x=named("a-b", "a.b", "a c")))
    with pytest.raises(ToolError) as caught:
        catalogue.find("x", "a_b")
    assert caught.value.code == "unknown_tool"
    assert caught.value.nearest == ["x.a-b", "x.a.b"]
    assert "x.a-b or x.a.b" in caught.value.message
    assert catalogue.find("x", "a_c") is not None


def test_a_name_goes_before_an_alias() -> None:
    catalogue = Catalogue.of(Tools(x=named("a-b", "a_b")))
    found = catalogue.find("x", "a_b")
    assert found is not None
    assert found.path == "x.a_b"


def test_two_namespaces_of_one_alias_are_named() -> None:
    catalogue = Catalogue.of(Tools(**{"a-b": named("x"), "a b": named("x")}))
    with pytest.raises(ToolError, match="a-b or a b"):
        catalogue.find_path("a_b.x")
    assert catalogue.find_path("a-b.x") is not None


def test_the_names_for_the_guest_are_json() -> None:
    assert json.loads(CRM.names_json()) == {
        "roots": ["now", "find-root"],
        "namespaces": {
            "crm": ["find_person", "find-company", "then_"],
            "my-files": ["a.b", "2fa"],
        },
        "aliases": {
            "": {"find_root": "find-root", "my_files": "my-files"},
            "crm": {"find_company": "find-company"},
            "my-files": {"a_b": "a.b", "_2fa": "2fa"},
        },
    }
    assert CRM.names_json() is CRM.names_json()


ODD = [
    "__proto__",
    "constructor",
    "toString",
    "class",
    "a.b",
    "\U0001f600",
    "größe",
    "x" * 128,
    "a b",
]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_works(name: str) -> None:
    catalogue = Catalogue.of(Tools(*named(name), ns=named(name)))
    for path in (name, f"ns.{name}"):
        found = catalogue.find_path(path)
        assert found is not None
        assert found.path == path
    names = json.loads(catalogue.names_json())
    assert names["roots"] == names["namespaces"]["ns"] == [name]


@pytest.mark.parametrize(
    "name", ["", "$search", "$", "a\nb", " a", "a\x00", "x" * 129, "\u202e", "\ud800"]
)
def test_a_bad_name_is_refused_with_the_reason(name: str) -> None:
    for tools in ({"ns": named(name)}, {name: named("x")}):
        with pytest.raises(ConfigError, match="name"):
            Catalogue.of(Tools(**tools))


@pytest.mark.parametrize("name", ["a.b", "then"])
def test_a_namespace_that_reads_as_something_else_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="use another name"):
        Catalogue.of(Tools(**{name: named("x")}))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tools(*named("a", "a")), "tools.a: two tools have this name"),
        (lambda: Tools(x=named("then", "then_")), "tools.x.then_: two tools have this name"),
        (lambda: Tools(*named("x"), x=named("y")), "tools.x: it is a tool and a namespace"),
        (lambda: Tools(*named("x.y"), x=named("y")), "tools.x.y: two tools have this path"),
        (
            lambda: Tools(Tools(x=named("a")), x=named("b")),
            "tools.x: two namespaces have this name",
        ),
        (lambda: Tools(x=Tools(y=named("a"))), "cannot have namespaces in it"),
        (lambda: Tools(x=3), "a namespace is a list of functions"),
        (lambda: Tools(x=[3]), "tools.x: got 3; it must be a function or a Tool"),
        (lambda: Tool("x", dict, effect="rad"), "must be one of read, write, destructive"),  # type: ignore[arg-type]
        (lambda: Tool("x", 3), "3 cannot be called"),  # type: ignore[arg-type]
        (lambda: "crm.*", "must be a list of functions and Tool objects"),
    ],
)
def test_what_does_not_compose_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Catalogue.of(make())
    assert message in str(caught.value)


def test_tools_are_put_together() -> None:
    files = Tools(*named("now"), files=named("read"))
    catalogue = Catalogue.of(Tools(files, crm=Tools(*named("find"))))
    assert paths(catalogue) == ["now", "files.read", "crm.find"]


@pytest.mark.parametrize("given", [None, [], Tools()])
def test_nothing_is_an_empty_catalogue(given: Any) -> None:
    empty = Catalogue.of(given)
    assert len(empty) == 0
    assert json.loads(empty.names_json()) == {"roots": [], "namespaces": {}, "aliases": {"": {}}}
    assert empty.nearest("x") == []


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("crm.findPerson", "crm.find_person"),
        ("crm.fnid_person", "crm.find_person"),
        ("find_person", "crm.find_person"),
        ("other.find_person", "crm.find_person"),
        ("crm.find_compny", "crm.find-company"),
        ("nwo", "now"),
    ],
)
def test_the_nearest_name_is_found(path: str, first: str) -> None:
    assert CRM.nearest(path)[0] == first
    assert len(CRM.nearest(path)) <= 3


def test_names_that_are_hidden_are_not_near() -> None:
    near = CRM.nearest("crm.find", keep=lambda one: one.path != "crm.find_person")
    assert near
    assert "crm.find_person" not in near


def test_the_nearest_of_many_tools_is_found_whatever_is_asked() -> None:
    catalogue = Catalogue.of(Tools(x=named(*(f"do_{n}" for n in range(3000)), "find_person")))
    assert catalogue.nearest("x.find_persn")[0] == "x.find_person"
    for odd in ("", "." * 100_000, "x" * 1_000_000, "\ud800", "$"):
        assert len(catalogue.nearest(odd)) <= 3


def found(**more: Any) -> int:
    return len(more)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, paths(CRM)),
        ([], []),
        (["now"], ["now"]),
        (["crm.*"], ["crm.find_person", "crm.find-company", "crm.then_"]),
        (["crm.find*", "now", "crm.find_person"], ["crm.find_person", "crm.find-company", "now"]),
        (["crm.find_company"], ["crm.find-company"]),
        ([found], ["found"]),
        (Tools(x=[found]), ["x.found"]),
        (["now", found], ["now", "found"]),
        (["*", found], [*paths(CRM), "found"]),
    ],
)
def test_a_call_is_granted_what_it_names(wanted: Any, expected: list[str]) -> None:
    assert sorted(paths(CRM.granted(wanted))) == sorted(expected)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["crm.find_persn"], "crm.find_person"),
        (["zzz.*"], "no tool has a name like it"),
        ([3], "it must be a function or a Tool"),
        ("now", "it must be a list of functions and Tool objects"),
        (3, "it must be a list of functions and Tool objects"),
        (["now", *named("now")], "two tools have this name"),
    ],
)
def test_a_grant_that_cannot_be_is_refused(wanted: Any, message: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        CRM.granted(wanted)
    assert message in str(caught.value)
    assert caught.value.field == "tools"
