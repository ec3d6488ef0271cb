"""What a call obviously meant is run and said, and a run that gives nothing says why."""

from __future__ import annotations

from typing import Any

import pytest

from onehop import ExecutionResult
from onehop.execution.executor import Executor
from onehop.runs.callers import Caller


async def call(executor: Executor, **arguments: Any) -> ExecutionResult:
    return await executor.call(arguments, Caller(agent_id="meant"))


def kinds(result: ExecutionResult) -> list[str]:
    return [made.kind for made in result.corrections or ()]


async def test_the_function_that_is_the_program_gets_the_context(executor: Executor) -> None:
    code = "interface P { n: number }\nasync function main(c: P): Promise<number> { return c.n }"
    result = await call(executor, code=code, language="ts", context={"n": 3})
    assert (result.output, kinds(result), result.warnings) == (3, ["language", "call"], None)
    result = await call(executor, code="async ({ n } = {}) => n", context={"n": 7})
    assert (result.output, kinds(result)) == (7, ["call"])


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_a_long_program_gives_its_value_too(executor: Executor, language: str) -> None:
    data = "const rows = [" + "[1, 'one'], " * 20_000 + "]\n"
    result = await call(executor, code=data + "rows.length", language=language)
    assert (result.output, kinds(result)) == (20_000, ["return"])
    result = await call(executor, code=data + "function f(a, b) {}", language=language)
    assert "`f` is never called" in " ".join(result.warnings or [])


WRAPPED = [
    "```ts\nCODE\n```",
    "~~~{.ts}\nCODE",
    "```TypeScript CODE```",
    "Here it is:\n```tsx\nCODE\n```\nIt gives a number.",
    "<typescript>CODE</typescript>",
    "<script lang='ts'>CODE</script>",
    '<script type="application/x-typescript">CODE</script>',
    '<code class="language-ts">CODE</code>',
]


@pytest.mark.sample(2)
@pytest.mark.parametrize("wrapping", WRAPPED)
async def test_what_is_around_a_program_says_its_language(
    executor: Executor, wrapping: str
) -> None:
    code = wrapping.replace("CODE", "const a: number = 1; return a")
    for more in ({}, {"language": None}):
        result = await call(executor, code=code, **more)
        assert (result.output, kinds(result)) == (1, ["language", "fence"]), result.error
    result = await call(executor, code=code, language="javascript")
    assert (result.error or "").startswith("SyntaxError")
    for said in ('the call says language "javascript"', 'the code says "typescript"'):
        assert said in (result.error or "").lower()


async def test_a_language_that_the_call_names_counts_if_the_program_is_in_it(
    executor: Executor,
) -> None:
    result = await call(executor, code="```ts\nreturn 1\n```", language="javascript")
    assert (result.output, kinds(result), result.warnings) == (1, ["fence"], None)
    result = await call(executor, code="```js\nconst a: number = 1; return a\n```", language="ts")
    assert result.output == 1


async def test_a_call_within_the_code_is_made(executor: Executor) -> None:
    inner = '{"code": "return context.n + 1", "language": "javascript", "context": {"n": 4}}'
    for code in (
        inner,
        f"```json\n{inner}\n```",
        f'{{"name": "code_execute", "arguments": {inner}}}',
    ):
        result = await call(executor, code=code, language="javascript", context={})
        assert result.output == 5, code
        assert set(kinds(result)) == {"nested"}
        assert "4" not in str([made.to for made in result.corrections or ()])


async def test_data_that_looks_like_a_call_is_data(executor: Executor) -> None:
    result = await call(executor, code='{"code": "US", "description": "United States"}')
    assert result.output == {"code": "US", "description": "United States"}


async def test_an_error_in_a_called_function_is_placed_in_the_callers_text(
    executor: Executor,
) -> None:
    code = "const k = “x”;\\nasync function main() { return k.y.z }"
    result = await call(executor, code=code)
    assert result.error_info is not None
    line, column = result.error_info.line, result.error_info.column
    assert (line, column) == (1, code.index("z") + 1)
    assert (result.error_info.excerpt or "").splitlines()[0] == f" 1 | {code}"


NOTHING = [
    ("function add(a, b) { return a + b }", "`add` is never called"),
    ("const f = (a, b) => a, g = (a, b) => b", "`f`, `g` are never called"),
    ("console.log(1)\nfunction main() { return 1 }", "`main` is never called"),
    ("function greet(name, town) { return name }", "`greet` is never called"),
    ("(a, b) => a", "function that is never called"),
    ("class App { run() { return 1 } }", "class App is never used"),
    ("return\n5", "`return` stands alone on its line"),
    ("const a = 1", "end the code with `return`"),
    ("let a; a = 5", "end the code with `return`"),
]


@pytest.mark.sample(4)
@pytest.mark.parametrize(("code", "words"), NOTHING)
async def test_a_run_that_gives_nothing_says_why(executor: Executor, code: str, words: str) -> None:
    result = await call(executor, code=code)
    assert (result.success, result.output) == (True, None)
    assert len(result.warnings or ()) == 1
    assert words in (result.warnings or [""])[0]


@pytest.mark.parametrize(
    "code",
    ["return", "return null", "console.log(1)", "null", "main(); function main() {}", "throw 1"],
)
async def test_a_run_that_says_what_it_gives_is_told_nothing(executor: Executor, code: str) -> None:
    assert (await call(executor, code=code)).warnings is None
