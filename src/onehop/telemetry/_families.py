"""Every metric of onehop: its name, what it counts and which labels it has.

No label holds what an agent, its code or an upstream server can choose, so that the number of
series is bounded; docs/reference/metrics.md is made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. A counter's name has ``_total`` at its end when it is read."""

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()


OUTCOMES: Final = {
    "completed": "the code returned",
    "repeated": "the request id had run before, and its result was given again",
    "timeout": "the deadline ended the run",
    "validation": "the code was refused",
    "runtime": "the code threw",
    "security": "the code or its worker did what it may not",
    "resource_limit": "a limit ended the run",
    "cancelled": "the caller left, or the sandbox closed",
    "diverged": "a replay was not the same",
    "paused": "a person must decide",
    "running": "the answer came before the end",
    "invalid": "the call was refused before anything ran",
    "overloaded": "too many runs waited",
    "unrecorded": "the run could not be recorded",
    "unavailable": "the sandbox could not run it",
    "internal": "onehop failed",
}
"""What ``outcome`` of an execution can be."""
KILLS: Final = {
    "timeout": "the deadline",
    "cpu": "the limit of CPU time",
    "memory": "the limit of memory",
    "threads": "the limit of threads",
    "protocol": "the worker broke the protocol",
    "system_call": "the worker made a forbidden system call",
    "cancelled": "the caller left",
    "crash": "the worker ended by itself",
    "lost": "what had started the worker ended, and took it along",
}
"""What ``cause`` can be."""
OTHER: Final = "other"
"""The label of what has no place of its own."""

FAMILIES: Final = (
    Family("onehop_executions", "counter", "Calls of code_execute.", ("language", "outcome")),
    Family(
        "onehop_execution_duration_seconds",
        "histogram",
        "From the call to its result, waiting included.",
        ("language",),
    ),
    Family("onehop_executions_in_flight", "gauge", "Runs that have begun and not ended."),
    Family(
        "onehop_validation_duration_seconds",
        "histogram",
        "Repairing and judging the code of a run.",
    ),
    Family("onehop_findings", "counter", "What validation found in code.", ("type", "severity")),
    Family("onehop_queue_duration_seconds", "histogram", "Waiting for a worker."),
    Family("onehop_queue_length", "gauge", "Runs that wait for a worker."),
    Family("onehop_queue_max_length", "gauge", "Runs that may wait; more are refused."),
    Family("onehop_run_duration_seconds", "histogram", "A worker's work on one run."),
    Family("onehop_run_cpu_seconds", "counter", "CPU time of the runs that have ended."),
    Family("onehop_run_memory_bytes", "histogram", "Memory that a run added to its worker."),
    Family("onehop_run_layers", "counter", "Runs, by each isolation layer in force.", ("layer",)),
    Family("onehop_kills", "counter", "Workers that ended before their code did.", ("cause",)),
    Family(
        "onehop_pool_workers",
        "gauge",
        "Workers by state: idle, running, resting (waits for tools only), starting.",
        ("state",),
    ),
    Family("onehop_pool_size", "gauge", "Workers that are kept warm."),
    Family("onehop_pool_max_concurrency", "gauge", "Runs that may compute at the same time."),
    Family("onehop_realm_processes", "gauge", "Processes that serve one agent each, by realms."),
    Family("onehop_worker_starts", "counter", "Starts of workers: ready, failed.", ("outcome",)),
    Family("onehop_workers_lost", "counter", "Idle workers that ended by themselves."),
    Family(
        "onehop_tool_duration_seconds",
        "histogram",
        "Calls of tools by the code, from when the tool was asked to its answer.",
        ("namespace", "outcome"),
    ),
    Family("onehop_tool_calls", "counter", "Calls of tools, those refused included.", ("outcome",)),
    Family(
        "onehop_approvals_waiting",
        "gauge",
        "Calls of tools that wait for a person, at most 1000; absent where none can.",
    ),
    Family("onehop_avoided_turns", "counter", "Model turns that calls of tools in code avoided."),
    Family("onehop_avoided_tokens", "counter", "Tokens avoided so, as estimated."),
    Family(
        "onehop_store_duration_seconds",
        "histogram",
        "Writing records: journal (the run waits for it), delivery (to the database).",
        ("operation",),
    ),
    Family("onehop_store_errors", "counter", "Writes that failed.", ("operation",)),
    Family("onehop_store_up", "gauge", "Whether the database took the last delivery: 1 or 0."),
    Family("onehop_journal_entries", "gauge", "Records that wait for the database."),
    Family("onehop_journal_bytes", "gauge", "Their size."),
    Family("onehop_journal_max_bytes", "gauge", "The size from which on nothing runs."),
    Family(
        "onehop_journal_set_aside",
        "gauge",
        "Records and files that could not be delivered, and are kept on the disk.",
    ),
    Family(
        "onehop_upstream_up", "gauge", "Whether a server of tools is connected.", ("namespace",)
    ),
    Family("onehop_upstream_tools", "gauge", "Tools that it listed.", ("namespace",)),
)
