"""The JavaScript that runs inside a worker before the guest's code, and how Deno is started."""

from __future__ import annotations

import json
from functools import lru_cache
from urllib.parse import quote

from onehop.guest._assembly import join, read_module

PARTS = (
    "primordials.js",
    "channel.js",
    "grant.js",
    "borrowed.js",
    "second.js",
    "advice.js",
    "positions.js",
    "errors.js",
    "stacks.js",
    "warnings.js",
    "values.js",
    "console.js",
    "answers.js",
    "timers.js",
    "waits.js",
    "clone.js",
    "run.js",
    "ending.js",
    "ports.js",
    "lockdown.js",
    "main.js",
)
"""In the order in which they stand in one function: each imports from those before it."""
SECOND_PARTS = (
    "inspect.js",
    "table.js",
    "calls.js",
    "tool_error.js",
    "arguments.js",
    "unawaited.js",
    "tools.js",
)
"""The same, of the function that is parsed later and gets what it imports of the first."""

COMPILER_PARTS = ("primordials.js", "positions.js", "compiler.js")
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
    parts = join(map(read_module, PARTS))
    shared = ",".join(_shared())
    return f'(function(){{"use strict";\n{parts}\nshareWithSecond({{{shared}}});\n}})();\n'


@lru_cache(maxsize=1)
def second_source() -> str:
    """What the bootstrap compiles later: code that makes a function of what is shared."""
    parts = join(map(read_module, SECOND_PARTS), given=PARTS)
    shared = ",".join(_shared())
    head = f'return (function(shared){{"use strict";\nconst {{{shared}}}=shared;'
    return (
        f"{head}\n{parts}\nreturn{{inspectValue,logTable,refuseColumns,openTools,ToolError}};\n}})"
    )


@lru_cache(maxsize=1)
def _shared() -> list[str]:
    """The names of the first part that the second imports."""
    imports = [read_module(name).imports for name in SECOND_PARTS]
    return sorted({name for each in imports for file in PARTS for name in each.get(file, ())})


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
        f"data:application/javascript,{quote(read_module('compiler_main.js').text)}",
        join(map(read_module, COMPILER_PARTS)),
    ]


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
