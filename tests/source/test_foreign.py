"""A text that is not JavaScript is told what it is, by the bare sandbox, which repairs nothing."""

from __future__ import annotations

# ruff: noqa: RUF001 - marks that look like others are what some of it is about
import asyncio
import re

import pytest
from tests.sampling import some

from onehop import Sandbox
from onehop.source import without_shebang
from onehop.types import Language

NAMED: list[tuple[str, str]] = [
    ("```js\nreturn 1\n```", "Markdown fence"),
    ("```tool_code\nreturn 1\n```", "Markdown fence"),
    ("```js\nconst a = 1\n```\n```js\nreturn a\n```", "Markdown fence"),
    ("Here you go:\n```js\nreturn 1\n```", "Markdown fence"),
    ("Sure! ```js\nreturn 1\n```", "Markdown fence"),
    ("The result\n```js\nreturn 1\n```", "Markdown fence"),
    ("Result\n```js\nreturn 1\n```", "Markdown fence"),
    ("~~~\nreturn 1\n~~~", "Markdown fence"),
    ("return 1\n```\n", "Markdown fence"),
    ("<script>\nreturn 1\n</script>", "the tag <script>"),
    ('{"code": "return 1", "language": "javascript"}', "a whole call as JSON"),
    ("if (1 &lt; 2) return 1", "`&lt;` is an HTML entity"),
    ("return a &amp;&amp; b", "`&amp;` is an HTML entity"),
    ("return 1 &lt; 2", "`&lt;` is an HTML entity"),
    ("const a = 1;\\nreturn a", "escaped twice"),
    ('const a = \\"x\\"; return a', "escaped twice"),
    ("return “a”", r"`“` \(U\+201C, left double quotation mark\).*write"),
    ("return ‘a’", r"`‘` \(U\+2018"),
    ("return 5 – 3", "en dash.*write `-`"),
    ("return （1）", r"U\+FF08.*write `\(`"),
    ("def f(x):\n    return x", "looks like Python"),
    ("import json", "looks like Python"),
    ("from os import path", "looks like Python"),
    ("for x in [1, 2]:\n    print(x)", "looks like Python"),
    ("if x == 1:\n    y = 2", "looks like Python"),
    ('return f"a{x}"', "looks like Python"),
    ("f = lambda x: x + 1", "looks like Python"),
    ("try:\n    x = 1\nexcept ValueError:\n    x = 2", "looks like Python"),
    ("x = [i * 2 for i in range(3)]\nreturn x", "looks like Python"),
    ("{k: v for k, v in d.items()}", "looks like Python"),
    ("total = sum(x for x in [1, 2])\nreturn total", "looks like Python"),
    ("y = [\n  x['a']\n  for x in rows\n]", "looks like Python"),
    ("y = 1 if ready else 2", "looks like Python"),
    ("return a and b", "looks like Python"),
    ("return not x", "looks like Python"),
    ("return xs[::-1]", "looks like Python"),
    ("if (n := len(a)) > 10:\n    print(n)", "looks like Python"),
    ('s = """\na\n"""\nreturn s', "looks like Python"),
    ("raise ValueError('x')", "looks like Python"),
    ("@cache\ndef f(x):\n    return x", "looks like Python"),
    (">>> x = 1", "looks like Python"),
    ("cat <<EOF > a.js\nhello\nEOF", "command of a shell"),
    ("cat <<'EOF'\nconsole.log(1)\nEOF", "command of a shell"),
    ("python3 - <<'PY'\nprint(1)\nPY", "command of a shell"),
    ("if [ -f x ]; then\n  echo hi\nfi", "command of a shell"),
    ("for f in *.txt; do\n  echo $f\ndone", "command of a shell"),
    ("while read line; do echo $line; done < f", "command of a shell"),
    ("SELECT * FROM users WHERE id = 1", "looks like SQL"),
    ("insert into t (a) values (1);", "looks like SQL"),
    ("WITH x AS (SELECT 1) SELECT * FROM x", "looks like SQL"),
    ("def foo\n  puts 'hi'\nend", "looks like Ruby"),
    ("[1, 2].each do |x|\n  puts x\nend", "looks like Ruby"),
    ("<?php\necho 'hi';", "looks like PHP"),
    ("public class Main {\n  public static void main(String[] a) {}\n}", "looks like Java"),
    ("int x = 5;\nreturn x;", "looks like Java, C or C#"),
    ("#include <stdio.h>\nint main() { return 0; }", r"looks like C or C\+\+"),
    ('package main\n\nimport "fmt"', "looks like Go"),
    ("x := 5\nreturn x", "looks like Go"),
    ('fn main() {\n  println!("hi");\n}', "looks like Rust"),
    ("val x = 1\nprintln(x)", "looks like Kotlin"),
    ("local x = 1\nprint(x)", "looks like Lua"),
    ("Get-ChildItem | Where-Object { $_.Length -gt 1 }", "looks like PowerShell"),
    ("x <- c(1, 2)\nmean(x)", "looks like R:"),
    ("body { color: red; }", "looks like CSS"),
    ("steps:\n  - run: ls\n  - uses: y", "looks like YAML"),
    ("<!DOCTYPE html>\n<html></html>", "markup is not JavaScript"),
    ("Please compute the sum of 1 and 2.", "a sentence of a natural language"),
    ('{"name": "code_execute", "arguments": {"code": "return 1"}}', "a whole call as JSON"),
    ("print('a')", "console.log"),
    ("return len([1])", "length"),
    ("return None", "null"),
    ("const a = 1\n# a comment\nreturn a", "write `//`"),
    ("curl https://example.com", "command of a shell"),
    ("npm install lodash", "command of a shell"),
    ("node index.js", "command of a shell"),
    ("$ ls -la", "command of a shell"),
    ("cd /tmp", "command of a shell"),
    ("echo 'a'", "command of a shell"),
    ("let class = 1", "`class` is a reserved word"),
    ("const { default } = context", "`default` is a reserved word"),
    ("function new() {}", "`new` is a reserved word"),
    ("const a = [1].map(x => await x)", "await is only valid in async functions"),
    ("const f = function () { return await 1 }", "await is only valid in async functions"),
    ("const f = () => { for await (const a of []) {} }", "await is only valid in async functions"),
    ("class A { m() { await 1 } }", "await is only valid in async functions"),
    ("const a = 5 return a", "`return` begins a new statement"),
    ("module.exports = 5", "there are no modules.*return the result"),
    ("export default 5", "Return the value instead"),
    ("import x from 'y'; x()", "there are no modules to load"),
    ("return <b>a</b>", "JSX is not supported"),
    ("const a = 1\n{ a, ok: true }", "write `return {` to return the object"),
    ('{"a": 1, "b": 2}', "write `return {` to return the object"),
    ("return [1, 2", r"the `\[` opened at line 1, column 8 is never closed"),
    ("return `a", "the backtick opened at line 1, column 8 is never closed"),
]


@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_what_is_not_javascript_is_named(sandbox: Sandbox, language: Language) -> None:
    cases = some(NAMED, 30)
    runs = await asyncio.gather(*(sandbox.execute(code, language) for code, _ in cases))
    for (code, words), run in zip(cases, runs, strict=True):
        assert not run.success, code
        assert re.search(words, run.error or ""), (code, run.error)


PLAIN: list[tuple[str, str]] = [
    ("const md = '```js';\nreturn = 1", "Unexpected token '='"),
    ("/*\n```js\n*/\nreturn = 1", "Unexpected token '='"),
    ("const cat = 1, x = 2;\nreturn cat - x +", "Unexpected end of input"),
    ("const s = 'a &lt; b', t = '“';\nreturn = s", "Unexpected token '='"),
    ('const s = "def f():\\n";\nreturn = s', "Unexpected token '='"),
    ("const f = async () => { await 1 };\nreturn = f", "Unexpected token '='"),
    ("const s = 'a for x in y';\nreturn = s", "Unexpected token '='"),
    ("// we sort x if y else z\nreturn = 1", "Unexpected token '='"),
    ("const a = 1 << MAX;\nreturn = a", "Unexpected token '='"),
    ("$x = 1;\nreturn = $x", "Unexpected token '='"),
    ("var x = 1;\nreturn = x", "Unexpected token '='"),
    ("do\n{ } while (false);\nreturn = 1", "Unexpected token '='"),
    ("class A { m() { select; } }\nreturn = A", "Unexpected token '='"),
    ("MAX=5 // five\nreturn = MAX", "Unexpected token '='"),
    ("assert (1);\nreturn = 1", "Unexpected token '='"),
    ("return print.x.y\nvar print = {}", "Cannot read properties of undefined"),
    ("return missing", "missing is not defined"),
    ("return ''()", '"" is not a function'),
]


async def test_other_errors_keep_their_own_words(sandbox: Sandbox) -> None:
    runs = await asyncio.gather(*(sandbox.execute(code) for code, _ in PLAIN))
    for (code, words), run in zip(PLAIN, runs, strict=True):
        assert run.error_info is not None, code
        assert run.error_info.message.startswith(words), (code, run.error)
        assert len(run.error_info.message) < len(words) + 40, (code, run.error)


@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_a_shebang_is_ignored_and_moves_nothing(sandbox: Sandbox, language: Language) -> None:
    code = "#!/usr/bin/env node it's\nreturn 5"
    assert (await sandbox.execute(code, language)).output == 5
    failed = (await sandbox.execute(code.replace("5", "null.x"), language)).error_info
    assert failed is not None
    assert (failed.line, failed.column) == (2, 13)
    broken = (await sandbox.execute(code.replace("5", "(5"), language)).error or ""
    assert "the `(` opened at line 2, column 8 is never closed" in broken


def test_only_a_first_line_is_a_shebang() -> None:
    assert without_shebang("\ufeff#!x\n1") == "\ufeff   \n1"
    for code in ("1\n#!x", "'#!x'", "class A { #x; m() { return #x in this } }", ""):
        assert without_shebang(code) == code
