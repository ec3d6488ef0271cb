"""The shapes of failures: three words, each from a closed table, and nothing else.

``class:kind:construct``, such as ``TypeError:read-undefined:member_expression``. No value, name,
message or piece of code finds its way into one, whatever a guest throws.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from onehop.types import ErrorInfo, ExecutionResult, Language

_THROWN: Final = (
    "TypeError",
    "ReferenceError",
    "RangeError",
    "SyntaxError",
    "EvalError",
    "URIError",
    "AggregateError",
)
_OURS: Final = {
    "timeout": ("TimeoutError", "timeout"),
    "validation": ("ValidationError", "validation"),
    "cancelled": ("CancelledError", "cancelled"),
    "internal": ("InternalError", "internal"),
}
"""Ends that the host declares, by the type of the error."""
_NAMED: Final = {
    "PromiseNeverSettledError": "never-settles",
    "WorkerExit": "exit",
    "CpuLimitError": "cpu",
    "MemoryLimitError": "memory",
    "ForbiddenSystemCall": "forbidden",
    "ProtocolError": "forbidden",
}
"""The host's own errors, by name."""
_THROWN_BY_US: Final = frozenset({"PromiseNeverSettledError", "WorkerExit"})
"""Those of them that are of type runtime, as a guest's errors are; a guest that takes one of these
names only mislabels its failure."""

CLASSES: Final = frozenset({"Error", *_THROWN, *_NAMED, *(name for name, _ in _OURS.values())})

_MESSAGES: Final[tuple[tuple[str, str, re.Pattern[str]], ...]] = tuple(
    (kind, classes, re.compile(pattern))
    for kind, classes, pattern in (
        ("read-undefined", "TypeError", r"Cannot read properties of undefined"),
        ("read-null", "TypeError", r"Cannot read properties of null"),
        ("write-undefined", "TypeError", r"Cannot set properties of undefined"),
        ("write-null", "TypeError", r"Cannot set properties of null"),
        (
            "destructure-empty",
            "TypeError",
            r"Cannot destructure|is not iterable or its return|from 'undefined'",
        ),
        ("reduce-empty", "TypeError", r"Reduce of empty array"),
        (
            "not-iterable",
            "TypeError",
            r"(?:is|are) not iterable|Spread syntax requires|is not async iterable",
        ),
        ("not-constructor", "TypeError", r"is not a constructor"),
        ("needs-new", "TypeError", r"cannot be invoked without 'new'"),
        (
            "needs-function",
            "TypeError",
            r"needs a function|callback must be a function|^undefined is not a func",
        ),
        ("not-function", "TypeError", r"is not a function(?!:)"),
        ("used-too-early", "ReferenceError", r"^Cannot access '.{0,500}' before initialization"),
        ("not-defined", "ReferenceError", r"is not defined(?!:)"),
        ("constant", "TypeError", r"^Assignment to constant variable"),
        (
            "read-only",
            "TypeError",
            r"read only property|object is not extensible|only a getter|Cannot delete",
        ),
        ("circular", "TypeError", r"circular structure to JSON"),
        ("bigint", "TypeError RangeError SyntaxError", r"BigInt"),
        ("symbol", "TypeError", r"Cannot convert a Symbol"),
        ("empty-object", "TypeError", r"Cannot convert undefined or null to object"),
        ("invalid-json", "SyntaxError", r"in JSON at|not valid JSON|JSON input|JSON at position"),
        ("stack-overflow", "RangeError", r"Maximum call stack size exceeded"),
        (
            "memory",
            "RangeError",
            r"Array buffer allocation failed|[Oo]ut of memory|Invalid string length",
        ),
        ("array-length", "RangeError", r"Invalid array length|Invalid typed array length"),
        ("invalid-date", "RangeError", r"Invalid time value|Invalid date"),
        (
            "out-of-range",
            "RangeError",
            r"must be between|out of range|Invalid count value|Incorrect locale",
        ),
        ("all-rejected", "AggregateError", r"All promises were rejected"),
        (
            "code-from-text",
            "EvalError TypeError",
            r"Code generation from strings|never run as code",
        ),
        ("import", "SyntaxError TypeError", r"^import\b"),
        ("export", "SyntaxError", r"^export has no meaning"),
        ("jsx", "SyntaxError", r"^JSX is not supported"),
        ("await", "SyntaxError", r"^await is only valid"),
        ("typescript", "SyntaxError", r"This looks like TypeScript"),
        ("declared-twice", "SyntaxError", r"has already been declared|redefined"),
        (
            "unclosed",
            "SyntaxError",
            r"is never closed|Unterminated|must be closed first",
        ),
        ("regular-expression", "SyntaxError", r"Invalid regular expression|Invalid flags"),
        (
            "unexpected-token",
            "SyntaxError",
            r"Unexpected|Expected|missing|Invalid or unexpected|closes nothing",
        ),
    )
)
"""What V8 and onehop say in errors of these classes, most special first; the first that is found
counts. A message that goes on with what to write instead (``Buffer is not defined: …``) is none of
these: it has better advice than its kind."""

RULES: Final = frozenset(
    "eval function_constructor constructor_chain string_timer webassembly proto with require "
    "import import_scripts process child_process deno bun endless_loop nested_loops many_loops "
    "long_code obfuscation computed_global missing_global export jsx syntax".split()
)
"""Rules of validation that a shape may name; others are only called validation."""

KINDS: Final = frozenset(
    {
        "custom",
        "other",
        *(kind for kind, _, _ in _MESSAGES),
        *(kind for _, kind in _OURS.values()),
        *_NAMED.values(),
        *(f"validation-{rule}" for rule in RULES),
    }
)
CONSTRUCTS: Final = frozenset(
    "none member_expression subscript_expression call_expression new_expression "
    "assignment_expression augmented_assignment_expression variable_declarator throw_statement "
    "await_expression for_statement for_in_statement while_statement do_statement if_statement "
    "switch_statement try_statement arrow_function function_expression function_declaration "
    "method_definition class_declaration return_statement spread_element template_string "
    "template_substitution binary_expression unary_expression update_expression "
    "ternary_expression object array pair object_pattern array_pattern arguments regex "
    "yield_expression import_statement export_statement expression_statement".split()
)
NOT_THE_CODE: Final = frozenset({"cancelled", "internal"})
"""Kinds of ends that say nothing about the code."""
VAGUE: Final = frozenset({"other", "custom", "validation", "unexpected-token"})
"""Kinds that hold errors of all sorts, so that one says nothing of another."""

_MAX_CODE: Final = 100_000
_MAX_MESSAGE: Final = 2_000


def shape_of(code: str, language: Language, result: ExecutionResult) -> str | None:
    """The shape of a failed run of ``code``; None when it succeeded.

    The result's positions are those of ``code``.
    """
    if result.success:
        return None
    info = result.error_info
    if info is None:
        return "Error:other:none"
    name, kind = _class_and_kind(info)
    if kind == "validation":
        kind = _rule(result) or kind
    construct = "none" if kind in NOT_THE_CODE else _construct(code, language, info)
    return f"{name}:{kind}:{construct}"


def _rule(result: ExecutionResult) -> str | None:
    """The rule that refused the code, if the result has findings and the rule is ours."""
    findings = result.findings or []
    blocking = [each for each in findings if each.type == "error"] or findings
    kind = f"validation-{blocking[0].pattern}" if blocking else ""
    return kind if kind in KINDS else None


def known(shape: str) -> bool:
    """Whether it is one of ours; a store may hold anything."""
    parts = shape.split(":")
    return len(parts) == 3 and (
        parts[0] in CLASSES and parts[1] in KINDS and parts[2] in CONSTRUCTS
    )


def _class_and_kind(info: ErrorInfo) -> tuple[str, str]:
    if info.type in _OURS:
        return _OURS[info.type]
    if info.name in _NAMED and (info.type != "runtime" or info.name in _THROWN_BY_US):
        return info.name, _NAMED[info.name]
    name = info.name if info.name in _THROWN else "Error"
    if name == "Error" and info.name != "Error":
        return name, "custom"
    return name, _kind(name, info.message[:_MAX_MESSAGE])


def _kind(name: str, message: str) -> str:
    for kind, classes, pattern in _MESSAGES:
        if name in classes.split() and pattern.search(message):
            return kind
    return "other"


def _construct(code: str, language: Language, info: ErrorInfo) -> str:
    """The kind of the innermost construct of the closed table at the error's position."""
    if info.line is None or info.column is None or len(code) > _MAX_CODE:
        return "none"
    from onehop.source._lines import index_in_line, line_at
    from onehop.source._tree import encode, parse

    found = line_at(code, info.line)
    tree = parse(code, language, max_seconds=0.1) if found else None
    if found is None or tree is None:
        return "none"
    index = found[1] + index_in_line(found[0], info.column)
    byte, innermost, cursor = len(encode(code[:index])), "none", tree.root.walk()
    while cursor.goto_first_child_for_byte(byte) is not None:
        node = cursor.node
        if node is None or node.start_byte > byte:
            break
        innermost = node.type if node.type in CONSTRUCTS else innermost
    return innermost
