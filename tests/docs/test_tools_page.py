"""The page about tools says what is so: its values are sent, its fields and limits are compared."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import math
import uuid
from typing import Any, get_args

from onehop import Sandbox, SandboxConfig, Tool, ToolError, ToolLimits
from onehop.errors import ToolErrorCode
from onehop.types import Avoided, ToolCall
from tests.docs.test_documents import read, rows

PAGE = "docs/reference/tools.md"
NAMES = {
    "date": datetime.date,
    "datetime": datetime.datetime,
    "UTC": datetime.UTC,
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
    "math": math,
}


async def answers(column: str, code: str) -> list[tuple[str, Any]]:
    """What the page shows for each Python value of a table, beside what ``code`` makes of it."""
    table = rows(PAGE, "Python", column)
    tool = Tool("give", value_of, input_schema={"type": "object"}, effect="read")
    async with Sandbox(SandboxConfig(pool_size=1), tools=[tool]) as sandbox:
        seen = [await sandbox.execute(code, context={"text": text}) for text, _ in table]
    assert all(result.success for result in seen), seen
    return [(shown, result.output) for (_, shown), result in zip(table, seen, strict=True)]


def value_of(arguments: dict[str, Any]) -> Any:
    """The value of a text of the page."""
    return eval(arguments["text"], dict(NAMES))


async def test_values_arrive_as_the_page_shows() -> None:
    for shown, seen in await answers("code", "return await tools.give(context)"):
        assert json.loads(shown) == seen


async def test_values_that_are_not_json_are_refused_at_the_place_that_the_page_shows() -> None:
    code = "try { await tools.give(context) } catch (e) { return [e.code, e.field] }"
    for shown, seen in await answers("field", code):
        assert seen == ["invalid_result", shown]


def test_every_code_of_an_error_is_on_the_page_and_no_other() -> None:
    assert {row[0] for row in rows(PAGE, "code", "when")} == set(get_args(ToolErrorCode))


def test_every_field_of_an_error_is_on_the_page_and_no_other() -> None:
    whole = ToolError(
        "failed",
        "it failed",
        "crm.find",
        field="a",
        expected="text",
        parameters=["a*"],
        nearest=["crm.add"],
        retry_after=1,
        status=500,
    )
    fields = list(whole.to_dict())
    assert [row[0] for row in rows(PAGE, "field", "what")][: len(fields) + 1] == [*fields, "id"]


def test_every_field_of_a_call_is_on_the_page() -> None:
    documented = read(PAGE)
    for model in (ToolCall, Avoided):
        for field in model.model_fields.values():
            assert f"`{field.alias}`" in documented, field


def test_every_limit_is_on_the_page_with_its_default() -> None:
    shown = {row[0]: int(row[1]) for row in rows(PAGE, "limit", "default", "what", "beyond it")}
    assert shown == dataclasses.asdict(ToolLimits())
