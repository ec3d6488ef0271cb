"""No repair changes a program that compiles and gives a value, whatever it is made of.

The programs are drawn with a fixed seed, and run for real without and with the repair.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - marks that look like others are among the pieces
import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehop import ExecutionResult, Sandbox
from onehop.config import CorrectionConfig
from onehop.corrections import CorrectedCode, correct_code
from onehop.types import Language
from tests.sampling import examples

EXAMPLES = examples(400)
PIECES = st.sampled_from(
    (
        "a|1|'s'|`t`|{ a }|{ a: 1 }|{ a, b: 1 }|{|}|[a]|() => 1|(c) => c|"
        "async () => { return 1 }|function f() { return 1 }|function main() { return 2 }|"
        "function main(c) { return f(c) }|const f = () => 3|const b = f()|let b = 2|"
        "class A { run() { return 4 } }|return|return 5|return { a }|return `\n```js\n`|;|\n|"
        "\n\n|// c|// c\\nreturn 6|/* c */|/*|*/|```|```js\n|\n```\n|~~~|Here it is:|export |"
        "export default |module.exports = f|exports.a = 1|\\n|\\t|\\\"|'\\n'|&lt;|&amp;|&quot;|"
        "'&lt;'|a &lt; b|“|”|“s”|‘s’|'“s”'|/[“]/|–|'–'|a – b|（|）|…|\u200b|a\u200bb|\ufeff|#!/x|"
        "await 1|x => await x|if (a) return 7|throw a|console.log('x')|f()|main()|"
        'var a = 1, b = 2|<script>|</script>|{"code": "return 1"}|+|.|,|=>|(|)'
    ).split("|")
)
SEPARATORS = st.sampled_from([" ", "\n", "; ", ";\n", ""])
HEADS = st.sampled_from(["var a = 1, b = 2\n", "var a = 1, b = 2; ", ""])


def programs() -> list[str]:
    """Texts of which many compile; the same each time."""
    found: dict[str, None] = {}

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(HEADS, st.lists(st.tuples(PIECES, SEPARATORS), min_size=1, max_size=5))
    def draw(head: str, parts: list[tuple[str, str]]) -> None:
        found[head + "".join(piece + separator for piece, separator in parts)] = None

    draw()
    return list(found)


async def results(
    sandbox: Sandbox, codes: Sequence[str], language: Language
) -> list[ExecutionResult]:
    runs = (sandbox.execute(code, language, timeout=1000) for code in codes)
    return list(await asyncio.gather(*runs))


def repaired(code: str, language: Language) -> CorrectedCode:
    return correct_code(code, language, CorrectionConfig())


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_a_program_that_gives_a_value_is_never_changed(
    sandbox: Sandbox, language: Language
) -> None:
    pairs = [(code, repaired(code, language)) for code in programs()]
    changed = [(code, each) for code, each in pairs if each.corrections]
    assert len(changed) > EXAMPLES * 0.15
    before = await results(sandbox, [code for code, _ in changed], language)
    wrong = [code for (code, _), run in zip(changed, before, strict=True) if run.output is not None]
    assert wrong == []
    ran = [(code, each) for (code, each), run in zip(changed, before, strict=True) if run.success]
    printed = [run.logs for run in before if run.success]
    after = await results(sandbox, [each.code for _, each in ran], language)
    for (code, each), logs, run in zip(ran, printed, after, strict=True):
        assert run.logs[: len(logs)] == logs, (code, each.code)
        assert run.success or "is not a function" not in (run.error or ""), (code, each.code)
