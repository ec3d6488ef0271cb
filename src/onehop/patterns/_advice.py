"""Each kind of failure in words, and what usually helps; fixed texts only."""

from __future__ import annotations

from typing import Final

from onehop.patterns._shapes import RULES

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "read-undefined": (
        "reading a property of undefined",
        "Check that the value exists first: use `?.` or a default with `??`.",
    ),
    "read-null": (
        "reading a property of null",
        "Check that the value is there first: use `?.` or a default with `??`.",
    ),
    "write-undefined": (
        "setting a property of undefined",
        "Create the object before you set its fields.",
    ),
    "write-null": ("setting a property of null", "Create the object before you set its fields."),
    "destructure-empty": (
        "destructuring a value that is missing",
        "Give it a default, such as `= {}`, or check that the value exists first.",
    ),
    "reduce-empty": ("reducing an empty list", "Give `reduce` an initial value."),
    "not-iterable": (
        "iterating over a value that is not a list",
        "Check it with `Array.isArray`, or use `Object.entries` for an object.",
    ),
    "not-constructor": (
        "calling `new` on something that is not a class",
        "Check the spelling, and whether it is a plain function.",
    ),
    "needs-new": ("calling a class without `new`", "Write `new` before the call."),
    "needs-function": (
        "passing something else where a function is needed",
        "Pass the function itself, not its result and not text.",
    ),
    "not-function": (
        "calling what is not a function",
        "Check the spelling of the method, and the type of the value that it is called on.",
    ),
    "used-too-early": (
        "using a variable before it is declared",
        "Move the declaration above its first use.",
    ),
    "not-defined": (
        "using a name that is not defined",
        "Declare it, or read it from `context`; the sandbox has only the language's own globals.",
    ),
    "constant": ("assigning to a constant", "Declare it with `let`."),
    "read-only": (
        "changing what is read-only",
        "Copy the object first, for example with the spread syntax.",
    ),
    "circular": (
        "turning a circular structure into JSON",
        "Return plain objects that do not refer to themselves.",
    ),
    "bigint": (
        "mixing BigInt with other values",
        "Convert with `Number()` or `BigInt()` before you calculate, and with `String()` for JSON.",
    ),
    "symbol": ("turning a symbol into text", "Call `String()` on it."),
    "empty-object": (
        "listing the fields of a value that is missing",
        "Give it a default, such as `?? {}`.",
    ),
    "invalid-json": (
        "parsing text that is not JSON",
        "Look at the text first; what comes in `context` is parsed already.",
    ),
    "stack-overflow": (
        "recursion without an end",
        "Give the recursion an end, or use a loop.",
    ),
    "memory": (
        "using more memory than the run has",
        "Work in smaller parts, and keep only what the result needs.",
    ),
    "array-length": ("an invalid length of an array", "Check the number before you use it."),
    "invalid-date": (
        "using an invalid date",
        "Check the text of the date; ISO 8601 is read everywhere.",
    ),
    "out-of-range": ("an argument out of range", "Check the number before you use it."),
    "all-rejected": (
        "a group of promises that all failed",
        "Look at each error, for example with `Promise.allSettled`.",
    ),
    "code-from-text": (
        "running code from text",
        "Write the code itself; eval and Function are not available.",
    ),
    "import": (
        "importing a module",
        "There are no modules: use `context` and the built-in globals.",
    ),
    "export": ("exporting", "Return the value instead."),
    "jsx": ("JSX", "Build a string or a plain object instead."),
    "await": ("await in a function that is not async", "Make the function async."),
    "typescript": (
        "TypeScript sent as JavaScript",
        'Send it with language "typescript", or leave the types out.',
    ),
    "declared-twice": ("declaring a name twice", "Rename one of them, or assign without `let`."),
    "unclosed": (
        "a bracket, quote or comment that is never closed",
        "Count brackets and quotes; send the whole program.",
    ),
    "regular-expression": (
        "an invalid regular expression",
        "Check its brackets and escapes.",
    ),
    "unexpected-token": (
        "code that does not parse",
        "Check the place that the error names, and what stands before it.",
    ),
    "timeout": (
        "running longer than the deadline",
        "Check that every loop ends, do less, or ask for a longer timeout.",
    ),
    "cpu": (
        "using more CPU time than the run has",
        "Check that every loop ends, and do less.",
    ),
    "never-settles": (
        "waiting for a promise that nothing settles",
        "Make sure that every promise is resolved or rejected.",
    ),
    "exit": ("ending the worker", "Return from the code instead of ending the process."),
    "forbidden": (
        "asking the system for what is forbidden",
        "Use `context` and the built-in globals only.",
    ),
    "validation": (
        "code that validation refuses",
        "Read the findings: each says what to write instead.",
    ),
    "custom": ("an error that your code throws itself", "Check the condition before it."),
    "other": ("an error of another kind", "Read its message and the place that it names."),
    "cancelled": ("a run that was cancelled", "Nothing is wrong with the code."),
    "internal": ("a failure of the sandbox", "Nothing is wrong with the code."),
}

_REFUSED: Final = {f"validation-{rule}": rule for rule in RULES}

KIND_WORDS: Final = {
    **{kind: words for kind, (words, _) in _TEXTS.items()},
    **{kind: f"code that validation refuses, rule {rule}" for kind, rule in _REFUSED.items()},
}
ADVICE: Final = {
    **{kind: advice for kind, (_, advice) in _TEXTS.items()},
    **dict.fromkeys(_REFUSED, _TEXTS["validation"][1]),
}

CONSTRUCT_WORDS: Final = {
    "member_expression": "at a property access",
    "subscript_expression": "at an access by index",
    "call_expression": "at a call",
    "new_expression": "at `new`",
    "assignment_expression": "at an assignment",
    "augmented_assignment_expression": "at an assignment",
    "variable_declarator": "at a declaration",
    "throw_statement": "at a `throw`",
    "await_expression": "at an `await`",
    "for_statement": "in a loop",
    "for_in_statement": "in a loop",
    "while_statement": "in a loop",
    "do_statement": "in a loop",
    "arrow_function": "in a function",
    "function_expression": "in a function",
    "function_declaration": "in a function",
    "method_definition": "in a method",
    "spread_element": "at a spread",
    "template_string": "in a template",
    "template_substitution": "in a template",
    "object_pattern": "at a destructuring",
    "array_pattern": "at a destructuring",
    "arguments": "in the arguments of a call",
}
"""Where it happened; other constructs go unnamed."""
