"""How a result, a record and a verdict look in a notebook; pure.

Takes them by their fields, so that the types can use it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from onehop.types.shown.markup import block, card, fold, pairs, table, text, tree


def result_html(result: Any) -> str:
    """Of an ExecutionResult."""
    usage = result.resource_usage
    facts = {
        "time": f"{result.execution_time:,.1f} ms",
        "memory": f"{usage.memory:,.1f} MB",
        "CPU": f"{usage.cpu_time:,.1f} ms",
        "tools": f"{usage.tool_time:,.1f} ms" if usage.tool_time else None,
        "layers": ", ".join(result.enforcement) or None,
        "request": result.request_id,
        "code": result.code_hash,
    }
    title, tone = _outcome(result)
    parts = [
        _error(result),
        fold("calls that wait for a person", approvals_table(result.approvals or ()), is_open=True),
        fold("calls that it would make", _plan(result.plan or ()), is_open=True),
        _output(result),
        fold("files", _files(result.artifacts or ()), is_open=True),
        fold(f"console ({len(result.logs)})", _lines(result.logs), is_open=not result.success),
        *_advice(result),
        fold("calls of tools", _calls(result.tool_calls)),
        fold("measured", pairs(facts)),
    ]
    return card(title, tone, parts)


def _outcome(result: Any) -> tuple[str, str]:
    spent = f"{result.execution_time:,.1f} ms"
    if result.approvals is not None:
        return f"paused after {spent}: it waits for a person", "waits"
    if result.plan is not None:
        return "planned: nothing was executed", "plain"
    if result.success:
        return f"completed in {spent}", "good"
    kind = result.error_info.type if result.error_info is not None else result.status
    return f"failed ({text(kind)}) after {spent}", "bad"


def _output(result: Any) -> str:
    if not result.success or result.plan is not None:
        return ""
    body = tree(result.output)
    if result.output_truncated:
        kept = f", and all of it as {result.persisted_output_id}"
        kept = kept if result.persisted_output_id else ""
        body += f"<div>{text('the output was larger: this is how it starts' + kept)}</div>"
    return fold("output", body, is_open=True)


def _files(artifacts: Any) -> str:
    rows = [(each.name, each.type, each.size, each.id) for each in artifacts]
    return table(("file", "type", "bytes", "id"), rows)


def _plan(calls: Any) -> str:
    rows = [
        (
            each.tool or "(computed)",
            each.effect,
            each.action,
            "surely" if each.certain else "perhaps",
            "each time round" if each.repeats else None,
            each.arguments,
            f"{each.line}:{each.column}",
        )
        for each in calls
    ]
    heads = ("tool", "effect", "the rules say", "made", "", "arguments", "where")
    return table(heads, rows)


def approvals_table(approvals: Any) -> str:
    """Of calls that wait, or of what was decided about them."""
    rows = [
        (each.tool, each.effect, each.arguments, moment(each.expires_at), each.call_id)
        for each in approvals
    ]
    return table(("tool", "effect", "arguments", "until", "call"), rows)


def approval_columns(approval: Any) -> dict[str, Any]:
    """Of an Approval, in a table of several."""
    return {
        "status": approval.status,
        "agent": approval.agent_id,
        "tool": approval.tool,
        "effect": approval.effect,
        "arguments": approval.arguments,
        "since": moment(approval.requested_at),
        "until": moment(approval.expires_at),
        "decided by": approval.decided_by,
        "run": approval.run_id,
        "call": approval.call_id,
    }


def session_columns(session: Any) -> dict[str, Any]:
    """Of a SessionInfo, in a table of several."""
    return {
        "session": session.session,
        "agent": session.agent_id,
        "state": "runs" if session.running else "live" if session.live else "begins anew",
        "names": ", ".join(session.names),
        "calls": session.calls,
        "begun": moment(session.created_at),
        "used": moment(session.used_at),
    }


def session_html(session: Any) -> str:
    """Of a SessionInfo."""
    columns = session_columns(session)
    name = text(columns.pop("session"))
    return card(f"Session {name}", "good" if session.live else "plain", [pairs(columns)])


def replay_html(replay: Any) -> str:
    """Of a Replay."""
    title = "replayed: it did and gave the same" if replay.same else "replayed: it differs"
    parts = [
        block(replay.difference) if replay.difference else "",
        pairs({"calls of tools": replay.calls}),
        result_html(replay.result),
    ]
    return card(title, "good" if replay.same else "bad", parts)


def _error(result: Any) -> str:
    if result.error is None:
        return ""
    excerpt = result.error_info.excerpt if result.error_info is not None else None
    return block(result.error) + (block(excerpt) if excerpt else "")


def _advice(result: Any) -> list[str]:
    corrections = [
        (each.kind, each.field, each.from_, each.to) for each in result.corrections or ()
    ]
    findings = [
        (each.severity, each.message, f"{each.line}:{each.column}", each.suggestion)
        for each in result.findings or ()
    ]
    return [
        fold("warnings", _lines(result.warnings or []), is_open=True),
        fold("hints", _lines(result.hints or []), is_open=True),
        fold("findings", table(("severity", "what", "where", "instead"), findings)),
        fold("corrections", table(("kind", "field", "from", "to"), corrections)),
    ]


def _lines(lines: list[str]) -> str:
    return block("\n".join(lines)) if lines else ""


def _calls(calls: Any) -> str:
    rows = [
        (call.tool, call.outcome, call.duration, call.bytes_in, call.bytes_out, call.error)
        for call in calls or ()
    ]
    return table(("tool", "outcome", "ms", "bytes in", "bytes out", "error"), rows)


def record_html(record: Any) -> str:
    """Of an ExecutionRecord."""
    facts = {
        "agent": record.agent_id or None,
        "channel": record.channel_id or None,
        "request": record.request_id,
        "started": moment(record.executed_at),
        "language": record.language,
        "time": f"{record.execution_time:,.1f} ms",
        "memory": f"{record.memory_usage:,.1f} MB",
        "description": record.description,
    }
    title = "completed" if record.success else f"failed ({text(record.error_type)})"
    parts = [
        block(record.error) if record.error else "",
        pairs(facts),
        fold("code, its beginning", block(record.code_snippet), is_open=True),
        fold("context", tree(record.context_data) if record.context_data else ""),
        fold("output", tree(record.output) if record.success else ""),
        fold(f"console ({len(record.logs)})", _lines(record.logs)),
        fold("details", tree(record.details) if record.details else ""),
    ]
    return card(title, "good" if record.success else "bad", parts)


def record_columns(record: Any) -> dict[str, Any]:
    """Of a record, in a table of several."""
    return {
        "started": moment(record.executed_at),
        "result": "ok" if record.success else record.error_type or "failed",
        "ms": record.execution_time,
        "agent": record.agent_id,
        "language": record.language,
        "code": record.code_snippet.strip().partition("\n")[0],
        "error": record.error,
        "request": record.request_id,
    }


def stats_html(stats: Any) -> str:
    """Of AgentStats."""
    whose = "all agents" if stats.agent_id is None else stats.agent_id or "(no name)"
    languages = [
        (name, each.total, each.successful, each.total - each.successful)
        for name, each in stats.language_breakdown.items()
    ]
    facts = {
        "runs": stats.total_executions,
        "successful": stats.successful_executions,
        "failed": stats.failed_executions,
        "success rate": f"{100 * stats.success_rate:.1f} %",
        "timeouts": stats.timeout_count,
        "average": f"{stats.average_execution_time:,.1f} ms",
        "p50": f"{stats.p50_execution_time:,.1f} ms",
        "p95": f"{stats.p95_execution_time:,.1f} ms",
        "p99": f"{stats.p99_execution_time:,.1f} ms",
    }
    parts = [pairs(facts), table(("language", "runs", "successful", "failed"), languages)]
    return card(f"Runs of {text(whose)}", "plain", parts)


def report_html(report: Any) -> str:
    """Of a ValidationReport."""
    rows = [
        (each.type, each.severity, each.message, f"{each.line}:{each.column}", each.suggestion)
        for each in report.issues
    ]
    title = "safe to run" if report.safe else "would be rejected"
    risk = report.risk_assessment
    parts = [
        table(("type", "severity", "what", "where", "instead"), rows),
        pairs({"risk": f"{risk.score:.2f}", "level": risk.level}),
    ]
    return card(title, "good" if report.safe else "bad", parts)


def moment(when: int) -> str:
    """ms since the epoch, in UTC."""
    try:
        return datetime.fromtimestamp(when / 1000, UTC).isoformat(sep=" ", timespec="seconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return str(when)
