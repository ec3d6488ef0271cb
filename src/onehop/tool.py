"""The tool ``code_execute`` as models see it: its name, how to use it, and the schema of a call."""

from __future__ import annotations

from typing import Any, Final

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
