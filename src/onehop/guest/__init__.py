"""The JavaScript that runs inside a worker before the guest's code, and how Deno is started."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import copy
from functools import lru_cache
from urllib.parse import quote

from onehop.guest._assembly import Module, join, read_module, read_text

PARTS = (
    "primordials.js",
    "clock.js",
    "epoch.js",
    "channel.js",
    "grant.js",
    "borrowed.js",
    "second.js",
    "advice.js",
    "positions.js",
    "errors.js",
    "platform.js",
    "stacks.js",
    "warnings.js",
    "values_bytes.js",
    "values_steps.js",
    "values_plain.js",
    "values_forms.js",
    "values_quoted.js",
    "values.js",
    "console.js",
    "answers.js",
    "timers.js",
    "waits.js",
    "clone.js",
    "run.js",
    "turns.js",
    "ending.js",
    "ports.js",
    "globals.js",
    "lockdown.js",
    "main.js",
)
"""In the order in which they stand in one function: each imports from those before it."""
FOR_REALM = {"platform.js": "realm_platform.js", "main.js": "realm.js"}
"""What stands in a realm in the place of a file."""
REALM_PARTS = (
    "boundary.js",
    *PARTS[: PARTS.index("second.js")],
    "web_part.js",
    *(name for name in PARTS[PARTS.index("second.js") :] if name != "ports.js"),
)
"""Of the bootstrap of a realm, under the names that `FOR_REALM` replaces."""
WEB_PARTS = (
    "bytes.js",
    "web_pairs.js",
    "web_main.js",
    "web_methods.js",
    "web_classes.js",
    "web_guest.js",
    "web.js",
    "realm_clone.js",
    "ports.js",
    "realm_ports.js",
)
"""Of the function that a realm parses when the code looks at a class of the web's."""
REALMS_PARTS = (
    "primordials.js",
    "channel.js",
    "turns.js",
    "globals.js",
    "main_lock.js",
    "realms.js",
)
"""Of the main realm of a process that runs jobs in realms."""
SECOND_PARTS = (
    "inspect_lists.js",
    "inspect_numbers.js",
    "inspect_width.js",
    "inspect_quotes.js",
    "inspect_classes.js",
    "inspect_errors.js",
    "inspect_keys.js",
    "inspect_layout.js",
    "inspect_items.js",
    "inspect_platform.js",
    "inspect_shapes.js",
    "inspect.js",
    "table.js",
    "calls.js",
    "tool_error.js",
    "arguments.js",
    "unawaited.js",
    "tools.js",
    "snippets.js",
    "services.js",
    "sleeps.js",
    "forget.js",
)
"""The same, of the function that is parsed later and gets what it imports of the first."""
THIRD_PARTS = ("fixed.js", "session.js")
"""The same, of the function that few jobs need, and before their code runs."""

COMPILER_PARTS = ("primordials.js", "positions.js", "bodies.js", "frames.js", "compiler.js")
"""In the order in which they stand in one module."""
CHECKER_PARTS = (
    "primordials.js",
    "bodies.js",
    "frames.js",
    "checker_world.js",
    "checker_syntax.js",
    "checker_changes.js",
    "checker_names.js",
    "checker_flow.js",
    "checker_awaits.js",
    "checker.js",
)
"""The same."""

_LOADER = "data:application/javascript,Deno[Deno.internal].core.evalContext(Deno.args[0],%22{}%22)"
_REALMS_LOADER = (
    'data:application/javascript,import vm from "onehop:vm";globalThis.onehopVm=vm;'
    "Deno[Deno.internal].core.evalContext(Deno.args[4],%22onehop:realms%22)"
)
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
    shared = ",".join(_shared(PARTS, (*SECOND_PARTS, *THIRD_PARTS)))
    return f'(function(){{"use strict";\n{parts}\nshareWithSecond(()=>({{{shared}}}));\n}})();\n'


@lru_cache(maxsize=1)
def second_source() -> str:
    """What the bootstrap compiles later: code that makes a function of what is shared."""
    made = "inspectValue,logTable,refuseColumns,openTools,ToolError,services,forgetCall,isAsking"
    return _later(PARTS, SECOND_PARTS, f"{made},moveTimers,onceGlobal,openSnippets")


@lru_cache(maxsize=1)
def third_source() -> str:
    """The same of the part that few jobs need; a realm gets the same text."""
    return _later(PARTS, THIRD_PARTS, "fix,beginKeptCall,compileKept")


@lru_cache(maxsize=1)
def realm_source() -> str:
    """The bootstrap of a realm: an expression, a function of what the main realm hands over."""
    parts = join(map(_realm_module, REALM_PARTS))
    second = ",".join(_shared(REALM_PARTS, (*SECOND_PARTS, *THIRD_PARTS)))
    web = ",".join(_shared(REALM_PARTS, WEB_PARTS))
    share = f"shareWithSecond(()=>({{{second}}}));\nshareWithWeb(()=>({{{web},main}}));"
    return f'(function(main){{"use strict";\n{parts}\n{share}\nreturn realm;\n}})'


@lru_cache(maxsize=1)
def web_source() -> str:
    """The part of a realm's bootstrap that has the web's classes."""
    return _later(
        REALM_PARTS,
        WEB_PARTS,
        "toGuest,webGlobal,makeDOMException,clone",
        "main",
    )


@lru_cache(maxsize=1)
def realms_source() -> str:
    """The main realm of a process that runs jobs in realms."""
    parts = join(map(read_module, REALMS_PARTS))
    return f'(function(){{"use strict";\n{parts}\n}})();\n'


def _realm_module(name: str) -> Module:
    """The file that stands in a realm's bootstrap under that name."""
    module = copy(read_module(FOR_REALM.get(name, name)))
    module.name = name
    return module


def _later(first: tuple[str, ...], later: tuple[str, ...], made: str, *more: str) -> str:
    parts = join(map(read_module, later), given=first)
    shared = ",".join([*_shared(first, later), *more])
    head = f'return (function(shared){{"use strict";\nconst {{{shared}}}=shared;'
    return f"{head}\n{parts}\nreturn{{{made}}};\n}})"


@lru_cache(maxsize=4)
def _shared(first: tuple[str, ...], later: tuple[str, ...]) -> list[str]:
    """The names of the first parts that the later ones import."""
    imports = [read_module(name).imports for name in later]
    return sorted({name for each in imports for file in first for name in each.get(file, ())})


@lru_cache(maxsize=1)
def _import_map() -> str:
    names = _BUILTINS.split()
    blocked = {prefix + name: None for name in names for prefix in ("node:", "")}
    return json.dumps({"imports": blocked}, separators=(",", ":"))


@lru_cache(maxsize=1)
def _realms_import_map() -> str:
    """The same, but for the one module that makes realms, under a name that no code of the guest's
    can import by: in its realms there is no import."""
    imports: dict[str, str | None] = {
        **json.loads(_import_map())["imports"],
        "onehop:vm": "node:vm",
    }
    return json.dumps({"imports": imports}, separators=(",", ":"))


def deno_arguments(heap_mb: int | str) -> list[str]:
    """The arguments for Deno's binary, for a worker whose V8 heap may grow to ``heap_mb``."""
    return [
        *_options(heap_mb, f"--max-heap-size={heap_mb}", _FIRST_NURSERY),
        f"--import-map=data:application/json,{_import_map()}",
        _LOADER.format(_FILE),
        # An argument costs nothing to start with; as module text it would be parsed twice.
        bootstrap_source(),
        second_source(),
        third_source(),
    ]


def realms_arguments(heap_mb: int | str) -> list[str]:
    """The same for a process that runs one job after another, each in a realm of its own."""
    return [
        *_options(heap_mb, f"--max-old-space-size={heap_mb}", *_NURSERY, _NO_POOL),
        f"--import-map=data:application/json,{_realms_import_map()}",
        _REALMS_LOADER,
        realm_source(),
        second_source(),
        third_source(),
        web_source(),
        realms_source(),
    ]


def compiler_arguments(heap_mb: int | str) -> list[str]:
    """The same for the process that compiles TypeScript."""
    return _reader_arguments(heap_mb, COMPILER_PARTS)


def checker_arguments(heap_mb: int | str) -> list[str]:
    """The same for the process that checks programs before they run."""
    return _reader_arguments(heap_mb, CHECKER_PARTS)


def _reader_arguments(heap_mb: int | str, parts: Iterable[str]) -> list[str]:
    """For a process that reads programs and runs none."""
    return [
        *_options(heap_mb),
        f"data:application/javascript,{quote(read_module('compiler_main.js').text)}",
        join(map(read_module, parts)),
    ]


def globals_declared() -> str:
    """Declarations of what code finds in the sandbox beside the language."""
    return read_text("globals.d.ts")


_FIRST_NURSERY = "--min-semi-space-size=8"
"""MB for new objects from the start; they cost memory only as they are used. V8 gives a heap of 128
MB one for them, and copies a megabyte of JSON several times while it is built."""
_NURSERY = ("--min-semi-space-size=8", "--max-semi-space-size=8")
"""MB for new objects. A dead realm keeps its own ones alive until V8 collects everything: with less
room they are copied before that, twice, which is a quarter of a small run."""
_NO_POOL = "--memory-pool-timeout=0"
"""V8 keeps pages of dead objects for 8 s before the system gets them back, and every collection
renews them: as long as runs go on, that was 18 MB a process that nothing used."""


def _options(heap_mb: int | str, *memory: str) -> list[str]:
    v8_flags = (
        *(memory or (f"--max-heap-size={heap_mb}",)),
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
