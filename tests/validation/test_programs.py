"""What is forbidden is found, and what is not is left alone: two collections of programs."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from onehop import Sandbox
from onehop.analysis import BlockingAnalyst
from onehop.types import ExecutionResult, Language
from onehop.validation import Validator
from tests.validation.forbidden import (
    BEYOND_THE_TREE,
    NOT_CERTAIN,
    WORKS,
    lines,
    spellings,
)
from tests.validation.programs import harmless

HARMLESS = harmless()
FORBIDDEN = spellings()
AT_ONCE = 4
BATCH = 20
NEEDS_ITS_OWN = re.compile(r"\bimport\b|\bexport\b|return \)|\busing\b")
"""What does not parse within a function, or would end what it shares a run with."""
WARNED_OF: dict[str, list[str]] = {}
"""Harmless programs that give a warning, with the rules: none does."""


def test_the_collections_are_as_large_as_they_should_be() -> None:
    assert len({program.code for program in HARMLESS}) >= 150
    assert len({(language, code) for _, language, code in FORBIDDEN}) >= 120


def test_harmless_code_is_safe(analyst: BlockingAnalyst) -> None:
    wrong = {}
    for program in HARMLESS:
        report = Validator(analyst=analyst).validate(program.code, program.language)
        found = [issue.pattern for issue in report.issues]
        if found != WARNED_OF.get(program.name, []) or not report.safe:
            wrong[program.name] = found
    assert wrong == {}


def test_forbidden_code_is_found(analyst: BlockingAnalyst) -> None:
    missed = []
    for rule, language, code in FORBIDDEN:
        report = Validator(analyst=analyst).validate(code, language)
        found = {issue.pattern for issue in report.issues if issue.type == "error"}
        if rule not in found or report.safe:
            missed.append((rule, language, code, found))
    assert missed == []


@pytest.mark.parametrize(
    ("rule", "code"), [(rule, code) for rule, block in WORKS.items() for code in lines(block)]
)
def test_what_works_is_found_and_let_run(rule: str, code: str, validator: Validator) -> None:
    report = validator.validate(code)
    assert rule in {issue.pattern for issue in report.issues}
    assert report.safe


@pytest.mark.parametrize("code", lines(NOT_CERTAIN))
def test_what_is_not_certain_to_fail_is_found_and_let_run(code: str, validator: Validator) -> None:
    report = validator.validate(code)
    found = {each.pattern for each in report.issues}
    assert found & {"eval", "function_constructor", "constructor_chain", "process"}
    assert report.safe


@pytest.mark.parametrize("code", lines(BEYOND_THE_TREE))
def test_what_only_a_run_tells_is_not_claimed_to_be_found(code: str, validator: Validator) -> None:
    """When one of these is found one day, it moves to the forbidden ones."""
    assert validator.validate(code).safe


async def test_harmless_code_runs(sandbox: Sandbox) -> None:
    outcomes = await run_all(sandbox, [(each.language, each.code) for each in HARMLESS])
    assert {code: outcome for code, outcome in outcomes.items() if "error" in outcome} == {}


async def test_forbidden_code_is_impossible_at_run_time_too(sandbox: Sandbox) -> None:
    tried = [(each[1], each[2]) for each in FORBIDDEN]
    outcomes = await run_all(sandbox, tried)
    assert len(outcomes) == len(set(tried))
    assert works(outcomes) == {}


async def test_what_is_not_found_is_impossible_at_run_time(sandbox: Sandbox) -> None:
    codes = lines(BEYOND_THE_TREE) + lines(NOT_CERTAIN)
    outcomes = await run_all(sandbox, [("javascript", code) for code in codes])
    assert len(outcomes) == len(codes)
    assert works(outcomes) == {}


async def test_the_way_of_trying_tells_what_works_from_what_fails(sandbox: Sandbox) -> None:
    outcomes = await run_all(
        sandbox,
        [
            ("javascript", "return parseInt('2')"),
            ("javascript", "return absent"),
            ("typescript", "return 3 as number"),
            ("javascript", "return )"),
        ],
    )
    assert works(outcomes) == {"return parseInt('2')": 2, "return 3 as number": 3}


async def test_changing_the_prototype_of_all_objects_reaches_only_the_run_itself(
    sandbox: Sandbox,
) -> None:
    code = "({}).__proto__.polluted = 1; Object.prototype.polluted = 2; return ({}).polluted"
    await sandbox.execute(code)
    after = await sandbox.execute("return ({}).polluted ?? 'clean'")
    assert after.output == "clean"


Outcome = dict[str, Any]
"""``output`` of a program that ended, ``error`` of one that failed."""


def works(outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """The programs that gave something: each gives something only where it works."""
    return {
        code: outcome["output"]
        for code, outcome in outcomes.items()
        if outcome.get("output") is not None
    }


async def run_all(sandbox: Sandbox, programs: list[tuple[Language, str]]) -> dict[str, Outcome]:
    """What comes of each program: those that parse as functions share a run, others have their
    own."""
    together: list[tuple[Language, str]] = []
    alone: list[tuple[Language, str]] = []
    for language, code in programs:
        shares = language == "javascript" and not NEEDS_ITS_OWN.search(code)
        (together if shares else alone).append((language, code))
    batches = [together[at : at + BATCH] for at in range(0, len(together), BATCH)]
    limit = asyncio.Semaphore(AT_ONCE)

    async def run(code: str, language: Language) -> ExecutionResult:
        async with limit:
            return await sandbox.execute(code, language=language, timeout=10_000)

    runs = await asyncio.gather(
        *(run(shared([code for _, code in batch]), "javascript") for batch in batches),
        *(run(code, language) for language, code in alone),
    )
    outcomes: dict[str, Outcome] = {}
    for ended in runs[: len(batches)]:
        assert ended.success, ended.error
        outcomes |= dict(ended.output)
    for (_, code), ended in zip(alone, runs[len(batches) :], strict=True):
        outcomes[code] = {"output": ended.output} if ended.success else {"error": ended.error}
    return outcomes


def shared(codes: list[str]) -> str:
    """A program that tries others one after the other, each as a function of its own."""
    tries = ",\n".join(f"[{json.dumps(code)}, async function () {{ {code}\n }}]" for code in codes)
    return f"""
const outcomes = [];
for (const [code, program] of [{tries}]) {{
  try {{ outcomes.push([code, {{ output: (await program()) ?? null }}]); }}
  catch (error) {{ outcomes.push([code, {{ error: String(error) }}]); }}
}}
return outcomes;
"""
