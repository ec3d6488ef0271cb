"""The JavaScript that runs inside a worker before the guest's code, and how Deno is started."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files
from urllib.parse import quote

_PARTS = (
    "primordials.js",
    "channel.js",
    "advice.js",
    "positions.js",
    "errors.js",
    "stacks.js",
    "warnings.js",
    "values.js",
    "second.js",
    "console.js",
    "timers.js",
    "waits.js",
    "ports.js",
    "lockdown.js",
    "run.js",
    "ending.js",
    "main.js",
)
"""In the order in which they stand in one function."""
_SECOND_PARTS = ("inspect.js", "table.js")
"""The same, of the function that is parsed later and gets what it uses of the first."""
_DECLARED = re.compile(
    r"^(?:const|class|(?:async )?function\*?) (?:(\w+)|\{([^}]*)\})", re.MULTILINE
)
"""What a file declares for the others: at the start of a line, and never changed."""

_COMPILER_PARTS = ("primordials.js", "positions.js", "compiler.js")
"""In the order in which they stand in one module."""

_LOADER = "data:application/javascript,Deno[Deno.internal].core.evalContext(Deno.args[0],%22{}%22)"
_FILE = "onehop:guest"

_BUILTINS = """
_http_agent _http_client _http_common _http_incoming _http_outgoing _http_proxy _http_server
_stream_duplex _stream_passthrough _stream_readable _stream_transform _stream_writable
_tls_common _tls_wrap assert assert/strict async_hooks buffer child_process cluster console
constants crypto dgram diagnostics_channel dns dns/promises domain events fs fs/promises http http2
https inspector inspector/promises module net os path path/posix path/win32 perf_hooks process
punycode querystring readline readline/promises repl sea sqlite stream stream/consumers
stream/promises stream/web string_decoder sys test test/reporters timers timers/promises tls
trace_events tty url util util/types v8 vm wasi worker_threads zlib
"""

ENVIRONMENT: dict[str, str] = {
    "DENO_DIR": "/dev/null/x",
    "HOME": "/nonexistent",
    "PATH": "/nonexistent",
    # Without this, the first TypeScript stalls for 150 ms.
    "DENO_EMIT_CACHE_MODE": "disable",
    "DENO_NO_UPDATE_CHECK": "1",
    "NO_COLOR": "1",
}
"""The whole environment of a worker."""


@lru_cache(maxsize=1)
def bootstrap_source() -> str:
    """The bootstrap as one script."""
    parts = _script(_join(_PARTS))
    shared = ",".join(_shared())
    return f'(function(){{"use strict";\n{parts}\nconst sharedWithSecond={{{shared}}};\n}})();\n'


@lru_cache(maxsize=1)
def second_source() -> str:
    """What the bootstrap compiles later: code that makes a function of what is shared."""
    parts = _script(_join(_SECOND_PARTS))
    shared = ",".join(_shared())
    head = f'return (function(shared){{"use strict";\nconst {{{shared}}}=shared;'
    return f"{head}\n{parts}\nreturn{{inspect:inspectValue,table,refuseColumns}};\n}})"


def _join(names: tuple[str, ...]) -> str:
    return "\n".join(map(_text, names))


def _script(source: str) -> str:
    return _to_ascii(_without_comments(source))


def _shared() -> list[str]:
    """The names of the first part that the second uses."""
    second = _join(_SECOND_PARTS)
    used = set(re.findall(r"\w+", _without_comments(second))) - _declared(second)
    return sorted(_declared(_join(_PARTS)) & used)


def _declared(source: str) -> set[str]:
    names = set()
    for name, several in _DECLARED.findall(source):
        renamed = (part.split(":")[-1].split("=")[0].strip() for part in several.split(","))
        names |= {name} if name else set(filter(None, renamed))
    return names


def _without_comments(source: str) -> str:
    """Drop indentation and lines that are comments: a quarter of the text to parse."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*", "*")))


def _to_ascii(source: str) -> str:
    """V8 keeps and reads text with one character beyond Latin-1 as two bytes each. Such characters
    stand in strings only."""
    return source.encode("ascii", "backslashreplace").decode("ascii")


@lru_cache(maxsize=1)
def _import_map() -> str:
    names = _BUILTINS.split()
    blocked = {prefix + name: None for name in names for prefix in ("node:", "")}
    return json.dumps({"imports": blocked}, separators=(",", ":"))


def deno_arguments(heap_mb: int | str) -> list[str]:
    """The arguments for Deno's binary, for a worker whose V8 heap may grow to ``heap_mb``."""
    return [
        *_options(heap_mb),
        f"--import-map=data:application/json,{_import_map()}",
        _LOADER.format(_FILE),
        # An argument costs nothing to start with; as module text it would be parsed twice.
        bootstrap_source(),
        second_source(),
    ]


def compiler_arguments(heap_mb: int | str) -> list[str]:
    """The same for the process that compiles TypeScript."""
    return [
        *_options(heap_mb),
        f"data:application/javascript,{quote(_text('compiler_main.js'))}",
        _to_ascii(_without_comments("\n".join(map(_text, _COMPILER_PARTS)))),
    ]


def _text(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _options(heap_mb: int | str) -> list[str]:
    v8_flags = (
        f"--max-heap-size={heap_mb}",
        "--no-short-builtin-calls",
        "--disallow-code-generation-from-strings",
    )
    return [
        "run",
        "--no-check",
        "--no-prompt",
        "--no-config",
        "--no-remote",
        "--no-npm",
        "--no-lock",
        "--no-code-cache",
        "--quiet",
        f"--v8-flags={','.join(v8_flags)}",
    ]
