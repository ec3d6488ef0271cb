"""Marks that something between the model and us has changed, and what stays as it is."""

from __future__ import annotations

# ruff: noqa: RUF001 - marks that look like others are what this is about
import pytest

from onehop.config import CorrectionConfig
from onehop.corrections import CorrectedCode, correct_code

pytestmark = pytest.mark.unit

BACKSLASH_N = "\\n"


def corrected(code: str) -> CorrectedCode:
    return correct_code(code, "javascript", CorrectionConfig())


@pytest.mark.parametrize(
    ("code", "meant", "kind"),
    [
        ("const a = 1;\\nreturn a", "const a = 1;\nreturn a", "escapes"),
        ("const a = 1;\\r\\nreturn a", "const a = 1;\nreturn a", "escapes"),
        ("const a = 'x\\ny';\\nreturn a", "const a = 'x\\ny';\nreturn a", "escapes"),
        ("const a = `x\\ny`;\\n\\treturn a", "const a = `x\\ny`;\n\treturn a", "escapes"),
        ("const a = 'C:\\\\n';\\nreturn a", "const a = 'C:\\\\n';\nreturn a", "escapes"),
        ("// sum\\nconst a = 1;\\nreturn a", "// sum\nconst a = 1;\nreturn a", "escapes"),
        ("const a = 1; // one\\nreturn a", "const a = 1; // one\nreturn a", "escapes"),
        ('const a = \\"x\\";\\nreturn a', 'const a = "x";\nreturn a', "escapes"),
        ('return \\"a\\\\nb\\"', 'return "a\\nb"', "escapes"),
        ("if (1 &lt; 2 &amp;&amp; 3 &gt; 2) return 1", "if (1 < 2 && 3 > 2) return 1", "entities"),
        ("return &quot;a &amp; b&quot;", 'return "a & b"', "entities"),
        ("return &#39;a&#39; + &#x27;b&#x27;", "return 'a' + 'b'", "entities"),
        ("const f = (a) =&gt; a;\nreturn f(1)", "const f = (a) => a;\nreturn f(1)", "entities"),
        ("return “it’s” + ‘!’", "return \"it’s\" + '!'", "characters"),
        ("return {“a”: ‘b’}", "return {\"a\": 'b'}", "characters"),
        ("return 5 – 3 — 1 − 1", "return 5 - 3 - 1 - 1", "characters"),
        (
            "return f（1， 2）；\nfunction f(a) {}",
            "return f(1, 2);\nfunction f(a) {}",
            "characters",
        ),
        ("return Math.max(…[1, 2])", "return Math.max(...[1, 2])", "characters"),
        ("return 1 ≤ 2", "return 1 <= 2", "characters"),
        ("return\u200b 1", "return  1", "characters"),
        ("con\u200bst a = 1; return a", "const a = 1; return a", "characters"),
    ],
)
def test_marks_are_repaired_that_keep_a_program_from_running(
    code: str, meant: str, kind: str
) -> None:
    repaired = corrected(code)
    assert repaired.code == meant
    assert [made.kind for made in repaired.corrections] == [kind]


@pytest.mark.parametrize(
    "code",
    [
        "return 'a\\nb' + `c\\n` + /\\n/.source",
        "return '“' + \"–\" + `…` // “\n",
        "return /[“”]/.test('“')",
        "return '&lt;'.replace('&lt;', '<')",
        "const lt = 1, a = 3;\nreturn a &lt; a",
        "const é = 1, 名前 = 2;\nreturn é + 名前",
        "return\u00a01",
        "\ufeffreturn 1",
        "return 1 // a line end is written \\n here",
        "const a = 1; // \\n\nreturn a",
        "return <div>“a” &amp; b</div>",
        "return “unclosed",
        "if (1 &lt; 2) return '<b>&amp;'",
        "return 1 +",
    ],
)
def test_marks_in_texts_stay_and_so_does_what_is_broken_all_the_same(code: str) -> None:
    repaired = corrected(code)
    assert (repaired.code, repaired.corrections) == (code, [])


def test_positions_lead_back_through_all_that_was_changed() -> None:
    code = "```js\nconst a = {};\\nreturn “x” + a.b.c\n```"
    repaired = corrected(code)
    assert [made.kind for made in repaired.corrections] == ["fence", "characters"]
    assert repaired.code.splitlines()[2] == 'return "x" + a.b.c'
    before = code.splitlines()[1]
    for word in ("return", "x", "a.b.c", "b.c"):
        found = repaired.code.splitlines()[2].index(word) + 1
        assert repaired.original_position(3, found) == (2, before.index(word) + 1)


def test_a_repair_says_what_was_put_in_place_of_what() -> None:
    told = corrected("return “a”").corrections[0]
    assert (told.from_, told.to) == ("“", '"')
    told = corrected("const a = 1;\\nreturn a").corrections[0]
    assert (told.from_, told.to) == (BACKSLASH_N, "a line end")
    told = corrected("return\u200b 1").corrections[0]
    assert (told.from_, told.to) == ("\\u200b", "a space")
