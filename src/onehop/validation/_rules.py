"""The table of rules: what is found, how grave it is, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from onehop.types import IssueType, Severity
from onehop.validation import _code_rules as code
from onehop.validation import _reach_rules as reach
from onehop.validation import _shape_rules as shape
from onehop.validation._facts import Facts
from onehop.validation._hits import Hit

Check = Callable[[Facts], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A rule of ours. Errors block where each run fails for them, and are warnings elsewhere;
    warnings block at STRICT, from medium severity on."""

    name: str
    type: Literal["error", "warning"]
    severity: Severity
    issue_type: IssueType
    finds: str
    suggestion: str
    check: Check


def _error(
    name: str, severity: Severity, issue: IssueType, finds: str, instead: str, check: Check
) -> BuiltIn:
    return BuiltIn(name, "error", severity, issue, finds, instead, check)


def _warning(
    name: str, severity: Severity, issue: IssueType, finds: str, instead: str, check: Check
) -> BuiltIn:
    return BuiltIn(name, "warning", severity, issue, finds, instead, check)


_CALL = "write the code itself, or choose between functions with an object or a Map"
_DATA = "pass what the code needs in `context`, and use the built-in globals"

RULES: Final[tuple[BuiltIn, ...]] = (
    _error(
        "eval",
        "critical",
        "dangerous_pattern",
        "calls of `eval`, under any name",
        f"{_CALL}; parse data with JSON.parse",
        code.eval_,
    ),
    _error(
        "function_constructor",
        "critical",
        "dangerous_pattern",
        "calls of `Function`, `AsyncFunction`, `GeneratorFunction`, and of the constructor of any "
        "function",
        _CALL,
        code.function_constructor,
    ),
    _error(
        "constructor_chain",
        "critical",
        "dangerous_pattern",
        "calls of `.constructor.constructor`; as a warning also "
        '`["constructor"]` and `.constructor[…]`',
        "name the class, or read `.constructor.name`",
        code.constructor_chain,
    ),
    _error(
        "string_timer",
        "high",
        "dangerous_pattern",
        "text given to `setTimeout`, `setInterval` or `setImmediate`",
        "give it a function: setTimeout(() => { … }, ms)",
        code.string_timer,
    ),
    _error(
        "webassembly",
        "high",
        "dangerous_pattern",
        "`WebAssembly`",
        "write it in JavaScript, which runs at full speed here",
        code.webassembly,
    ),
    _warning(
        "proto",
        "high",
        "dangerous_pattern",
        "`__proto__`, read, written or defined",
        "use Object.getPrototypeOf, Object.create, a class, or a Map for data",
        code.proto,
    ),
    _warning(
        "with",
        "medium",
        "dangerous_pattern",
        "the `with` statement",
        "take the object apart: const { a, b } = object",
        code.with_,
    ),
    _error(
        "require",
        "high",
        "unauthorized_access",
        "`require`, called or handed on",
        _DATA,
        reach.require,
    ),
    _error(
        "import",
        "high",
        "unauthorized_access",
        "`import`, static and dynamic, `import.meta`; not imports of types only",
        _DATA,
        reach.import_,
    ),
    _error(
        "import_scripts",
        "high",
        "unauthorized_access",
        "`importScripts`",
        _DATA,
        reach.import_scripts,
    ),
    _error(
        "process",
        "high",
        "unauthorized_access",
        "`process`, also as a property of the global object",
        "process.env and process.argv: pass values in `context`; process.exit: return; "
        "process.stdout: console.log; process.hrtime: performance.now()",
        reach.process,
    ),
    _error(
        "child_process",
        "critical",
        "unauthorized_access",
        "`child_process`",
        "do the work in JavaScript; no program can be started",
        reach.child_process,
    ),
    _error(
        "deno",
        "high",
        "unauthorized_access",
        "`Deno`, also as a property of the global object",
        _DATA,
        reach.deno,
    ),
    _error(
        "bun",
        "high",
        "unauthorized_access",
        "`Bun`, also as a property of the global object",
        _DATA,
        reach.bun,
    ),
    _warning(
        "endless_loop",
        "medium",
        "dangerous_pattern",
        "`while (true)`, `for (;;)` and `do … while (true)` without a `break`, `return`, `throw` "
        "or `yield` that leaves the loop",
        "give the loop a condition, a `break` or a largest number of turns",
        shape.endless_loop,
    ),
    _warning(
        "nested_loops",
        "medium",
        "dangerous_pattern",
        f"loops nested more than {shape.MAX_NESTING} deep",
        "look things up in a Map instead of searching in a loop",
        shape.nested_loops,
    ),
    _warning(
        "many_loops",
        "low",
        "dangerous_pattern",
        f"more than {shape.MAX_LOOPS} loops",
        "do part of the work in another run",
        shape.many_loops,
    ),
    _warning(
        "long_code",
        "low",
        "dangerous_pattern",
        f"more than {shape.MAX_CHARACTERS:,} characters of code",
        "pass data in `context` instead of writing it into the code",
        shape.long_code,
    ),
    _warning(
        "obfuscation",
        "medium",
        "malicious_code",
        "long runs of escapes that spell plain letters, names spelled with escapes, code made "
        "of brackets and signs",
        "write the text as it is",
        shape.obfuscation,
    ),
    _warning(
        "computed_global",
        "medium",
        "malicious_code",
        "a property of the global object under a name that only a run tells",
        "name the global, or put your functions into an object of your own",
        reach.computed_global,
    ),
    _warning(
        "missing_global",
        "low",
        "unauthorized_access",
        "globals of browsers and Node.js that do not exist here: `fetch`, `Buffer`, `document`, …",
        "use what the message names",
        reach.missing_global,
    ),
    _warning(
        "export",
        "high",
        "dangerous_pattern",
        "`export` of a value",
        "`return` the value",
        reach.export,
    ),
    _warning(
        "jsx",
        "high",
        "dangerous_pattern",
        "JSX",
        "build a string or a plain object",
        shape.jsx,
    ),
    _warning(
        "syntax",
        "high",
        "dangerous_pattern",
        "what the parser cannot read; the engine decides, since the parser's grammar may lag "
        "behind the language",
        "check brackets, quotes and commas near this place",
        shape.syntax,
    ),
)
"""In the order in which they are applied."""

REACHES: Final = frozenset(
    rule.name for rule in RULES if rule.type == "error" and rule.issue_type == "unauthorized_access"
)
"""Rules about what is not there: a use that may not be reached is guarded, and blocks nowhere."""

TOO_COMPLEX: Final = BuiltIn(
    "too_complex",
    "warning",
    "high",
    "malicious_code",
    "code that takes too long to examine, or is longer than what is examined; the rest of the "
    "rules was not applied",
    "split the code, and pass data in `context`",
    lambda _facts: (),
)
"""Not applied but reported, when the others could not be."""

TRIPWIRES: Final = frozenset(
    {"proto", "with", "obfuscation", "computed_global"}
    | {rule.name for rule in RULES if rule.type == "error"}
)
"""Rules about ways out and disguise: people hear of them whether the code runs or not."""
