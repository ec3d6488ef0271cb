"""Tasks of others, made into programs and played against a server, on a few tasks of that form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks._compiler import compiled
from benchmarks._complexfunc import Suite, load
from benchmarks._model import Speed
from benchmarks.taskbench import measure

PLACES = [{"name": "Harbour Inn", "id": 91234, "at": {"latitude": 1.5}}, {"name": "Mill", "id": 7}]
ROOMS = {"rooms": [{"price": 80, "note": "x" * 500}] * 9, "key": "k-123456"}


def parameter(kind: str, *, required: bool = True) -> dict[str, Any]:
    return {"type": kind, "description": "", "required": required, "enum": [], "default": None}


SPEC = [
    {"name": "places", "description": "Find.", "query_parameters": {"query": parameter("string")}},
    {
        "name": "rooms(all)",
        "description": "Rooms of a place.",
        "query_parameters": {
            "place": parameter("string"),
            "near": parameter("number", required=False),
        },
    },
    {
        "name": "book",
        "description": "Book.",
        "query_parameters": {"legs": parameter("array"), "key": parameter("string")},
    },
]


def call(label: str, name: str, response: Any, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments, "label": label, "response": response}


def task(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"input": "Rooms near the Old Mill tomorrow, please.", "output": list(calls)}


FIND = call("var1", "places", PLACES, query="Old Mill")
MARKED = task(
    FIND,
    call("var2", "rooms(all)", ROOMS, place="$var1.id$", near="$var1.at.latitude$"),
    call("var3", "places", PLACES, query="Old Mill"),
)
HIDDEN = task(
    FIND,
    call("var2", "rooms(all)", ROOMS, place="91234", near="$var1.at.latitude$"),
    call("var3", "book", {"done": True}, legs=[{"from": "Harbour Inn"}], key="k-123456"),
)
UNPLAYABLE = [
    task(FIND),
    task(FIND, call("var2", "rooms(all)", ROOMS, place="$var1.nothing$")),
    task(FIND, call("var2", "rooms(all)", ROOMS, place="$var9.id$")),
    task(FIND, call("var2", "rooms(all)", ROOMS, near="$var1.at.latitude$")),
]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    data = json.dumps([MARKED, HIDDEN, *UNPLAYABLE])
    (tmp_path / "complexfuncbench-data.json").write_text(data, "utf-8")
    (tmp_path / "complexfuncbench-spec.json").write_text(json.dumps(SPEC), "utf-8")
    return load(tmp_path)


def test_references_become_places_in_earlier_answers(suite: Suite) -> None:
    marked = suite.tasks[0]
    assert compiled(marked, marked.last).splitlines() == [
        "const [r1, r3] = await Promise.all([",
        '  tools.places({query: "Old Mill"}),',
        '  tools.places({query: "Old Mill"}),',
        "]);",
        'const r2 = await tools["rooms(all)"]({place: String(r1[0].id), near: r1[0].at.latitude});',
        "return [r2, r3];",
    ]
    assert marked.marked


def test_a_value_that_only_an_earlier_answer_has_is_not_known_to_the_program(suite: Suite) -> None:
    hidden = suite.tasks[1]
    assert compiled(hidden, hidden.last).splitlines() == [
        'const r1 = await tools.places({query: "Old Mill"});',
        'const r2 = await tools["rooms(all)"]({place: String(r1[0].id), near: r1[0].at.latitude});',
        "const r3 = await tools.book({legs: [{from: r1[0].name}], key: r2.key});",
        "return r3;",
    ]
    assert (hidden.links, hidden.marked) == (3, False)


def test_tasks_that_cannot_be_played_are_counted_with_the_reason(suite: Suite) -> None:
    assert [each.number for each in suite.tasks] == [0, 1]
    assert sorted(suite.left_out) == [
        "have a call that breaks the schema of its own tool",
        "have a reference that leads nowhere",
        "have a reference to a call that is not an earlier one",
        "have no reference",
    ]


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:open_binary is deprecated")  # in bpe_openai
async def test_all_arms_make_the_same_calls_on_a_server(suite: Suite) -> None:
    report = await measure(suite, suite.tasks, Speed(first=1, read=1000, write=100))
    turns = next(table for table in report.tables if table.title.startswith("Turns"))
    assert dict(zip(turns.columns, turns.rows[-1], strict=True)) == {
        "calls": "all",
        "tasks": 2,
        "A": 4.0,
        "A'": 3.5,
        "B-all": 2.0,
        "B-whole": 2.0,
        "B-cut": 2.0,
        "B'": 4.0,
        "B-seen": 4.0,
    }
