"""Settings of a sandbox: constructor arguments first, then the environment, then ``onehop.toml``.

Each field carries its environment name, so this file is the whole table; ``onehop.toml`` in the
working folder (or the file that ``ONEHOP_CONFIG`` names) uses the field names in a ``[sandbox]``
table.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from onehop.errors import ConfigError
from onehop.policy import MIB, Limits

Layer = Literal["namespaces", "landlock", "seccomp", "rlimits", "uid", "seatbelt"]

_CORES = os.cpu_count() or 1


def _setting(default: Any, env: str, help_text: str, **bounds: Any) -> Any:
    return Field(default=default, description=help_text, json_schema_extra={"env": env}, **bounds)


class SandboxConfig(BaseModel):
    """How a sandbox runs code. Raises ConfigError that names the field when a value is unusable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

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
        "Bytes of large outputs kept in all; the oldest go first.",
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
    pool_size: int = _setting(
        _CORES * 2, "ONEHOP_POOL_SIZE", "Workers that are kept warm.", ge=1, le=1024
    )
    max_concurrency: int = _setting(
        _CORES * 8, "ONEHOP_MAX_CONCURRENCY", "Executions that run at the same time.", ge=1, le=4096
    )
    max_queue: int = _setting(
        1000, "ONEHOP_MAX_QUEUE", "Executions that may wait for a worker; more are refused.", ge=0
    )
    allow_degraded: frozenset[Layer] = _setting(
        frozenset(),
        "ONEHOP_ALLOW_DEGRADED",
        "Isolation layers that may be missing, by name (namespaces are used where available).",
    )

    deno: str | None = _setting(
        None, "ONEHOP_DENO", "Path of a Deno 2.9 to use instead of the Python package's."
    )

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
        layers = merged.get("allow_degraded")
        if isinstance(layers, list | tuple | set):
            merged["allow_degraded"] = frozenset(layers)
        return merged

    @model_validator(mode="after")
    def _default_within_maximum(self) -> Self:
        if self.timeout > self.timeout_max:
            raise ValueError(f"timeout {self.timeout:g} is above timeout_max {self.timeout_max:g}")
        return self

    def replace(self, **changes: Any) -> SandboxConfig:
        """A copy with ``changes``, checked like a new one."""
        return type(self)(**{**self.model_dump(), **changes})

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


def _from_environment(model: type[BaseModel], environ: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for name, field in model.model_fields.items():
        env = _env_name(field.json_schema_extra)
        if env in environ:
            found[name] = _parse(name, env, environ[env])
    return found


def _env_name(extra: Any) -> str:
    return str(extra["env"])


def _parse(name: str, env: str, text: str) -> Any:
    """Read an environment value: JSON, but a list with commas for layers, a path as it is."""
    if name == "deno":
        return text
    if name == "allow_degraded":
        return frozenset(part.strip() for part in text.split(",") if part.strip())
    try:
        return json.loads(text.lower())
    except ValueError:
        raise ConfigError(env, f"{text!r} is not a number or true/false") from None


def _from_file(model: type[BaseModel], environ: Mapping[str, str]) -> dict[str, Any]:
    named = environ.get("ONEHOP_CONFIG")
    path = Path(named or "onehop.toml")
    if not path.is_file():
        if named:
            raise ConfigError("ONEHOP_CONFIG", f"there is no file {named}")
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("sandbox", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), str(error)) from None
    unknown = set(table) - set(model.model_fields)
    if unknown:
        raise ConfigError(str(path), f"unknown settings in [sandbox]: {', '.join(sorted(unknown))}")
    return dict(table)


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "config"
    message = first["msg"].removeprefix("Value error, ")
    return ConfigError(field, f"{message} (got {first['input']!r})" if first["loc"] else message)
