"""A language goes by the same names at every door, and null is as if it were left out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from onehop import Executor, Sandbox, Validator
from onehop.analysis import BlockingAnalyst
from onehop.cli._input import read_call
from onehop.config import CorrectionConfig, SandboxConfig
from onehop.corrections import correct_arguments
from onehop.errors import InvalidRequestError
from onehop.inputs.languages import LANGUAGES, language_of_file
from onehop.requests import check_request
from onehop.runs.callers import Caller

TYPED = "const a: number = 1; return a"


@pytest.mark.parametrize(("name", "language"), LANGUAGES.items())
def test_every_name_is_known_to_the_check_that_all_doors_share(name: str, language: str) -> None:
    for spelling in (name, name.upper(), f" {name} "):
        checked = check_request(SandboxConfig(), code="1", language=spelling)
        assert checked.request.language == language


@pytest.mark.parametrize(("name", "language"), LANGUAGES.items())
def test_every_name_is_reported_as_what_it_was_taken_for(name: str, language: str) -> None:
    corrected = correct_arguments({"code": "1", "language": name}, CorrectionConfig())
    assert corrected.arguments["language"] == language
    told = [(made.kind, made.from_, made.to) for made in corrected.corrections]
    assert told == ([] if name == language else [("language", name, language)])


@pytest.mark.parametrize(
    "name", ["python", "", "t s", "typescript" * 9, 5, ["ts"], {}, True, b"ts"]
)
def test_other_names_are_refused_with_those_that_are_right(name: object) -> None:
    with pytest.raises(InvalidRequestError, match="'javascript' or 'typescript'"):
        check_request(SandboxConfig(), code="1", language=name)


async def test_the_library_takes_every_name(sandbox: Sandbox) -> None:
    for name in ("tsx", "ts", "TypeScript", "deno"):
        assert (await sandbox.execute(TYPED, name)).output == 1
    assert (await sandbox.execute("return 1", None)).output == 1


async def test_a_language_of_null_is_as_if_left_out(sandbox: Sandbox) -> None:
    async with Executor(sandbox) as executor:
        ran = await executor.call({"code": "return 1", "language": None}, Caller())
        fenced = {"code": f"```ts\n{TYPED}\n```", "language": None}
        typed = await executor.call(fenced, Caller())
        named = await executor.call({"code": TYPED, "language": "tsx"}, Caller())
    assert (ran.output, ran.corrections) == (1, None)
    assert typed.output == 1
    assert [made.kind for made in named.corrections or ()] == ["language"]


def test_the_validator_takes_every_name() -> None:
    with closing(BlockingAnalyst()) as analyst:
        for name in ("tsx", "ts", "typescript"):
            assert not Validator(analyst=analyst).validate("let a: number", name).issues
        assert not Validator(analyst=analyst).validate("let a", None).issues


@pytest.mark.parametrize(
    ("name", "language"),
    [
        *((f"a{suffix}", "typescript") for suffix in (".ts", ".tsx", ".mts", ".cts", ".TSX")),
        *((f"a{suffix}", "javascript") for suffix in (".js", ".mjs", ".cjs", ".jsx", "", ".txt")),
    ],
)
def test_the_suffix_of_a_file_says_its_language(tmp_path: Path, name: str, language: str) -> None:
    assert (language_of_file(name) or "javascript") == language
    file = tmp_path / name
    file.write_text("return 1")
    assert read_call(str(file), None, None, None, None, None).request.language == language
    assert read_call(str(file), None, None, "ts", None, None).request.language == "typescript"


def test_a_fence_says_the_language_of_a_file_whose_suffix_does_not(tmp_path: Path) -> None:
    for name, language in (("answer.md", "typescript"), ("a.js", "javascript")):
        file = tmp_path / name
        file.write_text("Here it is:\n```ts\nconst a: number = 1\nreturn a\n```\n")
        assert read_call(str(file), None, None, None, None, None).request.language == language
