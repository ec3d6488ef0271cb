"""How code runs, and how sessions live."""

from __future__ import annotations

from typing import ClassVar, Literal

from onehop.config._settings import Settings, setting
from onehop.cores import usable_cores
from onehop.limits import MIB, Limits
from onehop.types import Isolation

Layer = Literal[
    "namespaces", "threads", "cgroup", "landlock", "seccomp", "rlimits", "uid", "seatbelt"
]


_CORES = usable_cores()


class SandboxConfig(Settings):
    """How a sandbox runs code."""

    table: ClassVar[str] = "sandbox"

    timeout: float = setting(
        5000,
        "CODE_EXEC_TIMEOUT_DEFAULT",
        "Deadline of a run that names none, in ms.",
        ge=100,
        allow_inf_nan=False,
    )
    timeout_max: float = setting(
        30000,
        "CODE_EXEC_TIMEOUT_MAX",
        "The longest deadline a call may ask for, in ms.",
        ge=100,
        allow_inf_nan=False,
    )
    memory_limit: int = setting(
        128,
        "CODE_EXEC_MEMORY_LIMIT",
        "Memory that one run may add to its worker, in MB.",
        ge=16,
        le=4096,
    )
    cpu_limit: float | None = setting(
        None,
        "ONEHOP_CPU_LIMIT",
        "CPU time of one run over all threads, in ms; twice its timeout when not set.",
        ge=100,
        allow_inf_nan=False,
    )
    capture_console: bool = setting(
        True, "ONEHOP_CAPTURE_CONSOLE", "Whether console output is returned."
    )
    max_output: int = setting(
        4 * MIB,
        "CODE_EXEC_MAX_OUTPUT",
        "Bytes of JSON output that come back whole; larger ones come back as a preview.",
        ge=256,
        le=64 * MIB,
    )
    max_kept_output: int = setting(
        32 * MIB,
        "ONEHOP_MAX_KEPT_OUTPUT",
        "Bytes of one large output that are kept for reading in pages.",
        ge=256,
        le=256 * MIB,
    )
    kept_outputs: int = setting(
        128 * MIB,
        "ONEHOP_KEPT_OUTPUTS",
        "Bytes of large outputs kept in all; the oldest of the agent that keeps the most go first.",
        ge=0,
    )
    max_logs: int = setting(
        MIB, "ONEHOP_MAX_LOGS", "Bytes of console text of one run.", ge=0, le=64 * MIB
    )
    max_log_entries: int = setting(
        10_000, "ONEHOP_MAX_LOG_ENTRIES", "Console calls of one run that are returned.", ge=0
    )
    max_code: int = setting(
        2 * MIB, "ONEHOP_MAX_CODE", "Bytes of code in one call.", ge=1, le=8 * MIB
    )
    max_context: int = setting(
        16 * MIB, "ONEHOP_MAX_CONTEXT", "Bytes of JSON context in one call.", ge=2, le=64 * MIB
    )
    max_values: int = setting(
        500_000,
        "ONEHOP_MAX_VALUES",
        "JSON values in the context of one call: numbers, texts, lists, objects.",
        ge=1,
    )
    large_integers: Literal["numbers", "strings"] = setting(
        "numbers",
        "ONEHOP_LARGE_INTEGERS",
        "How the code gets integers of the context beyond 2^53: as rounded `numbers`, with a "
        "warning, or as `strings` of all their digits.",
    )
    pool_size: int = setting(
        _CORES * 2, "ONEHOP_POOL_SIZE", "Workers that are kept warm.", ge=1, le=1024
    )
    compilers: int = setting(
        4,
        "ONEHOP_COMPILERS",
        "Agents that have a TypeScript compiler at the same time; each takes 20 MB, and up to 200 "
        "where the code has decorators or namespaces.",
        ge=1,
        le=64,
    )
    checkers: int = setting(
        4,
        "ONEHOP_CHECKERS",
        "Agents that have a checker at the same time, which looks through code before it runs; "
        "each takes 110 MB, and 30 more once it has looked at types. With 0 no code is checked.",
        ge=0,
        le=64,
    )
    check_wait: float = setting(
        3000,
        "ONEHOP_CHECK_WAIT",
        "Time in ms that code waits for its check, the start of a checker included; then it runs "
        "unchecked.",
        ge=10,
        le=60_000,
    )
    max_concurrency: int = setting(
        _CORES * 8, "ONEHOP_MAX_CONCURRENCY", "Executions that run at the same time.", ge=1, le=4096
    )
    max_waiting: int = setting(
        _CORES * 32,
        "ONEHOP_MAX_WAITING",
        "Executions beside these that only wait, for tools or their timers. They use no processor, "
        "but each keeps its memory, about 7 MB.",
        ge=0,
        le=100_000,
    )
    max_queue: int = setting(
        1000, "ONEHOP_MAX_QUEUE", "Executions that may wait for a worker; more are refused.", ge=0
    )
    isolation: Isolation = setting(
        "process",
        "ONEHOP_ISOLATION",
        "Where a run that does not say so itself is executed: in a fresh `process`, or in a fresh "
        "`realm` of a process that its agent has.",
    )
    realm_processes: int = setting(
        _CORES,
        "ONEHOP_REALM_PROCESSES",
        "Processes of one agent that run code in realms at the same time.",
        ge=1,
        le=256,
    )
    realm_runs: int = setting(
        5000,
        "ONEHOP_REALM_RUNS",
        "Runs after which a process that has realms is replaced.",
        ge=1,
    )
    realm_idle: float = setting(
        10_000,
        "ONEHOP_REALM_IDLE",
        "Time after which an idle process that has realms is ended, in ms.",
        ge=100,
        allow_inf_nan=False,
    )
    allow_degraded: frozenset[Layer] = setting(
        frozenset(),
        "ONEHOP_ALLOW_DEGRADED",
        "Isolation layers that may be missing, by name (namespaces, threads, cgroup always may).",
    )
    copy_workers: bool = setting(
        True,
        "ONEHOP_COPY_WORKERS",
        "Start workers as copies of a process that has loaded the engine: a sixth less CPU time "
        "for each. Without, each has memory addresses of its own.",
    )

    backend: str = setting(
        "local",
        "ONEHOP_BACKEND",
        "Where code runs: `local`, on this machine; `ray`, on the Ray cluster of this process or "
        "of RAY_ADDRESS; or on the one at an address such as `ray://host:10001`.",
        pattern=r"^(local|ray|ray://\S+)$",
    )
    deno: str | None = setting(
        None, "ONEHOP_DENO", "Path of a Deno 2.9 to use instead of the Python package's."
    )

    def check(self) -> None:
        """The usual deadline is not above the longest."""
        if self.timeout > self.timeout_max:
            raise ValueError(f"timeout {self.timeout:g} is above timeout_max {self.timeout_max:g}")

    def limits(self, timeout_ms: float) -> Limits:
        """The bounds of one run with this deadline."""
        cpu_ms = self.cpu_limit if self.cpu_limit is not None else timeout_ms * 2
        return Limits(
            timeout=timeout_ms / 1000,
            memory_bytes=self.memory_limit * MIB,
            cpu_seconds=cpu_ms / 1000,
            output_bytes=self.max_output,
            keep_bytes=max(self.max_kept_output, self.max_output),
            log_bytes=self.max_logs,
            log_entries=self.max_log_entries,
        )


class SessionConfig(Settings):
    """How many sessions there may be, and how long they live."""

    table: ClassVar[str] = "sessions"

    per_agent: int = setting(
        8, "ONEHOP_SESSIONS_PER_AGENT", "Sessions of one agent that have a worker.", ge=1, le=1000
    )
    most: int = setting(
        32,
        "ONEHOP_SESSIONS",
        "Sessions of all agents that have a worker, about 60 MB each; for one more, the worker "
        "that was idle longest is given up.",
        ge=1,
        le=10_000,
    )
    kept: int = setting(
        1000,
        "ONEHOP_SESSIONS_KEPT",
        "Sessions of one agent that are kept with what `store` has of them, up to 1 MiB each; for "
        "one more, the one that was used longest ago is dropped.",
        ge=1,
        le=1_000_000,
    )
    idle: float = setting(
        600, "ONEHOP_SESSION_IDLE", "Seconds after which an idle worker is given up.", gt=0
    )
    age: float = setting(
        14_400, "ONEHOP_SESSION_AGE", "Seconds that a session keeps one worker.", gt=0
    )
    calls: int = setting(
        1000, "ONEHOP_SESSION_CALLS", "Calls that a session makes in one worker.", ge=1
    )
    queue: int = setting(
        8, "ONEHOP_SESSION_QUEUE", "Calls of one session that may wait; more are refused.", ge=0
    )
