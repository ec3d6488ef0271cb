"""What is refused must fail when it is run, and what runs must not be refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from onehop import Sandbox
from onehop.analysis import BlockingAnalyst
from onehop.types import Language
from onehop.validation import Validator
from tests.sampling import some
from tests.validation.guarded import GUARDED, LIBRARIES, combined

GUARDED_CODES = [*(line for line in GUARDED.splitlines() if line), *LIBRARIES]
BATCH = 60


def test_code_that_does_without_what_it_names_is_not_refused(analyst: BlockingAnalyst) -> None:
    new = (Validator(analyst=analyst).validate(code) for code in GUARDED_CODES)
    refused = [code for code, report in zip(GUARDED_CODES, new, strict=True) if not report.safe]
    assert refused == []


def test_the_this_of_typescript_is_no_parameter_of_a_call(validator: Validator) -> None:
    code = "function f(this: unknown, p: unknown = process.env) { return p }\nreturn f(1)"
    assert validator.validate(code, "typescript").safe
    assert not validator.validate(code.replace("f(1)", "f()"), "typescript").safe


THROWN = """\
if (typeof process === 'undefined') throw new Error('x'); process.exit()
if (!globalThis.process) { throw new Error('x') } return process.env
throw new Error('first'); return require('fs')
function f() { if (context.a) throw 1; return Deno.env } return f()
if (context.a) throw new Error('x'); const f = () => process.env; return f()
"""


def test_what_stands_behind_an_error_of_the_codes_own_is_not_refused(validator: Validator) -> None:
    assert refused_of(validator, THROWN.splitlines()) == []


def test_an_error_that_is_caught_or_behind_does_not_save_a_use(validator: Validator) -> None:
    codes = [
        "try { throw new Error('a') } catch { } process.exit()",
        "process.exit(); throw new Error('a')",
        "const f = () => { throw 1 }; return process.env",
        "if (context.a) throw new Error('a'); eval('1')",
        "if (context.a) throw new Error('a'); new Function('1')",
    ]
    assert refused_of(validator, codes) == codes


def test_at_strict_too_guarded_code_is_not_refused(validator: Validator) -> None:
    codes = [line for line in GUARDED.splitlines() if "process" in line] + THROWN.splitlines()
    refused = [
        code
        for code in codes
        for found in [validator.validate(code, level="STRICT")]
        if not found.safe
        and all(each.pattern in ("process", "require", "deno") for each in found.issues)
    ]
    assert len(codes) > 30
    assert refused == []


async def test_that_code_runs(sandbox: Sandbox) -> None:
    outcomes = await tried(sandbox, GUARDED_CODES, {})
    assert len(outcomes) == len(set(GUARDED_CODES)) >= 130
    assert {code: error for code, error in outcomes.items() if error} == {}


async def test_what_is_refused_fails_wherever_it_stands(
    sandbox: Sandbox, validator: Validator
) -> None:
    every = combined()
    codes = list(some(every, 300))
    outcomes = await tried(sandbox, codes, {"x": 1})
    refused = refused_of(validator, codes)
    assert len(every) >= 900
    assert len(outcomes) == len(codes)
    assert len(refused) / len(codes) >= 270 / len(every)
    assert [code for code in refused if outcomes[code] is None] == []


@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_what_stands_bare_is_refused(language: Language, validator: Validator) -> None:
    bare = [
        code for code in combined() if code.startswith(("return await (async () => ", "const v"))
    ]
    plain = [code for code in bare if "catch" not in code and "context" not in code]
    assert len(plain) >= 18
    assert [code for code in plain if code not in refused_of(validator, plain, language)] == []


def refused_of(
    validator: Validator, codes: list[str], language: Language = "javascript"
) -> list[str]:
    return [code for code in codes if not validator.validate(code, language).safe]


async def tried(
    sandbox: Sandbox, codes: list[str], context: dict[str, Any]
) -> dict[str, str | None]:
    """The error of each program; None of one that runs. Many share a run."""
    outcomes: dict[str, str | None] = {}
    for batch in batches(list(dict.fromkeys(codes))):
        outcomes |= await tried_together(sandbox, batch, context)
    return outcomes


async def tried_together(
    sandbox: Sandbox, codes: list[str], context: dict[str, Any]
) -> dict[str, str | None]:
    """A rejection that a program leaves behind fails the run of all: then each half runs alone."""
    ended = await sandbox.execute(shared(codes), context=context, timeout=20_000)
    if ended.success:
        return dict(ended.output)
    if len(codes) == 1:
        return {codes[0]: ended.error}
    first, second = codes[: len(codes) // 2], codes[len(codes) // 2 :]
    halves = await tried_together(sandbox, first, context)
    return halves | await tried_together(sandbox, second, context)


def batches(codes: list[str]) -> Iterator[list[str]]:
    yield from (codes[at : at + BATCH] for at in range(0, len(codes), BATCH))


def shared(codes: list[str]) -> str:
    """A program that tries others, each as a function that finds the global object unchanged."""
    tries = ",\n".join(f"[{json.dumps(code)}, async function () {{ {code}\n }}]" for code in codes)
    return f"""
const fresh = Object.getOwnPropertyDescriptors(globalThis);
const restore = () => {{
  for (const name of Object.getOwnPropertyNames(globalThis)) {{
    if (!Object.hasOwn(fresh, name)) delete globalThis[name];
  }}
  Object.defineProperties(globalThis, {{ setTimeout: fresh.setTimeout }});
}};
const outcomes = [];
for (const [code, program] of [{tries}]) {{
  try {{ await program(); outcomes.push([code, null]); }}
  catch (error) {{ outcomes.push([code, String(error)]); }}
  restore();
}}
return outcomes;
"""
