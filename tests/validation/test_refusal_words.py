"""Each refusal says what to write instead."""

from __future__ import annotations

import pytest

from onehop.validation import validate_code


@pytest.mark.parametrize(
    ("code", "instead"),
    [
        ("eval('1')", "JSON.parse"),
        ("Function('return 1')()", "JSON.parse"),
        ("[].constructor.constructor('1')()", "write the code itself"),
        ("setTimeout('x', 1)", "write () =>"),
        ("new WebAssembly.Module(a)", "write it in JavaScript"),
        ("require('fs')", "`context`"),
        ("import fs from 'fs'; fs.x()", "`context`"),
        ("importScripts('x')", "`context`"),
        ("process.exit(1)", "use `return` to end"),
        ("child_process.exec('ls')", "write it in JavaScript"),
        ("Deno.readFile('x')", "`context`"),
        ("Bun.file('x')", "`context`"),
    ],
)
def test_a_refusal_says_what_to_write(code: str, instead: str) -> None:
    report = validate_code(code, "javascript")
    assert not report.safe
    assert instead in next(each.message for each in report.issues if each.type == "error")
