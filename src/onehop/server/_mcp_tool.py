"""The tool ``code_execute`` as MCP clients see it: schemas, annotations, and how to use it."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types

from onehop.types import ExecutionResult

NAME: Final = "code_execute"

DESCRIPTION: Final = """\
Run JavaScript or TypeScript in a fresh, isolated V8 process and get back what it returns.

Do many steps in one call. Filtering, joining, statistics, parsing, dates, loops over many items, \
and the decisions between them belong in one program, not in one tool call each.

- `code` is the body of an async function: `return` gives the result, `await` works at its top \
level.
- Data goes in as `context` and is seen as `context`; do not paste it into the code.
- What is returned comes back as JSON; Date, Map, Set and BigInt become JSON values.
- `console.log` and its kin come back as logs, also when the run fails.
- Nothing else is within reach: no network, files, modules (`import`, `require`), `eval` or \
`process`, and nothing stays from one call to the next.
- An error names its line and column: mend the code and call again.

Example, JavaScript:
{"code": "const paid = context.orders.filter(o => o.paid);\\nconst total = paid.reduce((sum, o) => \
sum + o.amount, 0);\\nreturn { paid: paid.length, total, \
largest: paid.toSorted((a, b) => b.amount - a.amount)[0] };", \
"context": {"orders": [{"id": 1, "amount": 30, "paid": true}, \
{"id": 2, "amount": 12, "paid": false}]}}

Example, TypeScript:
{"language": "typescript", "code": "interface User { name: string; age: number }\\nconst users: \
User[] = context.users;\\nconst adults = users.filter((user) => user.age >= 18);\\n\
console.log(`${adults.length} of ${users.length} are adults`);\\n\
return adults.map((user) => user.name).sort();", \
"context": {"users": [{"name": "Ada", "age": 36}, {"name": "Tim", "age": 9}]}}
"""

INPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "code": {
            "type": "string",
            "minLength": 1,
            "description": "The body of an async function: `return`, `await` and `context` work "
            "at its top level.",
        },
        "language": {
            "type": "string",
            "enum": ["javascript", "typescript"],
            "default": "javascript",
            "description": "What the code is written in.",
        },
        "timeout": {
            "type": "number",
            "minimum": 100,
            "maximum": 30000,
            "default": 5000,
            "description": "Deadline in milliseconds; the server's own maximum may be lower.",
        },
        "context": {
            "type": "object",
            "default": {},
            "description": "JSON data that the code sees as `context`.",
        },
        "captureConsole": {
            "type": "boolean",
            "default": True,
            "description": "Whether console output comes back.",
        },
        "description": {
            "type": "string",
            "description": "What the code is for, in a few words for people; kept in the audit "
            "trail.",
        },
    },
    "required": ["code"],
    "additionalProperties": False,
}
"""What the contract says, word for word. The executor holds calls to it, and repairs what a call
obviously meant."""


def make_tool() -> types.Tool:
    """The one tool. Its size does not depend on what the sandbox offers."""
    return types.Tool(
        name=NAME,
        title="Run code",
        description=DESCRIPTION,
        input_schema=INPUT_SCHEMA,
        output_schema=_output_schema(),
        annotations=types.ToolAnnotations(
            title="Run code",
            # The code has no file, no network and no memory of earlier calls to change.
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _output_schema() -> dict[str, Any]:
    """The schema of ``ExecutionResult.to_dict()``; newer servers may add fields."""
    schema = ExecutionResult.model_json_schema(by_alias=True, mode="serialization")
    plain: dict[str, Any] = _without(schema, frozenset({"title", "additionalProperties"}))
    return plain


def _without(schema: Any, keys: frozenset[str]) -> Any:
    """The schema without these keywords; fields of the data that are named so stay."""
    if isinstance(schema, list):
        return [_without(item, keys) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name not in keys}
    return {
        name: {field: _without(item, keys) for field, item in value.items()}
        if name in ("properties", "$defs")
        else _without(value, keys)
        for name, value in kept.items()
    }
