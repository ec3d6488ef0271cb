"""Print docs/reference/validation.md with the rules that the code has, for scripts/docs."""

from __future__ import annotations

from onehop.validation._examine import MAX_FINDINGS, MAX_SECONDS
from onehop.validation._parser import MAX_LENGTH
from onehop.validation._risk import FINDING_IMPACT, MAX_IMPACT, SECURITY_IMPACT
from onehop.validation._rules import RULES, TOO_COMPLEX, TRIPWIRES, BuiltIn

_PAGE = """\
# Validation

Made by `scripts/docs` from `src/onehop/validation`; do not edit.

onehop examines code before it runs, so that its author learns what will not work, why, and what
to write instead. This is advice and a tripwire, not a security boundary. The sandbox protects the
host: everything that is refused here also fails when it is run. Tests try that for each spelling.

```python
from onehop.validation import Validator

report = Validator().validate("return process.env.TOKEN")
print(report.safe, [(issue.pattern, issue.line, issue.column) for issue in report.issues])
```

```text
False [('process', 1, 8)]
```

`validate_code(code, language)` does the same with the settings of the environment; a program that
validates often keeps one `Validator`, which remembers its verdicts by the hash of the code.

## Rules

{rules}

Names count for what they mean. A local variable, a parameter, a property, a label, a type, a
comment, a string or a key in data that bears such a name is not a finding. An alias, a computed
name with constant text, an escape, a destructuring pattern or a call of `Reflect` that leads to the
real thing is one. `typeof process` alone is not. At most {max_findings} findings of
one rule come back.

## What is refused

A finding of an error rule refuses the code only if each run must fail because of it, as far as the
program's text shows: every run reaches it, and nothing catches it. Otherwise it is a
warning of the same severity, and the code runs. These run:

- what a condition may skip: `typeof process !== "undefined" && process.env`, the branches of `if`,
  `?:`, `switch`, `&&`, `||`, `??` and `?.`, loops that may not turn once, what follows a `return`
  that may come first; a condition that is constant counts as what it is
- what is caught: in a `try` with a `catch`, or a promise with `.catch(…)`
- what is only looked at or handed on: `globalThis.process ?? null`, `const run = eval`
- functions, methods and generators that no certain call is seen of
- globals that the program makes itself: `globalThis.require = (name) => stubs[name]`
- anything in a program that the parser cannot read: there the engine decides

An import whose names are types, or are never used as values, is dropped from TypeScript and is not
a finding. The error of a refusal names the rule that decided.

Code that does not parse is examined as far as its tree goes. No program is examined for longer
than {max_seconds:g} s of CPU time, and none that has more than {max_length:,} characters:
`{too_complex}` says so.

Only a run can show some spellings: a name that is computed from data, or a global that goes
through an array. They are not found, and fail when they are run.

Each finding that refuses the code is announced as `code:security:issue`, and so is each finding of
these rules where the code runs: {tripwires}.

## Levels

| level | what blocks |
| --- | --- |
| NONE, ASYNC | nothing: the caller decides, and `safe` is what it would be at BLOCKING |
| BLOCKING | errors |
| STRICT | errors, and warnings of severity medium or higher |

`code_execute` is held to BLOCKING at least. Nothing but the operator's setting makes it STRICT.

What is not there, such as `process` and `require`, blocks at no level where a use of it need not be
reached: behind `typeof`, in `try`, in an optional chain, behind `return`, or behind an error that
the code throws itself.

## Risk

The score is the sum of these, at most 1; `factors` holds each by its name. It orders what people
look at, and decides nothing: code that would succeed is never refused for its score or for what
failed before. Code that was refused has not failed, and does not count as a failure.

| factor | value |
| --- | --- |
| `complexity` | 0.2 · the size of the program and the depth of its loops, 0 to 1 |
| `failureRate` | 0.3 · the part of the agent's runs that failed |
| `securityImpact` | 0.3 · ({security_impact} for running code at all, and more for each rule \
that found something, by its worst finding: {impacts}), at most 0.3 · {max_impact:g} |
| `performanceImpact` | 0.2 · the number and depth of loops, and whether one never ends, 0 to 1 |
| `repeatedErrors` | 0.3 after more than 5 errors of the agent |
| `repeatedFailure` | 0.4 for code that is known to fail |

## Change the rules

```toml
[validation]
off = ["missing_global"]                 # rules that are not applied
rules = ["acme.rules:no_random"]         # rules of your own

[validation.severity]
many_loops = "medium"                    # which makes it block at STRICT
```

[Write a rule](../how-to/write-a-rule.md) shows how to add one.
"""
_HEAD = ["| rule | severity | finds | what to write instead |", "| --- " * 4 + "|"]


def main() -> None:
    """Print the page."""
    page = _PAGE.format(
        rules="\n\n".join(_tables()),
        max_findings=MAX_FINDINGS,
        max_seconds=MAX_SECONDS,
        max_length=MAX_LENGTH,
        too_complex=TOO_COMPLEX.name,
        security_impact=SECURITY_IMPACT,
        max_impact=MAX_IMPACT,
        impacts=", ".join(f"{name} {impact:g}" for name, impact in FINDING_IMPACT.items()),
        tripwires=", ".join(f"`{name}`" for name in sorted(TRIPWIRES)),
    )
    print(page, end="")


def _tables() -> list[str]:
    rules = (*RULES, TOO_COMPLEX)
    errors = [_row(rule) for rule in rules if rule.type == "error"]
    warnings = [_row(rule) for rule in rules if rule.type == "warning"]
    return [
        "\n".join(["Errors block if each run must fail because of them.", "", *_HEAD, *errors]),
        "\n".join(["Warnings block at STRICT, from medium severity on.", "", *_HEAD, *warnings]),
    ]


def _row(rule: BuiltIn) -> str:
    cells = (f"`{rule.name}`", rule.severity, rule.finds, rule.suggestion)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
