"""Slips of the pen: misspelt words, comments of Python, and names of languages above the code."""

from __future__ import annotations

import time

import pytest

from onehop.config import CorrectionConfig
from onehop.corrections import CorrectedCode, correct_code, wrapped_language
from onehop.source import diagnose, explain

pytestmark = pytest.mark.unit


def corrected(code: str) -> CorrectedCode:
    return correct_code(code, "javascript", CorrectionConfig())


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("retrun 1", "return 1"),
        ("Const x = 5; Return x", "const x = 5; return x"),
        ("funciton f() { return 1 }\nreturn f()", "function f() { return 1 }\nreturn f()"),
        ("const a = awiat 1; return a", "const a = await 1; return a"),
        ("const f = aysnc () => 1; return f()", "const f = async () => 1; return f()"),
        ("if (1) { return 1 } esle { return 2 }", "if (1) { return 1 } else { return 2 }"),
        ("try {} finaly {} return 1", "try {} finally {} return 1"),
        ('const s = "retrun"; retrun s', 'const s = "retrun"; return s'),
        ("cosnt awiat = 1; return awiat", "const awiat = 1; return awiat"),
        ("// retrun\nretrun 1", "// retrun\nreturn 1"),
    ],
)
def test_a_misspelt_word_is_repaired_where_nothing_else_parses(code: str, meant: str) -> None:
    assert corrected(code).code == meant


@pytest.mark.parametrize(
    "code",
    [
        "const retrun = (x) => x; return retrun(1)",
        "const o = { retrun: 1, awiat: 2 }; return o.retrun",
        "let cost = 5; cost x",
        "return 'awiat'",
        "return `Const ${1}`",
        "class A { #x = 1; y = }",
        "return 'unclosed # x",
        "class A { # x = 1 }; return new A().x(",
    ],
)
def test_what_may_be_meant_stays(code: str) -> None:
    assert corrected(code).code == code


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("let x = 1 # one\nreturn x # two", "let x = 1 // one\nreturn x // two"),
        ("# Don't\nlet x = '# no' ## it's\nreturn x", "// Don't\nlet x = '# no' // it's\nreturn x"),
        ("let x = [1, # a\n 2]\nreturn `# ${x}`", "let x = [1, // a\n 2]\nreturn `# ${x}`"),
        ("return 1 #", "return 1 //"),
    ],
)
def test_comments_of_python_become_comments(code: str, meant: str) -> None:
    assert corrected(code).code == meant


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("javascript\nreturn 1", "javascript"),
        ("TypeScript:\nreturn 1", "typescript"),
        ("Here it is:\n```\nts\nreturn 1\n```", "typescript"),
        ("<pre><code>return 1</code></pre>", None),
        ('<pre><code class="language-ts">\nreturn 1\n</code></pre>', "typescript"),
        ("```\n<script>\nreturn 1\n</script>\n```", None),
        ("<pre>\n```js\nreturn 1\n```\n</pre>", "javascript"),
    ],
)
def test_what_is_around_a_program_may_be_nested(code: str, language: str | None) -> None:
    repaired = corrected(code)
    assert repaired.code.strip() == "return 1"
    assert len(repaired.code) == len(code)
    assert wrapped_language(code) == language


@pytest.mark.parametrize(
    "code",
    [
        "if (0) { return 1 }\nelif (1) { return 2 }\nreturn 3",
        "if (0) { return 1 }\nelif (1) { return 2 }\nelif (2) { return 3 }",
        "unless (x) { return 1 }",
        "fi (x) { return 1 }",
    ],
)
def test_a_statement_of_another_language_is_no_function(code: str) -> None:
    assert corrected(code).code == code


@pytest.mark.parametrize("rest", [".x", "[1]", "(1)\n return js", "= 1", "+ 1", "`x`", "in {}", ""])
def test_a_first_line_that_is_a_variable_stays(rest: str) -> None:
    assert "js" in corrected(f"js\n{rest}").code


@pytest.mark.parametrize(
    ("code", "at", "word"),
    [
        ("retrun 1 +", (1, 8), "`return`"),
        ("const a = awiat foo +", (1, 17), "`await`"),
        ("swithc (1) { a b }", (1, 12), "`switch`"),
        ("let x = 1 # one", (1, 11), "`//`"),
    ],
)
def test_what_is_not_repaired_is_named(code: str, at: tuple[int, int], word: str) -> None:
    assert word in diagnose(code, "javascript", "Unexpected token", *at).message


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        ("return awiat(1)", "awiat", "write `await`"),
        ("return cosnole.log(1)", "cosnole", "write `console`"),
        ("return code_execute({ code: '1' })", "code_execute", "write here, as statements"),
        ("javascript\nreturn javascript", "javascript", "the name of the language"),
        ("return rows[0]", "rows", "write context.rows"),
    ],
)
def test_a_name_that_nobody_has_is_explained(code: str, name: str, words: str) -> None:
    message = f"{name} is not defined"
    assert words in explain(code, "ReferenceError", message, {"rows": [1]})


@pytest.mark.parametrize(
    "code",
    [
        "# 1\n'" + "\\'" * 49_000,
        "/* # x\n" * 13_000,
        "elif (a) {\n" * 9_000,
        "retrun 1;" * 11_000,
        "# x\n" * 24_000,
        "<pre>" * 20_000,
        "js\n" * 33_000,
    ],
)
def test_no_text_makes_a_repair_slow(code: str) -> None:
    began = time.process_time()
    corrected(code)
    assert time.process_time() - began < 5  # a second for the trees; what went square took 12 to 23


@pytest.mark.parametrize("name", ["cost", "wait", "form", "whole", "clas", "math", "json", "total"])
def test_a_name_that_may_be_one_gets_no_advice(name: str) -> None:
    message = f"{name} is not defined"
    assert explain(f"return {name}", "ReferenceError", message) == message
