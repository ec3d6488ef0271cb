"""From the arguments of ``onehop run`` to a call that is checked before any process starts."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from onehop.config import SandboxConfig
from onehop.errors import InvalidRequestError
from onehop.inputs.languages import language_of_file
from onehop.requests import check_request
from onehop.types import ExecutionRequest, ExecutionResult, Language

CLI_AGENT = "cli"
"""Under which agent the command line's runs are recorded."""


@dataclass(frozen=True, slots=True)
class Call:
    """What to run, and under which settings."""

    request: ExecutionRequest
    config: SandboxConfig


def read_call(
    file: str | None,
    code: str | None,
    context: str | None,
    language: str | None,
    timeout: float | None,
    memory: int | None,
) -> Call:
    """Read and check everything. Raises InvalidRequestError and ConfigError."""
    changes: dict[str, Any] = {} if memory is None else {"memory_limit": memory}
    config = SandboxConfig(**changes)
    _refuse_contradictions(file, code, context)
    checked = check_request(
        config,
        code=_read_text("code", file, config.max_code) if file is not None else code,
        language=language or language_of_file(file),
        timeout=timeout,
        context=None if context is None else _read_json(context, config.max_context),
    )
    return Call(checked.request, config)


def execute(call: Call) -> ExecutionResult:
    """Run the call in a sandbox of its own, validated and recorded as the settings say.

    Raises SandboxUnavailableError, StoreUnavailableError, AuditUnavailableError and ConfigError.
    """
    import asyncio

    return asyncio.run(_execute(call))


async def _execute(call: Call) -> ExecutionResult:
    from onehop.execution.compose import open_executor

    request = call.request
    async with open_executor(call.config.replace(pool_size=1)) as executor:
        return await executor.execute(
            request.code,
            request.language,
            request.timeout,
            request.context,
            agent_id=CLI_AGENT,
        )


def read_code(file: str | None, code: str | None, language: str | None) -> tuple[str, Language]:
    """The code to examine and its language. Raises InvalidRequestError and ConfigError."""
    call = read_call(file, code, None, language, None, None)
    return call.request.code, call.request.language


def _refuse_contradictions(file: str | None, code: str | None, context: str | None) -> None:
    if file is None and code is None:
        raise InvalidRequestError("code", "nothing", "a FILE, '-' for standard input, or --code")
    if file is not None and code is not None:
        raise InvalidRequestError("code", "both FILE and --code", "one of them")
    if file == context == "-":
        raise InvalidRequestError(
            "context", "'-' while the code is '-' too", "a file: standard input is read once"
        )


def _read_text(field: str, path: str, max_bytes: int) -> str:
    data = _read_bytes(field, path, max_bytes)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"bytes that are not UTF-8, the first at offset {error.start} of {_name(path)}"
        raise InvalidRequestError(field, got, "UTF-8 text") from None


def _read_bytes(field: str, path: str, max_bytes: int) -> bytes:
    """The file; no more is read than may be used."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(max_bytes + 4)
        else:
            with open(path, "rb") as stream:
                data = stream.read(max_bytes + 4)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidRequestError(field, f"{path!r} ({reason})", "a readable file") from None
    if len(data) > max_bytes + 3:  # a byte order mark does not count
        raise InvalidRequestError(field, f"more in {_name(path)}", f"at most {max_bytes} bytes")
    return data


def _read_json(path: str, max_bytes: int) -> Any:
    # White space counts for the file; what is sent is compact, and checked again.
    text = _read_text("context", path, 2 * max_bytes)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno} of {_name(path)}"
        reason = f"{error.msg} at {place}"
    except (RecursionError, ValueError) as error:
        reason = f"{error} in {_name(path)}"
    raise InvalidRequestError("context", f"text that is not JSON ({reason})", "a JSON object")


def _name(path: str) -> str:
    return "standard input" if path == "-" else path
