"""Events: eight of them, frozen, with the contract's names on the wire."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import pytest

from onehop import events
from onehop.events import EVENT_TYPES, Event, event_from_dict

pytestmark = pytest.mark.unit

COMMON: dict[str, Any] = {
    "agent_id": "ada",
    "channel_id": "lab",
    "request_id": "r1",
    "code_hash": "0123456789abcdef",
}
CALL = {"callId", "tool", "effect", "argumentsHash", "bytesIn"}
CONTRACT = {
    "code:validation:started": set(),
    "code:validation:completed": {"safe", "errorCount", "warningCount", "validationTime"},
    "code:security:issue": {"issueType", "description", "severity", "pattern", "line", "column"},
    "code:execution:started": {"language", "codeLength", "timeout"},
    "code:execution:completed": {
        "language",
        "executionTime",
        "outputSize",
        "logCount",
        "resourceUsage",
    },
    "code:execution:failed": {"language", "error", "errorType", "executionTime"},
    "code:resource:limit:exceeded": {"resource", "limit", "actual", "executionTime"},
    "code:execution:timeout": {"timeout", "actualTime"},
    "code:execution:progress": {"fraction", "message"},
    "code:execution:paused": {"runId", "waiting"},
    "code:execution:resumed": {"runId", "pauses"},
    "code:tool:started": {*CALL, "queued"},
    "code:tool:completed": {*CALL, "duration", "bytesOut"},
    "code:tool:failed": {*CALL, "outcome", "error", "duration"},
    "code:tool:denied": {*CALL, "error", "rule"},
    "code:approval:requested": {
        *(CALL - {"bytesIn"}),
        *("runId", "rule", "expiresAt"),
    },
    "code:approval:decided": {"runId", "callId", "tool", "decision", "by"},
}
CLASSES = [cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, Event)]
A_CALL = {
    **COMMON,
    "call_id": "call_1",
    "tool": "crm.find",
    "effect": "read",
    "arguments_hash": "0123456789abcdef",
    "bytes_in": 2,
}
SAMPLES: list[Event] = [
    events.ValidationStarted(**COMMON),
    events.ValidationCompleted(
        **COMMON, safe=True, error_count=0, warning_count=1, validation_time=0.4
    ),
    events.SecurityIssue(
        **COMMON,
        issue_type="dangerous_pattern",
        description="eval runs text",
        severity="critical",
        pattern="eval",
        line=1,
        column=8,
    ),
    events.ExecutionStarted(**COMMON, language="javascript", code_length=12, timeout=5000),
    events.ExecutionCompleted(
        **COMMON,
        language="typescript",
        execution_time=1.5,
        output_size=2,
        log_count=0,
        resource_usage={"memory": 1.0, "timeout": False},
    ),
    events.ExecutionFailed(
        **COMMON,
        language="javascript",
        error="Error: no",
        error_type="runtime",
        execution_time=1.5,
    ),
    events.ResourceLimitExceeded(
        **COMMON, resource="memory", limit=128, actual=150, execution_time=90
    ),
    events.ExecutionTimeout(**COMMON, timeout=100, actual_time=101.5),
    events.ExecutionProgress(**COMMON, fraction=0.5, message="half"),
    events.ExecutionPaused(**COMMON, run_id="0" * 32, waiting=2),
    events.ExecutionResumed(**COMMON, run_id="0" * 32, pauses=1),
    events.ToolStarted(**A_CALL, queued=0.1),
    events.ToolCompleted(**A_CALL, duration=1.5, bytes_out=20),
    events.ToolFailed(**A_CALL, outcome="failed", error="timeout", duration=30_000),
    events.ToolDenied(**A_CALL, error="denied", rule="deny crm.*"),
    events.ApprovalRequested(
        **{name: value for name, value in A_CALL.items() if name != "bytes_in"},
        run_id="0" * 32,
        rule="ask crm.*",
        expires_at=1_800_000_000_000,
    ),
    events.ApprovalDecided(
        **COMMON, run_id="0" * 32, call_id="call_1", tool="pay", decision="denied", by="ann"
    ),
]


def test_there_are_the_events_of_the_contract() -> None:
    assert set(EVENT_TYPES) == set(CONTRACT)
    assert {sample.event_type for sample in SAMPLES} == set(CONTRACT)
    constants = {name: value for name, value in vars(events).items() if name.startswith("CODE_")}
    assert set(constants.values()) == set(CONTRACT)
    assert constants["CODE_RESOURCE_LIMIT_EXCEEDED"] == "code:resource:limit:exceeded"


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.event_type)
def test_an_event_has_the_envelope_and_the_data_of_the_contract(event: Event) -> None:
    wire = event.to_dict()
    envelope = {"eventId", "eventType", "timestamp", "agentId", "channelId", "source", "data"}
    assert set(wire) == envelope
    assert wire["source"] == "CodeExecutionSandbox"
    common = {"eventType", "requestId", "codeHash"}
    assert set(wire["data"]) == CONTRACT[event.event_type] | common
    assert wire["data"]["eventType"] == wire["eventType"] == event.event_type


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.event_type)
def test_an_event_survives_the_wire(event: Event) -> None:
    assert event_from_dict(event.to_dict()) == event


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_events_are_frozen(cls: type[Event]) -> None:
    assert typing.cast("Any", cls).__dataclass_params__.frozen


def test_each_event_has_its_own_id_and_the_time_in_milliseconds() -> None:
    first, second = events.ValidationStarted(**COMMON), events.ValidationStarted(**COMMON)
    assert first.event_id != second.event_id
    assert 1_700_000_000_000 < first.timestamp <= second.timestamp


@pytest.mark.parametrize(
    "wire",
    [
        {},
        {"eventType": "code:other"},
        {"eventType": "code:validation:started", "data": None},
        {**SAMPLES[1].to_dict(), "data": {"requestId": "r1", "codeHash": "x"}},
    ],
)
def test_what_is_no_event_is_refused(wire: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an event"):
        event_from_dict(wire)


def test_a_copy_of_an_event_with_another_text_keeps_its_identity() -> None:
    failed = typing.cast("events.ExecutionFailed", SAMPLES[5])
    assert dataclasses.replace(failed, error="masked").event_id == failed.event_id
