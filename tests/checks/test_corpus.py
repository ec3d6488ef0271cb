"""Programs as agents write them: none that runs is refused, and each mistake is found at its line."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest_asyncio

from onehop import Sandbox
from tests.checks.office import TOOLS
from tests.checks.tools import is_checked, opened
from tests.sampling import some

CORPUS = Path(__file__).parent / "corpus"
LANGUAGES = ("javascript", "typescript")
CONTEXT = {"order": {"owner": 2, "amount": 4.5}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Sandbox]:
    async with opened(tools=TOOLS) as shared:
        yield shared


def programs(file: str) -> list[str]:
    _, _, text = (CORPUS / file).read_text().partition("\n")
    return text.split("// ---\n")


def mistakes() -> Iterator[tuple[int, str, str]]:
    """The line, words, and the program."""
    parts = re.split(
        r"^// --- (\d+): (.*)\n", (CORPUS / "wrong.js").read_text(), flags=re.MULTILINE
    )
    for at in range(1, len(parts), 3):
        yield int(parts[at]), parts[at + 1], parts[at + 2]


async def test_no_program_that_runs_is_refused(office: Sandbox) -> None:
    cases = [("javascript", code) for code in programs("valid.js")]
    cases += [("typescript", code) for code in programs("valid.js") + programs("valid.ts")]
    assert len(cases) >= 150
    for language, code in some(cases, 25):
        result = await office.execute(code, language, context=CONTEXT, typecheck="provable")
        assert result.success, (language, code, result.error)
        assert is_checked(result), (code, result.typecheck)
        assert result.output is not None, code


async def test_a_mistake_is_found_at_its_line_and_the_nearest_name_is_told(office: Sandbox) -> None:
    found = list(mistakes())
    assert len(found) >= 60
    for number, (line, words, code) in some([*enumerate(found)], 20):
        result = await office.execute(code, LANGUAGES[number % 2], typecheck="provable")
        assert is_checked(result), (code, result.typecheck)
        info = result.error_info
        assert info is not None, code
        assert (info.type, info.line) == ("validation", line), (code, result.error)
        assert words in info.message, (code, info.message)
        assert result.tool_calls is None, code
