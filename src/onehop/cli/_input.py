"""From the arguments of ``onehop run`` to a call that is checked before anything runs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from onehop.cli._watching import caller, watched
from onehop.config import SandboxConfig
from onehop.corrections import wrapped_language
from onehop.errors import InvalidRequestError
from onehop.inputs.languages import language_of_file
from onehop.requests import check_request
from onehop.types import ExecutionRequest, ExecutionResult, Language

if TYPE_CHECKING:
    from onehop.backends.begun import Begun
    from onehop.config import ToolsConfig
    from onehop.execution.executor import Executor
    from onehop.tools import Rule

CLI_AGENT: Final = "cli"
"""The agent under whose name the command line's runs are recorded."""

_SOURCES: Final = "a FILE, code such as 'return 1', --code, or code on standard input"
_READABLE: Final = {
    "code": "a readable file; to run it as code, use --code",
    "--code": "the name of a readable file that has the code",
    "context": "a readable file, or JSON such as '{\"a\": 1}'",
}
_NAME: Final = re.compile(r"[\w./\\~@:-]+")
"""An argument of these characters alone is the name of a file, there or not."""
_SUFFIX: Final = re.compile(r"\.(?:[cm]?[jt]s|[jt]sx)\Z", re.IGNORECASE)
_CODE: Final = re.compile(
    r"""[\n;={}"'`]|^\s*(?:return|await|throw|const|let|var|new|if|for|while|try|class|function"""
    r"""|async|typeof|export|import)\b(?![.-])"""
)
"""What a file's name hardly ever has: with it, text that ends as ``.js`` does is code too."""


@dataclass(frozen=True, slots=True)
class Call:
    """What to run, and under which settings."""

    request: ExecutionRequest
    config: SandboxConfig


def read_call(
    source: str | None,
    code: str | None,
    context: str | None,
    language: str | None,
    timeout: float | None,
    memory: int | None,
    seed: int | None = None,
    clock: str | None = None,
    typecheck: str | None = None,
    plan: bool = False,
    session: str | None = None,
) -> Call:
    """Read and check everything. Raises InvalidRequestError and ConfigError.

    ``source`` is the name of a file, "-" for standard input, or code; without it and ``code``, the
    code comes from standard input.
    """
    changes: dict[str, Any] = {} if memory is None else {"memory_limit": memory}
    config = SandboxConfig(**changes)
    if source is None and code is None:
        source = _standard_input(context)
    _refuse_contradictions(source, code, context)
    file = None if source is None or _is_code(source) else source
    given = _read_text("code", file, config.max_code) if file is not None else source or code
    checked = check_request(
        config,
        code=given,
        language=language or language_of_file(file) or wrapped_language(given or ""),
        timeout=timeout,
        context=None if context is None else _read_context(context, config.max_context),
        seed=seed,
        clock=_read_clock(clock),
        typecheck=typecheck,
        plan=plan,
        session=session,
    )
    return Call(checked.request, config)


def refuse_forgotten_session(session: str | None, record: bool) -> None:
    """A session has nothing to keep its values in without the store. Raises InvalidRequestError."""
    if session is not None and not record:
        allowed = "left out with --no-record: what a session stores is kept with the history"
        raise InvalidRequestError("session", repr(session), allowed)


def _read_clock(text: str | None) -> float | str | None:
    """Milliseconds, where it is a number, or the ISO time that it is."""
    try:
        return text if text is None else float(text)
    except ValueError:
        return text


def tools_config(files: Sequence[str] | None, mcp_servers: str | None = None) -> ToolsConfig:
    """The settings of tools; ``files``, and a file with ``mcp_servers``, go before those that they
    name. Raises ConfigError."""
    from onehop.config import ToolsConfig

    given: dict[str, Any] = {"files": tuple(files) if files else None, "mcp_servers": mcp_servers}
    return ToolsConfig(**{name: value for name, value in given.items() if value})


def execute(
    call: Call,
    *,
    record: bool = True,
    tools: Sequence[str] | None = None,
    rules: Sequence[str] | None = None,
    mcp_servers: str | None = None,
    begun: Begun | None = None,
) -> ExecutionResult:
    """Run the call in a sandbox of its own, validated, and recorded as the settings say unless
    ``record`` is false; ``tools`` are files with tools that the code may call, and names and globs
    of those that it is granted; ``rules`` hold for this run, as text; ``mcp_servers`` is a file
    with servers whose tools it may call; ``begun`` are processes that were started for it.

    Raises SandboxUnavailableError, StoreUnavailableError, AuditUnavailableError, ConfigError and
    InvalidRequestError.
    """
    import asyncio

    layer = _layer(rules or ())
    files = [given for given in tools or () if _is_tools_file(given)]
    names = [given for given in tools or () if given not in files] or None
    config = tools_config(files, mcp_servers)
    return asyncio.run(_execute(call, record, config, names, layer, begun))


def _layer(texts: Sequence[str]) -> list[Rule]:
    if not texts:
        return []
    from onehop.tools import rule_from_text

    return [rule_from_text(text, "--rule") for text in texts]


def _is_tools_file(given: str) -> bool:
    return given.endswith(".py") or "/" in given or os.path.isfile(given)


async def _execute(
    call: Call,
    record: bool,
    tools: ToolsConfig,
    names: Sequence[str] | None,
    rules: Sequence[Rule],
    begun: Begun | None,
) -> ExecutionResult:
    request = call.request
    config = call.config.model_copy(update={"pool_size": 1})
    opened = _recording if record else _forgetting
    is_checked = request.typecheck != "off" and "tools" in request.code
    first: dict[str, Any] = {
        "begun": begun,
        "first_language": request.language,
        "first_is_checked": is_checked,
    }
    async with watched() as watchers, opened(config, tools, watchers=watchers, **first) as executor:
        if tools.approvals:
            from onehop.cli._waiting import tell_of_waiting

            tell_of_waiting(executor, record)
        return await executor.execute(
            request.code,
            request.language,
            request.timeout,
            request.context,
            agent_id=CLI_AGENT,
            seed=request.seed,
            clock=request.clock,
            session=request.session,
            typecheck=request.typecheck,
            plan=request.plan,
            tools=names,
            rules=rules,
            traceparent=caller(),
        )


def _recording(
    config: SandboxConfig, tools: ToolsConfig, **options: Any
) -> AbstractAsyncContextManager[Executor]:
    from onehop.execution.compose import open_executor

    return open_executor(config, tools=tools, brief=True, **options)


@asynccontextmanager
async def _forgetting(
    config: SandboxConfig, tools: ToolsConfig, **options: Any
) -> AsyncIterator[Executor]:
    """An executor without a store: no file is made or read."""
    from onehop.config import ValidationConfig
    from onehop.execution.compose import granted
    from onehop.execution.executor import Executor
    from onehop.sandbox import Sandbox
    from onehop.validation import Validator

    rules = ValidationConfig()
    async with (
        Sandbox(
            config,
            preload_analysis=True,
            **options,
            **granted(tools, (), brief=True),
        ) as sandbox,
        Executor(sandbox, Validator(rules), level=rules.level) as executor,
    ):
        yield executor


def read_code(source: str | None, code: str | None, language: str | None) -> tuple[str, Language]:
    """The code to examine and its language. Raises InvalidRequestError and ConfigError."""
    call = read_call(source, code, None, language, None, None)
    return call.request.code, call.request.language


def read_file(field: str, path: str) -> str:
    """The text of a file. Raises InvalidRequestError and ConfigError."""
    return _read_text(field, path, SandboxConfig().max_code)


def read_context(given: str) -> Any:
    """JSON itself, or what is in the file of that name. Raises InvalidRequestError and
    ConfigError."""
    return _read_context(given, SandboxConfig().max_context)


def _standard_input(context: str | None) -> str | None:
    """Standard input, if code may come from it: it is not a terminal, and not the context."""
    return None if context == "-" or sys.stdin is None or sys.stdin.isatty() else "-"


def _refuse_contradictions(source: str | None, code: str | None, context: str | None) -> None:
    if source is None and code is None:
        raise InvalidRequestError("code", "nothing", _SOURCES)
    if source is not None and code is not None:
        raise InvalidRequestError("code", "both FILE and --code", "one of them")
    if source == context == "-":
        raise InvalidRequestError(
            "context",
            "'-' while the code is '-' too",
            "a file or JSON: standard input is read once",
        )


def _is_code(source: str) -> bool:
    """Whether an argument is code: no file has this name, and it does not look like one."""
    return source != "-" and not _exists(source) and not _like_a_name(source)


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a NUL character
        return False


def _like_a_name(source: str) -> bool:
    if not source or _NAME.fullmatch(source):
        return True
    return bool(_SUFFIX.search(source)) and not _CODE.search(source)


def _read_text(field: str, path: str, max_bytes: int) -> str:
    data = _read_bytes(field, path, max_bytes)
    if not data and path == "-":
        allowed = _SOURCES if field == "code" else "a JSON object"
        raise InvalidRequestError(field, "nothing: standard input is empty", allowed)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"bytes that are not UTF-8, the first at offset {error.start} of {_name(path)}"
        raise InvalidRequestError(field, got, "UTF-8 text") from None


def _read_bytes(field: str, path: str, max_bytes: int) -> bytes:
    """Read a file, but no more of it than may be used."""
    try:
        if path == "-":
            data = _standard_bytes(max_bytes + 4)
        else:
            with open(path, "rb") as stream:
                data = stream.read(max_bytes + 4)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidRequestError(field, f"{path!r} ({reason})", _READABLE[field]) from None
    if len(data) > max_bytes + 3:  # a byte order mark does not count
        raise InvalidRequestError(field, f"more in {_name(path)}", f"at most {max_bytes} bytes")
    return data


def _standard_bytes(most: int) -> bytes:
    """From standard input, which a shell may have closed (``<&-``)."""
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return sys.stdin.buffer.read(most)


def _read_context(given: str, max_bytes: int) -> Any:
    """The JSON itself, unless a file has this name; else what is in the file."""
    if given.lstrip().startswith(("{", "[")) and not _exists(given):
        return _parse_json(given, "--context")
    # White space counts for the file; what is sent is compact, and checked again.
    return _parse_json(_read_text("context", given, 2 * max_bytes), _name(given))


def _parse_json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at line {error.lineno}, column {error.colno} of {place}"
    except (RecursionError, ValueError) as error:
        reason = f"{error} in {place}"
    raise InvalidRequestError("context", f"text that is not JSON ({reason})", "a JSON object")


def _name(path: str) -> str:
    return "standard input" if path == "-" else path
