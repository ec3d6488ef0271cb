"""A recorded call as something to paste: cURL and Python; pure."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any, Final

from onehop.records import ExecutionRecord
from onehop.server.dashboard._code import code_of

_MOST: Final = 50_000
"""Characters; what is larger is not pasted by anybody."""
_CHOSEN: Final = ("seed", "clock", "session")
"""Arguments that decide what comes out, where they were given."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Both; empty where the record does not hold enough."""

    curl: str = ""
    python: str = ""
    why_not: str = ""


def copies_of(record: ExecutionRecord, url: str) -> Copies:
    """How to make the same call again, at ``url``. All but ASCII is escaped."""
    code, whole = code_of(record)
    if not whole:
        return Copies(why_not="The record keeps the start of this code only.")
    call: dict[str, Any] = {"code": code, "language": record.language, "timeout": record.timeout}
    if record.context_data:
        call["context"] = record.context_data
    call |= {name: record.details[name] for name in _CHOSEN if name in record.details}
    body = json.dumps(call)
    if len(body) > _MOST:
        return Copies(why_not="The call is too large to be pasted.")
    return Copies(_curl(body, url), _python(call, url))


def _curl(body: str, url: str) -> str:
    return (
        f"curl -sS {shlex.quote(url + '/api/v1/execute')} \\\n"
        '  -H "Authorization: Bearer $AGENT_API_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  --data {shlex.quote(body)}"
    )


def _python(call: dict[str, Any], url: str) -> str:
    arguments = [f"        {call['code']!a},"]
    arguments += [f"        {name}={value!a}," for name, value in call.items() if name != "code"]
    return "\n".join(
        (
            "from onehop.client import SyncAgentClient",
            "",
            "# The key comes from AGENT_API_KEY.",
            f"with SyncAgentClient(server_url={url!a}) as client:",
            "    result = client.execute(",
            *arguments,
            "    )",
            "    print(result.output)",
        )
    )
