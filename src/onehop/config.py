"""All settings: constructor arguments first, then the environment, then ``onehop.toml``.

Each field carries its environment name, so this file is the whole table; ``onehop.toml`` in the
working folder (or the file that ``ONEHOP_CONFIG`` names) uses the field names, in one table for
each class.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Final, Literal, Self, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from onehop.cores import usable_cores
from onehop.errors import ConfigError
from onehop.limits import MIB, Limits
from onehop.types import Isolation, Severity, ValidationLevel

Layer = Literal[
    "namespaces", "threads", "cgroup", "landlock", "seccomp", "rlimits", "uid", "seatbelt"
]

DEFAULT_MASK = (
    "*password*",
    "*passwd*",
    "*secret*",
    "*token*",
    "*api_key*",
    "*apikey*",
    "*api-key*",
    "*private_key*",
    "*privatekey*",
    "*access_key*",
    "*accesskey*",
    "*credential*",
    "authorization",
    "cookie",
    "set-cookie",
)
"""Names of fields that hold secrets as a rule; compared without regard to case."""

_CORES = usable_cores()
_FILE = "onehop.toml"
_LARGEST_FILE = MIB
"""Bytes of a settings file."""


def _setting(default: Any, env: str, help_text: str, **bounds: Any) -> Any:
    return Field(default=default, description=help_text, json_schema_extra={"env": env}, **bounds)


class Settings(BaseModel):
    """One table of ``onehop.toml``. Raises ConfigError that names the field that is unusable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    table: ClassVar[str]
    """Its name in the file."""

    def __init__(self, **settings: Any) -> None:
        """Take ``settings``, and fill in what they leave out from the environment and the file."""
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise _config_error(error) from None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        merged = {**_from_file(cls, os.environ), **_from_environment(cls, os.environ), **given}
        return {name: _frozen(cls, name, value) for name, value in merged.items()}

    def replace(self, **changes: Any) -> Self:
        """A copy with ``changes``, checked like a new one."""
        return type(self)(**{**self.model_dump(), **changes})


class SandboxConfig(Settings):
    """How a sandbox runs code."""

    table: ClassVar[str] = "sandbox"

    timeout: Annotated[float, Field(allow_inf_nan=False)] = _setting(
        5000, "CODE_EXEC_TIMEOUT_DEFAULT", "Deadline of a run that names none, in ms.", ge=100
    )
    timeout_max: Annotated[float, Field(allow_inf_nan=False)] = _setting(
        30000, "CODE_EXEC_TIMEOUT_MAX", "The longest deadline a call may ask for, in ms.", ge=100
    )
    memory_limit: int = _setting(
        128,
        "CODE_EXEC_MEMORY_LIMIT",
        "Memory that one run may add to its worker, in MB.",
        ge=16,
        le=4096,
    )
    cpu_limit: Annotated[float, Field(allow_inf_nan=False)] | None = _setting(
        None,
        "ONEHOP_CPU_LIMIT",
        "CPU time of one run over all threads, in ms; twice its timeout when not set.",
        ge=100,
    )
    capture_console: bool = _setting(
        True, "ONEHOP_CAPTURE_CONSOLE", "Whether console output is returned."
    )
    max_output: int = _setting(
        4 * MIB,
        "CODE_EXEC_MAX_OUTPUT",
        "Bytes of JSON output that come back whole; larger ones come back as a preview.",
        ge=256,
        le=64 * MIB,
    )
    max_kept_output: int = _setting(
        32 * MIB,
        "ONEHOP_MAX_KEPT_OUTPUT",
        "Bytes of one large output that are kept for reading in pages.",
        ge=256,
        le=256 * MIB,
    )
    kept_outputs: int = _setting(
        128 * MIB,
        "ONEHOP_KEPT_OUTPUTS",
        "Bytes of large outputs kept in all; the oldest of the agent that keeps the most go first.",
        ge=0,
    )
    max_logs: int = _setting(
        MIB, "ONEHOP_MAX_LOGS", "Bytes of console text of one run.", ge=0, le=64 * MIB
    )
    max_log_entries: int = _setting(
        10_000, "ONEHOP_MAX_LOG_ENTRIES", "Console calls of one run that are returned.", ge=0
    )
    max_code: int = _setting(
        2 * MIB, "ONEHOP_MAX_CODE", "Bytes of code in one call.", ge=1, le=8 * MIB
    )
    max_context: int = _setting(
        16 * MIB, "ONEHOP_MAX_CONTEXT", "Bytes of JSON context in one call.", ge=2, le=64 * MIB
    )
    max_values: int = _setting(
        500_000,
        "ONEHOP_MAX_VALUES",
        "JSON values in the context of one call: numbers, texts, lists, objects.",
        ge=1,
    )
    large_integers: Literal["numbers", "strings"] = _setting(
        "numbers",
        "ONEHOP_LARGE_INTEGERS",
        "How the code gets integers of the context beyond 2^53: as rounded `numbers`, with a "
        "warning, or as `strings` of all their digits.",
    )
    pool_size: int = _setting(
        _CORES * 2, "ONEHOP_POOL_SIZE", "Workers that are kept warm.", ge=1, le=1024
    )
    compilers: int = _setting(
        4,
        "ONEHOP_COMPILERS",
        "Agents that have a TypeScript compiler at the same time; each takes 20 MB, and up to 200 "
        "where the code has decorators or namespaces.",
        ge=1,
        le=64,
    )
    checkers: int = _setting(
        4,
        "ONEHOP_CHECKERS",
        "Agents that have a checker at the same time, which looks through code before it runs; "
        "each takes 110 MB, and 30 more once it has looked at types. With 0 no code is checked.",
        ge=0,
        le=64,
    )
    check_wait: float = _setting(
        3000,
        "ONEHOP_CHECK_WAIT",
        "Time in ms that code waits for its check, the start of a checker included; then it runs "
        "unchecked.",
        ge=10,
        le=60_000,
    )
    max_concurrency: int = _setting(
        _CORES * 8, "ONEHOP_MAX_CONCURRENCY", "Executions that run at the same time.", ge=1, le=4096
    )
    max_waiting: int = _setting(
        _CORES * 32,
        "ONEHOP_MAX_WAITING",
        "Executions beside these that only wait, for tools or their timers. They use no processor, "
        "but each keeps its memory, about 7 MB.",
        ge=0,
        le=100_000,
    )
    max_queue: int = _setting(
        1000, "ONEHOP_MAX_QUEUE", "Executions that may wait for a worker; more are refused.", ge=0
    )
    isolation: Isolation = _setting(
        "process",
        "ONEHOP_ISOLATION",
        "Where a run that does not say so itself is executed: in a fresh `process`, or in a fresh "
        "`realm` of a process that its agent has.",
    )
    realm_processes: int = _setting(
        _CORES,
        "ONEHOP_REALM_PROCESSES",
        "Processes of one agent that run code in realms at the same time.",
        ge=1,
        le=256,
    )
    realm_runs: int = _setting(
        5000,
        "ONEHOP_REALM_RUNS",
        "Runs after which a process that has realms is replaced.",
        ge=1,
    )
    realm_idle: Annotated[float, Field(allow_inf_nan=False)] = _setting(
        10_000,
        "ONEHOP_REALM_IDLE",
        "Time after which an idle process that has realms is ended, in ms.",
        ge=100,
    )
    allow_degraded: frozenset[Layer] = _setting(
        frozenset(),
        "ONEHOP_ALLOW_DEGRADED",
        "Isolation layers that may be missing, by name (namespaces, threads, cgroup always may).",
    )
    copy_workers: bool = _setting(
        True,
        "ONEHOP_COPY_WORKERS",
        "Start workers as copies of a process that has loaded the engine: a sixth less CPU time "
        "for each. Without, each has memory addresses of its own.",
    )

    backend: str = _setting(
        "local",
        "ONEHOP_BACKEND",
        "Where code runs: `local`, on this machine; `ray`, on the Ray cluster of this process or "
        "of RAY_ADDRESS; or on the one at an address such as `ray://host:10001`.",
        pattern=r"^(local|ray|ray://\S+)$",
    )
    deno: str | None = _setting(
        None, "ONEHOP_DENO", "Path of a Deno 2.9 to use instead of the Python package's."
    )

    @model_validator(mode="after")
    def _default_within_maximum(self) -> Self:
        if self.timeout > self.timeout_max:
            raise ValueError(f"timeout {self.timeout:g} is above timeout_max {self.timeout_max:g}")
        return self

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

    per_agent: int = _setting(
        8, "ONEHOP_SESSIONS_PER_AGENT", "Sessions of one agent that have a worker.", ge=1, le=1000
    )
    most: int = _setting(
        32,
        "ONEHOP_SESSIONS",
        "Sessions of all agents that have a worker, about 60 MB each; for one more, the worker "
        "that was idle longest is given up.",
        ge=1,
        le=10_000,
    )
    idle: float = _setting(
        600, "ONEHOP_SESSION_IDLE", "Seconds after which an idle worker is given up.", gt=0
    )
    age: float = _setting(
        14_400, "ONEHOP_SESSION_AGE", "Seconds that a session keeps one worker.", gt=0
    )
    calls: int = _setting(
        1000, "ONEHOP_SESSION_CALLS", "Calls that a session makes in one worker.", ge=1
    )
    queue: int = _setting(
        8, "ONEHOP_SESSION_QUEUE", "Calls of one session that may wait; more are refused.", ge=0
    )


class ValidationConfig(Settings):
    """What is checked before code runs."""

    table: ClassVar[str] = "validation"

    level: ValidationLevel = _setting(
        "ASYNC",
        "VALIDATION_DEFAULT_LEVEL",
        "How strict validation is; `code_execute` is held to BLOCKING at least.",
    )
    off: frozenset[str] = _setting(
        frozenset(), "ONEHOP_VALIDATION_OFF", "Rules that are not applied, by name."
    )
    severity: dict[str, Severity] = _setting(
        {}, "ONEHOP_VALIDATION_SEVERITY", "Severities that replace a rule's own, by its name."
    )
    rules: tuple[str, ...] = _setting(
        (), "ONEHOP_VALIDATION_RULES", "More rules: Python functions, as `module:function`."
    )
    cache: int = _setting(
        1024, "ONEHOP_VALIDATION_CACHE", "Verdicts kept by the hash of the code.", ge=0
    )


class CorrectionConfig(Settings):
    """What is repaired in a call before it is checked."""

    table: ClassVar[str] = "corrections"

    enabled: bool = _setting(
        True, "AUTO_CORRECTION_ENABLED", "Whether what a call obviously meant is repaired."
    )
    max_retries: int = _setting(
        3, "AUTO_CORRECTION_MAX_RETRIES", "Rounds of repair of one call.", ge=0, le=10
    )


class ToolsConfig(Settings):
    """The host's functions that code may call as `tools`."""

    table: ClassVar[str] = "tools"

    files: tuple[str, ...] = _setting(
        (),
        "ONEHOP_TOOLS",
        "Python files with functions that are decorated with `@tool`; this process runs them.",
    )
    mcp_servers: str | None = _setting(
        None,
        "ONEHOP_MCP_SERVERS",
        "A JSON file with `mcpServers`, as other MCP clients keep it: the tools of each server in "
        "it are a namespace.",
    )
    deny: tuple[str, ...] = _setting(
        (),
        "ONEHOP_TOOLS_DENY",
        "Tools that no code may call: paths such as `crm.delete_*`, `*` stands for anything.",
    )
    ask: tuple[str, ...] = _setting(
        (),
        "ONEHOP_TOOLS_ASK",
        "Tools about which a person must decide: see `approvals`.",
    )
    rules: tuple[str, ...] = _setting(
        (),
        "ONEHOP_TOOLS_RULES",
        "Rules for calls of tools, such as `ask crm.pay when amount > 100` and "
        "`deny * effect destructive`: an action, a path or glob, an effect, a condition.",
    )
    approvals: bool = _setting(
        False,
        "ONEHOP_TOOLS_APPROVALS",
        "Whether a call that a rule asks about waits for a person; otherwise it is blocked.",
    )
    hold: int = _setting(
        30_000,
        "ONEHOP_TOOLS_HOLD",
        "Time that a worker is held for people in all, in ms; then the run is paused, or what "
        "nobody decided has expired where a run cannot pause.",
        ge=100,
        le=600_000,
    )
    elicitation: bool = _setting(
        False,
        "ONEHOP_TOOLS_ELICITATION",
        "Whether the person at an MCP client may decide about the calls of its own agent; the "
        "client is trusted to ask that person.",
    )
    decide_within: int = _setting(
        86_400_000,
        "ONEHOP_TOOLS_DECIDE_WITHIN",
        "Time that people have for a decision about a call of a paused run, in ms.",
        ge=1_000,
        le=2_592_000_000,
    )
    max_calls: int = _setting(
        200, "ONEHOP_TOOLS_MAX_CALLS", "Calls of tools in one run.", ge=1, le=100_000
    )
    call_timeout: int = _setting(
        30_000,
        "ONEHOP_TOOLS_TIMEOUT",
        "Time that a tool may take for one call, in ms.",
        ge=10,
        le=600_000,
    )


class RecordingConfig(Settings):
    """What runs were answered, kept sealed: to go on after a pause, and for replay."""

    table: ClassVar[str] = "recording"

    runs: Literal["off", "asks", "all"] = _setting(
        "asks",
        "ONEHOP_RECORDING",
        "Which runs: those that may have to wait for a person (`asks`), `all` that may call tools, "
        "or none (`off`): then a run does not go on after its time to hold it.",
    )
    key: SecretStr | None = _setting(
        None,
        "ONEHOP_RECORDING_KEY",
        "Secret that they are sealed with, at least 16 characters, the same on each server; "
        "otherwise one is made and kept in the user's data folder.",
    )
    keep_days: int = _setting(
        7, "ONEHOP_RECORDING_DAYS", "Days that they are kept after the end of a run.", ge=0, le=365
    )
    max_size: int = _setting(
        16,
        "ONEHOP_RECORDING_MAX",
        "MB that are kept of one run; a run that has more cannot be made again.",
        ge=1,
        le=256,
    )


class AuditConfig(Settings):
    """What is kept of each run, and where."""

    table: ClassVar[str] = "audit"

    store: str | None = _setting(
        None,
        "ONEHOP_STORE",
        "`sqlite:///PATH`, `postgresql://…`, `mongodb://…` or `memory:`; otherwise a SQLite file "
        "in the user's data folder.",
    )
    mode: Literal["journal", "strict"] = _setting(
        "journal",
        "ONEHOP_AUDIT",
        "`journal`: while the database is away, runs go on and records wait on disk; "
        "`strict`: nothing runs then.",
    )
    journal: str | None = _setting(
        None,
        "ONEHOP_JOURNAL",
        "Folder where records wait for the database; otherwise in the user's data folder.",
    )
    journal_max: int = _setting(
        1024,
        "ONEHOP_JOURNAL_MAX",
        "MB of records that may wait for the database; nothing more is run until it takes some.",
        ge=16,
    )
    sync: Literal["process", "power"] = _setting(
        "process",
        "ONEHOP_AUDIT_SYNC",
        "What the journal survives: the end of the process, or the loss of power too (slower).",
    )
    key: SecretStr | None = _setting(
        None, "ONEHOP_AUDIT_KEY", "Secret that the chain of hashes is keyed with."
    )
    keep_output: bool = _setting(True, "ONEHOP_AUDIT_OUTPUT", "Whether outputs are kept.")
    keep_logs: bool = _setting(True, "ONEHOP_AUDIT_LOGS", "Whether console lines are kept.")
    keep_context: bool = _setting(True, "ONEHOP_AUDIT_CONTEXT", "Whether contexts are kept.")
    keep_code: bool = _setting(
        True,
        "ONEHOP_AUDIT_CODE",
        "Whether the code of a run that succeeded is kept whole, so that it can become a snippet.",
    )
    max_field: int = _setting(
        256 * 1024,
        "ONEHOP_AUDIT_MAX_FIELD",
        "Bytes of JSON that are kept of each output, log or context; longer ones are cut.",
        ge=1024,
        le=4 * MIB,
    )
    mask: tuple[str, ...] = _setting(
        DEFAULT_MASK,
        "ONEHOP_AUDIT_MASK",
        "Names of fields whose values are kept masked; `*` stands for anything, a dot for nesting.",
    )
    omit: tuple[str, ...] = _setting(
        (), "ONEHOP_AUDIT_OMIT", "Names of fields that are left out of what is kept, in that form."
    )
    mask_secrets: bool = _setting(
        True,
        "ONEHOP_AUDIT_MASK_SECRETS",
        "Whether text that looks like an API key, a token or a password is masked wherever it is.",
    )


class AnalyticsConfig(Settings):
    """How trends are kept."""

    table: ClassVar[str] = "analytics"

    aggregation_interval: int = _setting(
        60_000, "ANALYTICS_AGGREGATION_INTERVAL", "Time between rollups, in ms.", ge=100
    )
    retention_days: int = _setting(
        90, "ANALYTICS_RETENTION_DAYS", "Days that rollups are kept.", ge=1, le=3650
    )


class ServerConfig(Settings):
    """How `onehop serve` listens, and what an agent may ask of it."""

    table: ClassVar[str] = "server"

    host: str = _setting(
        "localhost", "ONEHOP_HOST", "Name or address to listen on; `0.0.0.0` is every network."
    )
    port: int = _setting(
        3001, "ONEHOP_PORT", "Port to listen on; 0 takes any that is free.", ge=0, le=65535
    )
    auth: bool = _setting(
        True, "ONEHOP_AUTH", "Whether a key is needed; only a loopback address may go without."
    )
    tls_cert: str | None = _setting(
        None, "ONEHOP_TLS_CERT", "File of the certificate chain (PEM); with it, HTTPS is spoken."
    )
    tls_key: str | None = _setting(
        None, "ONEHOP_TLS_KEY", "File of the certificate's private key (PEM)."
    )
    workers: int = _setting(
        1,
        "ONEHOP_WORKERS",
        "Processes that serve the port together; more than one need PostgreSQL or MongoDB.",
        ge=1,
        le=64,
    )
    dashboard: bool = _setting(
        True, "ONEHOP_DASHBOARD", "Whether the pages at `/dashboard` are served."
    )
    session_lifetime: int = _setting(
        43_200_000,
        "ONEHOP_SESSION_LIFETIME",
        "Time, in ms, after which a person has to sign in to the dashboard again.",
        ge=60_000,
    )
    session_idle: int = _setting(
        7_200_000,
        "ONEHOP_SESSION_IDLE",
        "Time, in ms, after which a session of the dashboard that nobody uses ends.",
        ge=60_000,
    )
    origins: tuple[str, ...] = _setting(
        (),
        "ONEHOP_ORIGINS",
        "Web pages of other origins that may call, as `https://app.example`; `*` means all.",
    )
    hosts: tuple[str, ...] = _setting(
        (),
        "ONEHOP_ALLOWED_HOSTS",
        "Names in the Host header that are answered, beside the loopback's; on other addresses "
        "than loopback all are, when none is named.",
    )
    log_format: Literal["auto", "text", "json"] = _setting(
        "auto", "ONEHOP_LOG_FORMAT", "`text`, `json`, or `auto`: text on a terminal, else JSON."
    )
    max_runs: int = _setting(
        32,
        "ONEHOP_AGENT_MAX_RUNS",
        "Runs that one agent may have at the same time, those that wait for a worker included.",
        ge=1,
    )
    max_rate: int = _setting(
        6000, "ONEHOP_AGENT_MAX_RATE", "Runs that one agent may start in a minute.", ge=1
    )
    max_streams: int = _setting(
        16, "ONEHOP_AGENT_MAX_STREAMS", "Streams of events that one agent may have open.", ge=1
    )
    max_body: int = _setting(
        24 * MIB,
        "ONEHOP_MAX_BODY",
        "Bytes of one request's body.",
        ge=1024,
        le=256 * MIB,
    )
    agent_bodies: int = _setting(
        48 * MIB,
        "ONEHOP_AGENT_MAX_BODIES",
        "Bytes that the requests of one agent hold at once, 64 for each JSON value included; one "
        "that is alone always fits.",
        ge=1024,
    )
    max_bodies: int = _setting(
        128 * MIB,
        "ONEHOP_MAX_BODIES",
        "The same of all agents together.",
        ge=1024,
    )
    max_refused: int = _setting(
        600,
        "ONEHOP_MAX_REFUSED",
        "Wrong keys that one address may try in a minute.",
        ge=1,
    )
    max_connections: int | None = _setting(
        None,
        "ONEHOP_MAX_CONNECTIONS",
        "Connections that are open at once; by default half of the descriptors that the process "
        "may have, at most 4096.",
        ge=1,
    )
    unread_timeout: int = _setting(
        30_000,
        "ONEHOP_UNREAD_TIMEOUT",
        "Time, in ms, after which a client that takes nothing of its answer is dropped.",
        ge=100,
    )
    body_timeout: int = _setting(
        30_000, "ONEHOP_BODY_TIMEOUT", "Time that a request's body may take to come, in ms.", ge=100
    )
    key_grace: int = _setting(
        300_000,
        "ONEHOP_KEY_GRACE",
        "Time, in ms, that a key which was good goes on working while the store does not answer.",
        ge=0,
    )
    shutdown_timeout: int = _setting(
        40_000,
        "ONEHOP_SHUTDOWN_TIMEOUT",
        "Time, in ms, that runs in flight have to end when the server is stopped.",
        ge=0,
    )

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: one of them is missing")
        return self


class TelemetryConfig(Settings):
    """What programs that watch hear of runs: metrics and traces."""

    table: ClassVar[str] = "telemetry"

    metrics: Literal["viewer", "open", "off"] = _setting(
        "viewer",
        "ONEHOP_METRICS",
        "Who may read `/metrics` of `onehop serve`: `viewer`, with the key of a viewer or an "
        "admin; `open`, anyone who reaches the server; `off`, nobody, and nothing is counted.",
    )
    traces: Literal["off", "http", "grpc"] = _setting(
        "off",
        "ONEHOP_TRACES",
        "How spans are sent by OTLP; where to, OpenTelemetry's own variables say, such as "
        "`OTEL_EXPORTER_OTLP_ENDPOINT`.",
    )
    trace_content: bool = _setting(
        False,
        "ONEHOP_TRACE_CONTENT",
        "Whether spans hold code, contexts, outputs, and arguments and answers of tools, unmasked.",
    )


class WebhookConfig(Settings):
    """An address of yours that hears of calls that wait for a person: see `approvals`."""

    table: ClassVar[str] = "webhook"

    url: SecretStr | None = _setting(
        None, "ONEHOP_WEBHOOK_URL", "Where messages are sent (POST); nowhere without it."
    )
    secret: SecretStr | None = _setting(
        None,
        "ONEHOP_WEBHOOK_SECRET",
        "What messages are signed with: `whsec_` and the base64 of 24 to 64 random bytes.",
    )
    private: bool = _setting(
        False, "ONEHOP_WEBHOOK_PRIVATE", "Whether the URL may lead to a private address."
    )
    arguments: bool = _setting(
        False,
        "ONEHOP_WEBHOOK_ARGUMENTS",
        "Whether messages hold the arguments of calls, masked as in the audit trail.",
    )


SECTIONS: tuple[type[Settings], ...] = (
    SandboxConfig,
    SessionConfig,
    ValidationConfig,
    CorrectionConfig,
    ToolsConfig,
    RecordingConfig,
    AuditConfig,
    AnalyticsConfig,
    ServerConfig,
    TelemetryConfig,
    WebhookConfig,
)
"""Every table of ``onehop.toml`` but for the servers'."""
UPSTREAM: Final = "upstream"
"""The table that has a table for each upstream server: ``[upstream.NAME]``."""


def _from_environment(model: type[Settings], environ: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for name, field in model.model_fields.items():
        env = env_name(field)
        if env in environ:
            found[name] = parse_variable(env, field.annotation, environ[env])
    return found


def env_name(field: FieldInfo) -> str:
    """The environment variable of a setting."""
    extra: Any = field.json_schema_extra
    return str(extra["env"])


def parse_variable(env: str, annotation: Any, text: str) -> Any:
    """Read an environment value: words with commas between, JSON for numbers, text as it is.

    Raises ConfigError.
    """
    if get_origin(annotation) in (frozenset, tuple):
        return tuple(_words(text))
    if get_origin(annotation) is dict:
        return dict(_pair(env, word) for word in _words(text))
    if _is_text(annotation):
        return text
    try:
        return json.loads(text.lower())
    except ValueError:
        raise ConfigError(env, f"{text!r} is not a number or true/false") from None


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pair(env: str, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise ConfigError(env, f"{word!r} is not name=value")
    return name.strip(), value.strip()


def _is_text(annotation: Any) -> bool:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return any(kind in (str, SecretStr) or get_origin(kind) is Literal for kind in kinds)


def _frozen(model: type[Settings], name: str, value: Any) -> Any:
    """A list where the setting is a set or tuple, and text where it is secret, made fit."""
    annotation = model.model_fields[name].annotation if name in model.model_fields else None
    origin = get_origin(annotation)
    if origin in (frozenset, tuple) and isinstance(value, list | tuple | set | frozenset):
        return origin(value)
    if isinstance(value, str) and SecretStr in get_args(annotation):
        return SecretStr(value)
    return value


def _from_file(model: type[Settings], environ: Mapping[str, str]) -> dict[str, Any]:
    path = settings_file(environ)
    if path is None:
        return {}
    tables = parse_settings(path, read_settings(path))
    known = {UPSTREAM, *(section.table for section in SECTIONS)}
    _refuse_unknown(str(path), "tables", set(tables) - known)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(str(path), f"{name} is not a table: write [{name}]")
    found: dict[str, Any] = tables.get(model.table, {})
    where = f"settings in [{model.table}]"
    _refuse_unknown(str(path), where, set(found) - set(model.model_fields))
    return found


def upstream_tables(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The tables ``[upstream.NAME]`` of the settings file, as they stand there. Raises
    ConfigError."""
    path = settings_file(environ)
    tables = {} if path is None else parse_settings(path, read_settings(path)).get(UPSTREAM, {})
    if not isinstance(tables, dict):
        raise ConfigError(str(path), f"{UPSTREAM} is not a table: write [{UPSTREAM}.NAME]")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{UPSTREAM}.{name}", f"it is not a table: write [{UPSTREAM}.{name}]")
    return tables


def settings_file(environ: Mapping[str, str]) -> Path | None:
    """The settings file, or None if there is none.

    Raises ConfigError if ONEHOP_CONFIG names something else, or a folder bears the file's name.
    """
    named = environ.get("ONEHOP_CONFIG")
    path = Path(named or _FILE)
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise ConfigError("ONEHOP_CONFIG", f"there is no file {named}") from None
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), f"the settings file cannot be found: {error}") from None
    if stat.S_ISDIR(mode):
        raise ConfigError(
            str(path), "this is a folder, not a settings file: name a file in ONEHOP_CONFIG"
        )
    return path


def read_settings(path: Path) -> str:
    """The text of a settings file, without an editor's byte order mark. Raises ConfigError."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        advice = "make it readable for this user, or name another file in ONEHOP_CONFIG"
        reason = f"the settings file cannot be read ({error.strerror}): {advice}"
        raise ConfigError(str(path), reason) from None
    if len(data) > _LARGEST_FILE:
        reason = f"this is not a settings file: it has more than {_LARGEST_FILE} bytes"
        raise ConfigError(str(path), reason)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.object[error.start]:#04x} at offset {error.start}"
        reason = f"the settings file is not UTF-8 text ({place}): save it as UTF-8"
        raise ConfigError(str(path), reason) from None


def parse_settings(path: Path, text: str) -> dict[str, Any]:
    """The tables of a settings file. Raises ConfigError that says where the text is wrong."""
    import tomllib  # compiles patterns, and most runs read no file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"this is not valid TOML: {error}") from None


def _refuse_unknown(path: str, where: str, unknown: set[str]) -> None:
    if unknown:
        raise ConfigError(path, f"unknown {where}: {', '.join(sorted(unknown))}")


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):  # found while the settings were gathered
        return cause
    field = ".".join(str(part) for part in first["loc"]) or "config"
    message = first["msg"].removeprefix("Value error, ")
    return ConfigError(field, f"{message} (got {first['input']!r})" if first["loc"] else message)


def checked_value(model: type[Settings], name: str, value: Any) -> Any:
    """``value`` as the setting ``name`` would hold it. Raises ConfigError.

    Bounds between two settings are not checked: that takes an instance of ``model``.
    """
    field = model.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata, Field())]
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config=ConfigDict(strict=True))
    try:
        return adapter.validate_python(_frozen(model, name, value))
    except ValidationError as error:
        raise _config_error(error) from None
