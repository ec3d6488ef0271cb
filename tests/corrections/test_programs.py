"""Repaired programs do what was meant, all others what they did; run for real."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence

import pytest

from onehop import ExecutionResult, Sandbox
from onehop.config import CorrectionConfig
from onehop.corrections import CorrectedCode, correct_code, in_original
from onehop.types import Language
from tests.corrections import programs
from tests.sampling import some
from tests.users import ROOT

ON = CorrectionConfig()
LANGUAGES: tuple[Language, Language] = ("javascript", "typescript")


def corpus() -> list[str]:
    """The programs of the pages on values and errors."""
    pages = (ROOT / "docs/reference" / name for name in ("values.md", "errors.md"))
    text = "\n".join(page.read_text("utf-8") for page in pages)
    return [code for code in re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE) if "\\|" not in code]


async def results(
    sandbox: Sandbox, codes: Sequence[str], language: Language
) -> list[ExecutionResult]:
    runs = (sandbox.execute(code, language, timeout=500) for code in codes)
    return list(await asyncio.gather(*runs))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_that_misses_nothing_is_not_changed(language: Language) -> None:
    whole = programs.WHOLE_JS if language == "javascript" else programs.WHOLE_TS
    for line in whole:
        code = programs.written(line)
        corrected = correct_code(code, language, ON)
        assert (corrected.code, corrected.corrections) == (code, []), line


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_repaired_program_gives_what_was_meant(
    sandbox: Sandbox, language: Language
) -> None:
    every = programs.REPAIRED_JS if language == "javascript" else programs.REPAIRED_TS
    lines = some(every, 30)
    pairs = [line.rpartition(" => ") for line in lines]
    repaired = [correct_code(programs.written(code), language, ON) for code, _, _ in pairs]
    runs = await results(sandbox, [each.code for each in repaired], language)
    for (line, _, output), corrected, run in zip(pairs, repaired, runs, strict=True):
        assert corrected.corrections or not run.success, line
        assert corrected.code.count("\n") == programs.written(line).count("\n")
        assert run.output == json.loads(output), (line, run.error)
        assert run.success or output == "null", (line, run.error)


def test_of_a_corpus_of_real_programs_only_those_without_return_are_touched() -> None:
    touched = [code for code in corpus() if correct_code(code, "javascript", ON).corrections]
    assert len(corpus()) > 60
    assert not [code for code in touched if code.startswith("return") or "; return" in code]


async def test_what_ran_before_a_repair_prints_the_same_after_it(sandbox: Sandbox) -> None:
    codes = [programs.written(line.rpartition(" => ")[0]) for line in programs.REPAIRED_JS]
    codes = [code for code in (*codes[::2], *corpus()) if "`" not in code]
    pairs = [(code, correct_code(code, "javascript", ON)) for code in codes]
    pairs = [(code, corrected) for code, corrected in pairs if corrected.corrections]
    pairs = list(some(pairs, 15))
    before = await results(sandbox, [code for code, _ in pairs], "javascript")
    after = await results(sandbox, [corrected.code for _, corrected in pairs], "javascript")
    for (code, corrected), old, run in zip(pairs, before, after, strict=True):
        new = in_original(run, code, corrected)
        assert new.success or not old.success, code
        assert not old.success or (old.output is None and new.logs == old.logs), code
        assert new.success or without_place(new) == without_place(old), code


def without_place(result: ExecutionResult) -> str:
    return re.sub(r" \(line .*", "", result.error or "")


FAILING = [
    "null.x",
    "  null.x",
    "const a = 1\n  a.b.c",
    "const a = 1; a.b.c",
    "'😀'; a.b",
    "[1].map((x) => {\n  return x.y.z\n})",
    "async () => { null.x }",
    "async () => {\n  null.x\n}",
    "function main() { return context.a.b }",
    "(async () => { await null; throw new Error('no') })()",
    "const f = () => { throw new Error('deep') }; [1].map(() => f())",
    "```js\nnull.x\n```",
    "\r\nnull.x\r\n",
    "const broken = 5; `${broken.a.b}`",
]


@pytest.mark.sample(5)
@pytest.mark.parametrize("code", FAILING)
async def test_errors_are_placed_in_the_text_that_the_caller_wrote(
    sandbox: Sandbox, code: str
) -> None:
    corrected = correct_code(code, "javascript", ON)
    assert corrected.corrections
    raw = await sandbox.execute(corrected.code)
    seen = in_original(raw, code, corrected)
    assert raw.error_info is not None
    assert seen.error_info is not None
    line, column = seen.error_info.line, seen.error_info.column
    assert line is not None
    assert column is not None
    assert pointed(code, line, column) == pointed(
        corrected.code, raw.error_info.line or 0, raw.error_info.column or 0
    )
    assert f"(line {line}, column {column})" in (seen.error or "")
    assert seen.error_info.stack is None or f"code.js:{line}:{column}" in seen.error_info.stack
    assert (seen.error_info.excerpt or "").splitlines()[0].endswith(code.splitlines()[line - 1])


def pointed(code: str, line: int, column: int) -> str:
    """The word at a position; the one behind it where the place is in our own words."""
    text = re.split(r"\r\n|\n", code)[line - 1].encode("utf-16-le")
    rest = text[2 * (column - 1) :].decode("utf-16-le")
    return re.sub(r"^return \(?", "", rest)[:3]


async def test_positions_hold_in_typescript(sandbox: Sandbox) -> None:
    code = "interface A { a: any }\nconst a = {} as A; a.a.b"
    corrected = correct_code(code, "typescript", ON)
    raw = await sandbox.execute(corrected.code, "typescript")
    seen = in_original(raw, code, corrected).error_info
    assert seen is not None
    assert (seen.line, seen.column) == (2, 24)


def test_a_result_of_untouched_code_is_given_back_as_it_is() -> None:
    result = ExecutionResult.model_construct(success=True)
    assert in_original(result, "return 1", CorrectedCode("return 1", [])) is result
