"""What of a run becomes a snippet, and which runs and questions are refused, with the reason."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from onehop.errors import (
    InvalidRequestError,
    RunNotFoundError,
    SnippetNotFoundError,
    SnippetRefusedError,
)
from onehop.records import ExecutionRecord
from onehop.sandbox.snippets import Snippets
from onehop.stores.base import Entry
from onehop.stores.memory import MemoryStore
from onehop.testing.records import record as plain_record
from onehop.types import code_hash

pytestmark = [pytest.mark.unit, pytest.mark.asyncio]

CODE = "return context.n + 1"
LONG = "return " + "1 + ".join(["0 "] * 400)


def run(code: str = CODE, **fields: Any) -> ExecutionRecord:
    given = {
        "request_id": "r1",
        "agent_id": "bot",
        "code_hash": code_hash(code),
        "code_length": len(code),
        "code_snippet": code[:500],
        "context_data": {"n": 1},
        "details": {},
        **fields,
    }
    return plain_record(**given)


async def kept(*records: ExecutionRecord) -> Snippets:
    store = MemoryStore()
    await store.append([Entry(each) for each in records])
    return Snippets(store)


async def refusal(snippets: Snippets, name: str = "next", **more: Any) -> str:
    with pytest.raises(SnippetRefusedError) as refused:
        await snippets.save(name, "r1", by="ann", **more)
    assert await snippets.list() == []
    return str(refused.value)


async def test_it_keeps_the_code_the_shape_of_the_context_and_the_tools() -> None:
    context = {"n": 1, "who": {"name": "Ada", "tags": ["x"]}, "at": None}
    details = {"toolSchemas": {"crm.find": "f" * 16}, "toolCalls": [_call("crm.find")]}
    snippets = await kept(run(context_data=context, details=details, description=" Adds\n one. "))
    saved = await snippets.save("next", "r1", by="ann")
    assert (saved.agent_id, saved.name, saved.version) == ("bot", "next", 1)
    assert (saved.code, saved.code_hash, saved.saved_by) == (CODE, code_hash(CODE), "ann")
    assert saved.description == "Adds one."
    assert json.loads(saved.tools) == {"crm.find": "f" * 16}
    schema = json.loads(saved.input_schema)
    assert schema["required"] == ["n", "who", "at"]
    assert schema["properties"]["who"]["properties"]["tags"] == {
        "type": "array",
        "items": {"type": "string"},
    }
    assert "Ada" not in saved.input_schema
    assert await snippets.list() == [saved]
    assert await snippets.show("next") == saved


def _call(tool: str, outcome: str = "ok") -> dict[str, Any]:
    return {"id": "call_1", "tool": tool, "outcome": outcome}


async def test_a_person_may_say_what_it_is_called_with_and_what_it_does() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    snippets = await kept(run())
    saved = await snippets.save(
        "next", "r1", by="ann", input_schema=schema, description="One more.", for_all=True
    )
    assert json.loads(saved.input_schema) == schema
    assert (saved.agent_id, saved.source_agent) == ("", "bot")
    assert saved.description == "One more."


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ([], "a list"),
        ({"type": "array"}, "arguments are an object"),
        ({"type": 3}, "a schema that cannot be used"),
        ({"$ref": "https://example.org/x"}, "a schema that cannot be used"),
        ({"description": "x" * 70_000}, "characters"),
        ({"minimum": float("nan")}, "not JSON"),
    ],
)
async def test_a_schema_that_is_none_is_refused_before_anything_is_kept(
    schema: Any, words: str
) -> None:
    snippets = await kept(run())
    with pytest.raises(InvalidRequestError) as refused:
        await snippets.save("next", "r1", by="ann", input_schema=schema)
    assert refused.value.field == "inputSchema"
    assert words in str(refused.value)
    assert await snippets.list() == []


async def test_a_run_that_failed_or_needs_a_session_cannot_be_saved() -> None:
    failed = await kept(run(success=False, error="TypeError: no"))
    assert "has failed (TypeError: no)" in await refusal(failed)
    session = await kept(run(details={"session": "s1"}))
    assert "a call of the session 's1'" in await refusal(session)


async def test_a_record_that_does_not_say_what_its_tools_were_like_is_refused() -> None:
    old = await kept(run(details={"toolCalls": [_call("crm.find")]}))
    assert "crm.find was like then" in await refusal(old)
    denied = await kept(run(details={"toolCalls": [_call("crm.find", "denied")]}))
    assert json.loads((await denied.save("next", "r1", by="ann")).tools) == {}


async def test_only_code_that_is_whole_is_saved() -> None:
    cut = await kept(run(LONG))
    assert "does not have the whole code" in await refusal(cut)
    assert "its hash is" in await refusal(cut, code=LONG + " ")
    assert (await cut.save("next", "r1", by="ann", code=LONG)).code == LONG
    masked = await kept(run(code_snippet="return [masked]"))
    assert "was masked" in await refusal(masked)
    ran = {"code": LONG, "hash": code_hash(LONG)}
    whole = await kept(run(LONG, details={"ran": ran}))
    assert (await whole.save("next", "r1", by="ann")).code == LONG
    tampered = await kept(run(LONG, details={"ran": {**ran, "code": "return 0"}}))
    assert "does not have the whole code" in await refusal(tampered)


async def test_code_that_was_corrected_is_saved_as_it_ran() -> None:
    ran = {"code": "return 1", "hash": code_hash("return 1")}
    snippets = await kept(run("1", details={"ran": ran}))
    assert "was corrected before it ran" in await refusal(snippets, code="1")
    assert (await snippets.save("next", "r1", by="ann")).code == "return 1"


async def test_a_name_that_is_taken_needs_to_be_replaced() -> None:
    snippets = await kept(run(), run("return 2", request_id="r2"))
    first = await snippets.save("next", "r1", by="ann")
    with pytest.raises(SnippetRefusedError, match=r"there already \(version 1, saved by ann"):
        await snippets.save("next", "r2", by="bob")
    second = await snippets.save("next", "r2", by="bob", replace=True)
    assert (second.version, second.code) == (2, "return 2")
    assert first.version == 1
    assert await snippets.list("bot") == [second]


async def test_to_save_the_same_again_changes_nothing() -> None:
    snippets = await kept(run())
    first = await snippets.save("next", "r1", by="ann")
    assert await snippets.save("next", "r1", by="bob") == first
    assert await snippets.save("next", "r1", by="bob", replace=True) == first


async def test_of_two_who_replace_at_once_one_is_told_so() -> None:
    snippets = await kept(run(), run("return 2", request_id="r2"))
    await snippets.save("next", "r1", by="ann")
    keeper: Any = snippets._keeper
    take = keeper.keep_snippet

    async def late(snippet: Any) -> bool:
        await take(dataclasses.replace(snippet, code="return 3"))
        return bool(await take(snippet))

    keeper.keep_snippet = late
    with pytest.raises(SnippetRefusedError, match="somebody else has saved next"):
        await snippets.save("next", "r2", by="bob", replace=True)


async def test_a_run_or_snippet_that_is_not_there_is_named() -> None:
    snippets = await kept()
    with pytest.raises(RunNotFoundError, match="no run 'r1'"):
        await snippets.save("next", "r1", by="ann")
    with pytest.raises(SnippetNotFoundError, match="no snippet is called 'next'"):
        await snippets.show("next")
    with pytest.raises(SnippetNotFoundError):
        await snippets.remove("next", "bot")


async def test_which_of_several_is_meant_must_be_told() -> None:
    snippets = await kept(run())
    await snippets.save("next", "r1", by="ann")
    await snippets.save("next", "r1", by="ann", for_all=True)
    with pytest.raises(SnippetRefusedError, match=r"several \(all agents, bot\)"):
        await snippets.remove("next")
    assert (await snippets.remove("next", "")).agent_id == ""
    assert (await snippets.remove("next")).agent_id == "bot"
    assert await snippets.list() == []


async def test_there_is_an_end_to_how_many_there_may_be() -> None:
    snippets = await kept(run())
    for number in range(200):
        await snippets.save(f"s{number}", "r1", by="ann")
    with pytest.raises(SnippetRefusedError, match="200 snippets for the agent 'bot'"):
        await snippets.save("one_more", "r1", by="ann")
    await snippets.save("one_more", "r1", by="ann", for_all=True)
