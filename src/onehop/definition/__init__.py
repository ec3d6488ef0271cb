"""The tool ``code_execute`` as models see it: its name, how to use it, and the schema of a call."""

from __future__ import annotations

from typing import Any, Final

NAME: Final = "code_execute"

_NOTHING: Final = "No network, files, "
_BUT_TOOLS: Final = "It reaches the world by `tools` only: no network, files, "

DESCRIPTION: Final = """\
Run JavaScript or TypeScript in a fresh, isolated V8 process. Filter, join, compute, loop and \
decide in one call, not in one tool call each.

`code` is the body of an async function: `return` the result, `await` at its top level. Data \
passed as `context` is the variable `context`; do not paste it into the code. No network, files, \
`import`, `require`, `eval` or `process`; nothing lasts between calls but in a \
`session`. You get the value as JSON, or an error with its line, and the console output.

Examples:
{"code":"const paid = context.orders.filter(o => o.paid);\\nreturn paid.reduce((sum, o) => sum + \
o.amount, 0);","context":{"orders":[{"amount":30,"paid":true},{"amount":12,"paid":false}]}}
{"language":"typescript","code":"interface User { name: string; age: number }\\nconst users: \
User[] = context.users;\\nreturn users.filter(u => u.age >= 18).map(u => u.name);",\
"context":{"users":[{"name":"Ada","age":36},{"name":"Tim","age":9}]}}
"""
"""Sent to the model with every turn, so that each word costs: what working code needs, once."""

INPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "minLength": 1},
        "language": {
            "type": "string",
            "enum": ["javascript", "typescript"],
            "default": "javascript",
        },
        "timeout": {
            "type": "number",
            "minimum": 100,
            "maximum": 30000,
            "default": 5000,
            "description": "ms",
        },
        "context": {"type": "object", "default": {}},
        "captureConsole": {"type": "boolean", "default": True},
        "description": {"type": "string", "description": "For the audit trail"},
        "seed": {"type": "integer", "minimum": 0},
        "clock": {
            "anyOf": [
                {"type": "number"},
                {"type": "string"},
            ],  # some models' dialects take one type
            "description": "ms or ISO time, stands still",
        },
        "yield": {"type": "number", "description": "ms: answer by then, and get the rest later"},
        "session": {"type": "string", "description": "Keeps variables for calls of this name"},
        "typecheck": {"type": "string", "enum": ["off", "provable", "strict"]},
        "plan": {"type": "boolean", "description": "List the calls of tools, run nothing"},
    },
    "required": ["code"],
    "additionalProperties": False,
}
"""What the contract says; in words only what neither a name nor the description tells. The executor
holds calls to it, and repairs what a call obviously meant."""


def describe(offer: str) -> str:
    """The description with what it says of the tools that the code may call."""
    if not offer:
        return DESCRIPTION
    return DESCRIPTION.replace(_NOTHING, _BUT_TOOLS) + "\n" + offer
