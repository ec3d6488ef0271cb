"""The tool at every door: what clients see of it, what they send, what comes back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import TextResourceContents

from tests.mcp.doors import TOOL, error_of, link_of, run, text_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

CONTRACT = {
    "code": {"type": "string", "minLength": 1},
    "language": {"type": "string", "enum": ["javascript", "typescript"], "default": "javascript"},
    "timeout": {"type": "number", "minimum": 100, "maximum": 30000, "default": 5000},
    "context": {"type": "object", "default": {}},
    "captureConsole": {"type": "boolean", "default": True},
    "description": {"type": "string"},
    "seed": {"type": "integer", "minimum": 0},
    "clock": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    "yield": {"type": "number"},
    "session": {"type": "string"},
    "typecheck": {"type": "string", "enum": ["off", "provable", "strict"]},
    "plan": {"type": "boolean"},
}


async def test_there_is_one_tool_and_its_schema_is_the_contracts(client: Client) -> None:
    tool, _ = (await client.list_tools()).tools
    assert tool.name == TOOL
    schema = dict(tool.input_schema)
    fields = schema.pop("properties")
    assert schema == {"type": "object", "required": ["code"], "additionalProperties": False}
    told = {name: field.pop("description", None) for name, field in fields.items()}
    assert told["timeout"] == "ms"
    assert fields == CONTRACT


async def test_what_a_model_is_sent_with_every_turn_stays_small(client: Client) -> None:
    tool, _ = (await client.list_tools()).tools
    assert tool.description is not None
    assert len(tool.description) < 1000
    assert len(json.dumps(tool.input_schema)) < 1000
    assert len(json.dumps(tool.output_schema)) < 750  # some clients send it too


async def test_the_description_says_what_working_code_needs(client: Client) -> None:
    tool, _ = (await client.list_tools()).tools
    assert tool.description is not None
    needed = ("body of an async function", "return", "await", "context", "JSON", "console")
    barred = ("network", "files", "import", "require", "eval", "process")
    assert not [word for word in (*needed, *barred) if word not in tool.description]


async def test_the_tool_says_truthfully_that_it_changes_nothing(client: Client) -> None:
    tool, _ = (await client.list_tools()).tools
    assert tool.annotations is not None
    hints = tool.annotations.model_dump(exclude={"title"})
    assert hints == {
        "read_only_hint": True,
        "destructive_hint": False,
        "idempotent_hint": True,
        "open_world_hint": False,
    }


async def test_the_examples_of_the_description_run(client: Client) -> None:
    tool, _ = (await client.list_tools()).tools
    assert tool.description is not None
    examples = [line for line in tool.description.splitlines() if line.startswith("{")]
    outputs = []
    for example in examples:
        result = await client.call_tool(TOOL, json.loads(example))
        assert not result.is_error, text_of(result)
        outputs.append(result.structured_content["output"])
    assert outputs == [30, ["Ada"]]


async def test_what_the_code_returns_is_the_text_and_the_data(client: Client) -> None:
    result = await run(client, "return context.n * 2", context={"n": 21})
    assert not result.is_error
    assert text_of(result) == "42"
    assert result.structured_content == {"status": "completed", "output": 42}


async def test_what_only_programs_read_is_in_meta(client: Client) -> None:
    result = await run(client, "console.warn('w'); return 42")
    assert result.structured_content == {
        "status": "completed",
        "output": 42,
        "logs": ["[WARN] w"],
    }
    meta = result.meta or {}
    (entry,) = meta["onehop/logEntries"]
    assert (entry["level"], entry["message"]) == ("warn", "w")
    assert "seccomp" in meta["onehop/enforcement"]
    assert meta["onehop/resourceUsage"]["timeout"] is False
    assert len(meta["onehop/codeHash"]) == 16


async def test_typescript_runs(client: Client) -> None:
    code = "interface P { n: number }\nconst p: P = { n: 4 };\nreturn p.n satisfies number"
    result = await run(client, code, language="typescript")
    assert text_of(result) == "4"


async def test_console_lines_follow_the_output(client: Client) -> None:
    result = await run(client, "console.log('a', 1); console.error('b'); return [1]")
    assert text_of(result) == "Output:\n[1]\n\nConsole:\na 1\n[ERROR] b"


async def test_failing_code_is_a_result_that_shows_the_place(client: Client) -> None:
    result = await run(client, "console.log('so far');\nconst a = null;\nreturn a.b")
    assert result.is_error
    data, text = result.structured_content, text_of(result)
    assert (data["status"], data["logs"]) == ("failed", ["so far"])
    assert data["error"].endswith("\n 3 | return a.b\n   |          ^")
    assert text.startswith("Error (runtime): TypeError: Cannot read properties of null")
    assert " 3 | return a.b\n   |          ^" in text
    assert text.endswith("Console:\nso far")


async def test_forbidden_code_is_refused_with_what_to_write_instead(client: Client) -> None:
    result = await run(client, "return eval('1')")
    assert result.is_error
    meta = result.meta or {}
    assert meta["onehop/errorInfo"]["type"] == "validation"
    assert meta["onehop/findings"][0]["pattern"] == "eval"
    assert text_of(result).startswith("Error (validation): ValidationError: eval ")
    advice, *_hints = result.structured_content["next"]
    assert advice.startswith("line 1, column 8: write the code itself")
    assert f"What was found:\n- {advice}" in text_of(result)


async def test_slow_code_is_a_timeout(client: Client) -> None:
    code = "const end = Date.now() + 10_000; while (Date.now() < end);"
    result = await run(client, code, timeout=150)
    assert result.is_error
    assert (result.meta or {})["onehop/resourceUsage"]["timeout"] is True
    assert "deadline of 150 ms" in result.structured_content["error"]
    assert "deadline of 150 ms" in text_of(result)


async def test_what_was_corrected_is_said(client: Client) -> None:
    result = await run(client, "```js\nreturn 7\n```")
    assert result.structured_content["output"] == 7
    (told,) = result.structured_content["corrections"]
    assert told in text_of(result)
    assert (result.meta or {})["onehop/corrections"][0]["kind"] == "fence"
    assert "Corrected before the run:\n- code" in text_of(result)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "code"),
        ({"code": ""}, "code"),
        ({"code": 1}, "code"),
        ({"code": None}, "code"),
        ({"code": ["return 1"]}, "code"),
        ({"code": "return\0"}, "code"),
        ({"code": "return 1", "language": "python"}, "language"),
        ({"code": "return 1", "language": 3}, "language"),
        ({"code": "return 1", "timeout": 99}, "timeout"),
        ({"code": "return 1", "timeout": 30_001}, "timeout"),
        ({"code": "return 1", "timeout": "soon"}, "timeout"),
        ({"code": "return 1", "timeout": [5000]}, "timeout"),
        ({"code": "return 1", "context": [1]}, "context"),
        ({"code": "return 1", "context": "no JSON"}, "context"),
        ({"code": "return 1", "captureConsole": "perhaps"}, "captureConsole"),
        ({"code": "return 1", "description": 5}, "description"),
        ({"code": "return 1", "password": "x"}, "password"),
        ({"code": "return 1", "agentId": "bob"}, "agentId"),
    ],
    ids=str,
)
async def test_a_bad_call_is_a_result_that_names_the_field(
    client: Client, arguments: dict[str, Any], field: str
) -> None:
    error = error_of(await client.call_tool(TOOL, arguments))
    assert (error["code"], error["field"]) == ("invalid_request", field)
    assert error["message"].startswith(f"{field}: got ")


async def test_results_keep_to_the_output_schema(client: Client) -> None:
    tool, _ = (await client.list_tools()).tools
    assert tool.output_schema is not None
    strict = {**tool.output_schema, "additionalProperties": False}
    validator = Draft202012Validator(strict)
    for code in (
        "return {}",
        "throw 1",
        "eval('')",
        "```\nreturn 1\n```",
        "while (true) { console.log(1); break }",
        "return 'x'.repeat(3e5)",
        "for (let i = 0; i < 9000; i++) console.log(i)",
    ):
        result = await run(client, code)
        validator.validate(result.structured_content)


async def test_a_large_output_is_a_preview_and_pages(client: Client) -> None:
    result = await run(client, "return Array.from({ length: 100_000 }, (_, i) => i)")
    data = result.structured_content
    assert data["outputTruncated"] is True
    assert data["output"].startswith("[0,1,2,")
    kept = (result.meta or {})["onehop/persistedOutputId"]
    assert f"onehop://outputs/{kept}" == link_of(result)
    assert data["next"][0].endswith(link_of(result))
    assert data["next"][0] in text_of(result)
    text, offset = "", 0
    while offset is not None:
        page = await page_of(client, f"{link_of(result)}?offset={offset}")
        text += page.text
        offset = (page.meta or {})["onehop/page"]["nextOffset"]
    assert json.loads(text) == list(range(100_000))


async def page_of(client: Client, uri: str) -> TextResourceContents:
    (contents,) = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    return contents


@pytest.mark.parametrize("count", [pytest.param(5000, marks=pytest.mark.thorough), 20_000])
async def test_many_console_lines_leave_the_value_whole(client: Client, count: int) -> None:
    code = f"for (let i = 0; i < {count}; i++) console.log(i); return {{ total: 5 }}"
    result = await run(client, code)
    data = result.structured_content
    assert data["output"] == {"total": 5}
    assert "outputTruncated" not in data
    assert (result.meta or {})["onehop/logsTruncated"] is True
    assert text_of(result).startswith('Output:\n{"total":5}\n\nConsole:\n0\n1\n')
    (cut,) = [line for line in data["logs"] if "left out" in line]
    assert cut in text_of(result)


async def test_an_output_that_the_sandbox_itself_keeps_is_read_alike(client: Client) -> None:
    result = await run(client, "return 'é'.repeat(5_000_000)", timeout=20_000)
    assert result.structured_content["outputTruncated"] is True
    page = await page_of(client, f"{link_of(result)}?offset=4999990&limit=5")
    assert page.text == "ééééé"
    assert (page.meta or {})["onehop/page"]["total"] == 5_000_002


async def test_large_outputs_are_listed_and_their_template_is(client: Client) -> None:
    uri = link_of(await run(client, "return 'x'.repeat(300_000)"))
    listed = (await client.list_resources(cache_mode="bypass")).resources
    assert listed[0].uri == uri
    templates = (await client.list_resource_templates()).resource_templates
    assert [each.uri_template for each in templates] == [
        "onehop://outputs/{persistedOutputId}{?offset,limit}",
        "onehop://artifacts/{id}",
    ]


@pytest.mark.parametrize(
    "uri",
    [
        "onehop://outputs/nothing-is-kept-here",
        "onehop://outputs/",
        "onehop://outputs/a/b",
        "onehop://outputs/../secrets",
        "onehop://elsewhere/a",
        "file:///etc/passwd",
        "onehop://outputs/a?offset=-1",
        "onehop://outputs/a?limit=65537",
        "onehop://outputs/a?page=1",
    ],
)
async def test_a_resource_that_is_not_there_is_an_error_of_the_protocol(
    client: Client, uri: str
) -> None:
    with pytest.raises(MCPError) as caught:
        await client.read_resource(uri)
    assert caught.value.error.code == -32602


async def test_another_tools_name_is_an_error_of_the_protocol(client: Client) -> None:
    with pytest.raises(MCPError, match="Unknown tool: rm") as caught:
        await client.call_tool("rm", {"code": "return 1"})
    assert caught.value.error.code == -32602


async def test_a_repeated_request_id_gives_the_first_result(client: Client) -> None:
    meta = {"onehop/requestId": f"once-{id(client)}"}
    first = await run(client, "return Math.random()", meta)
    again = await run(client, "return Math.random()", meta)
    assert (first.meta or {})["onehop/requestId"] == meta["onehop/requestId"]
    assert again.structured_content["output"] == first.structured_content["output"]


async def test_a_request_id_that_cannot_be_one_is_refused(client: Client) -> None:
    error = error_of(await run(client, "return 1", {"onehop/requestId": 7}))
    assert (error["code"], error["field"]) == ("invalid_request", "requestId")


async def test_console_lines_are_reported_while_the_code_runs(client: Client) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        await heard.put(message)

    code = """
console.log("first");
const end = Date.now() + 20_000;
while (Date.now() < end) await new Promise((wake) => setTimeout(wake, 20));
"""
    arguments = {"code": code, "timeout": 30_000}
    call = asyncio.create_task(client.call_tool(TOOL, arguments, progress_callback=hear))
    line = await asyncio.wait_for(heard.get(), 15)
    assert line == "first"
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_many_lines_are_all_reported_in_order(client: Client) -> None:
    heard: list[tuple[float, str]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message or ""))

    code = "for (let i = 0; i < 500; i++) console.log(i)"
    result = await client.call_tool(TOOL, {"code": code}, progress_callback=hear)
    assert not result.is_error
    assert "\n".join(text for _, text in heard).split("\n") == [str(i) for i in range(500)]
    counts = [count for count, _ in heard]
    assert counts == sorted(set(counts))
    assert counts[-1] == 500


async def test_calls_at_the_same_time_get_their_own_results(client: Client) -> None:
    calls = [run(client, "return context.n", context={"n": n}) for n in range(24)]
    outputs = [result.structured_content["output"] for result in await asyncio.gather(*calls)]
    assert outputs == list(range(24))
