"""What the span of each stage says, once the stage is over; pure.

Code and values are among it only with ``content``. What callers and servers wrote is cut.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from onehop.definition import NAME
from onehop.limits import MIB
from onehop.runs.watching import Stage
from onehop.telemetry import _names as n
from onehop.types import ExecutionRequest, ExecutionResult

Attributes = dict[str, str | int | float | bool]

_NAMES: Final[dict[Stage, str]] = {
    "execution": f"{n.EXECUTE_TOOL} {NAME}",
    "validation": "onehop.validation",
    "queue": "onehop.queue",
    "run": "onehop.run",
    "store": "onehop.store",
    "delivery": "onehop.delivery",
}
_LONGEST: Final = 8192
"""Characters of one value."""


def name_of(stage: Stage, facts: Mapping[str, Any]) -> str:
    """Of the span."""
    if stage == "tool":
        return f"{n.EXECUTE_TOOL} {facts['path']}"
    if stage == "upstream":
        return f"{n.TOOLS_CALL} {facts['tool']}"
    if stage == "request":
        return f"{facts['method']} {facts['path']}"
    return _NAMES[stage]


def attributes_of(stage: Stage, facts: Mapping[str, Any], *, content: bool) -> Attributes:
    """Of the span, as far as they are known."""
    match stage:
        case "execution":
            found = _execution(facts)
            more = _content(facts) if content else {}
        case "tool":
            found = _tool(facts)
            more = _tool_content(facts) if content else {}
        case _:
            found, more = _other(stage, facts), {}
    return {name: _cut(value) for name, value in {**found, **more}.items() if value is not None}


def fault_of(stage: Stage, facts: Mapping[str, Any]) -> str | None:
    """Why a stage that raised nothing did not end well, in one word that no caller chooses."""
    if stage == "execution":
        result: ExecutionResult | None = facts.get("result")
        info = None if result is None else result.error_info
        return None if info is None else info.type
    if stage == "tool" and (call := facts.get("call")) is not None and call.outcome != "ok":
        return call.error or call.outcome or "unknown"
    if stage == "run":
        return facts.get("killed")
    if stage == "request" and (status := facts.get("status", 0)) >= 400:
        return str(status)
    return None


def _execution(facts: Mapping[str, Any]) -> dict[str, Any]:
    caller = facts.get("caller")
    request: ExecutionRequest | None = facts.get("request")
    result: ExecutionResult | None = facts.get("result")
    found: dict[str, Any] = {
        n.OPERATION: n.EXECUTE_TOOL,
        n.TOOL_NAME: NAME,
        n.TOOL_TYPE: n.FUNCTION,
        n.AGENT_ID: facts.get("agent_id") or None,
    }
    if caller is not None:
        found[n.TOOL_CALL_ID] = caller.request_id
        found[n.CONVERSATION_ID] = caller.channel_id or None
    if request is not None:
        found |= {n.LANGUAGE: request.language, n.CODE_LENGTH: len(request.code)}
    return found | ({} if result is None else _result(result, facts))


def _result(result: ExecutionResult, facts: Mapping[str, Any]) -> dict[str, Any]:
    usage = result.resource_usage
    return {
        n.CODE_HASH: result.code_hash,
        n.OUTCOME: result.status,
        n.REPEATED: bool(facts.get("repeated")),
        n.MEMORY: round(usage.memory * MIB),
        n.CPU: usage.cpu_time / 1000,
    }


def _content(facts: Mapping[str, Any]) -> dict[str, Any]:
    request: ExecutionRequest | None = facts.get("request")
    result: ExecutionResult | None = facts.get("result")
    found: dict[str, Any] = {}
    if request is not None:
        context = _json(request.context)  # cut before the code, which says more
        found[n.TOOL_ARGUMENTS] = _json({"code": _cut(request.code), "context": _cut(context)})
    if result is not None:
        found[n.TOOL_RESULT] = _json({"output": result.output, "error": result.error})
    return found


def _tool(facts: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        n.OPERATION: n.EXECUTE_TOOL,
        n.TOOL_NAME: facts["path"],
        n.TOOL_TYPE: n.FUNCTION,
        n.TOOL_CALL_ID: facts["id"],
    }
    if (record := facts.get("call")) is None:
        return found
    call = record.call
    return found | {
        n.EFFECT: call.effect,
        n.OUTCOME: call.outcome,
        n.QUEUED: call.queued / 1000,
        n.BYTES_IN: call.bytes_in,
        n.BYTES_OUT: call.bytes_out,
        n.RULE: call.rule,
    }


def _tool_content(facts: Mapping[str, Any]) -> dict[str, Any]:
    answer: bytes | None = facts.get("answer")
    return {
        n.TOOL_ARGUMENTS: _json(facts.get("arguments")),
        n.TOOL_RESULT: None if answer is None else answer[: 4 * _LONGEST].decode(errors="replace"),
    }


def _other(stage: Stage, facts: Mapping[str, Any]) -> dict[str, Any]:
    match stage:
        case "validation" if (report := facts.get("report")) is not None:
            errors = sum(finding.type == "error" for finding in report.issues)
            return {
                n.SAFE: report.safe,
                n.ERRORS: errors,
                n.WARNINGS: len(report.issues) - errors,
            }
        case "run":
            return {n.KILLED: facts.get("killed")}
        case "upstream":
            return {
                n.MCP_METHOD: n.TOOLS_CALL,
                n.MCP_PROTOCOL: facts.get("protocol"),
                n.OPERATION: n.EXECUTE_TOOL,
                n.TOOL_NAME: facts["tool"],
                n.UPSTREAM: facts["server"],
                n.TRANSPORT: "pipe" if facts["is_local"] else "tcp",
            }
        case "request":
            return _request(facts)
        case "delivery":
            return {n.RECORDS: len(facts["run_ids"])}
        case _:
            return {}


def _request(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The path is that of the document: what the code put into it is a value."""
    server = urlsplit(facts["url"])
    return {
        n.HTTP_METHOD: facts["method"],
        n.HTTP_STATUS: facts.get("status"),
        n.URL_TEMPLATE: facts["path"],
        n.SERVER_ADDRESS: server.hostname,
        n.SERVER_PORT: server.port or {"http": 80, "https": 443}.get(server.scheme),
    }


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return "(cannot be shown)"


def _cut(value: Any) -> Any:
    """A text that is not too long, and that every receiver takes."""
    if not isinstance(value, str):
        return value
    text = value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
    return text.encode("utf-8", "replace").decode()
