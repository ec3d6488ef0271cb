"""No text makes validation fail, overflow, or go on for long."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehop.analysis import BlockingAnalyst
from onehop.types import Language
from onehop.validation import Validator
from onehop.validation._examine import Examiner
from onehop.validation._rules import RULES
from tests.sampling import examples
from tests.validation.forbidden import spellings
from tests.validation.programs import harmless

PROGRAMS = [each.code for each in harmless()] + [code for *_, code in spellings()]
LANGUAGES: list[Language] = ["javascript", "typescript"]
ALPHABET = "(){}[]<>=+-*/`'\"\\;:,.?! \n\r\u2028$_aeu0😀\ud800\udfff\0\u00e9"


def patterns(code: str, language: Language = "javascript") -> set[str]:
    """What is found within a budget of time that small programs never use up."""
    verdict = Examiner(RULES, [], {}, max_seconds=5).examine(code, language)
    return {each.pattern for each in verdict.findings}


@settings(max_examples=examples(150), deadline=None)
@given(st.text(), st.sampled_from(LANGUAGES))
def test_any_text_has_a_verdict(code: str, language: Language) -> None:
    assert "too_complex" not in patterns(code, language)


@settings(max_examples=examples(150), deadline=None)
@given(st.text(alphabet=ALPHABET, max_size=200), st.sampled_from(LANGUAGES))
def test_any_text_of_signs_has_a_verdict(code: str, language: Language) -> None:
    assert "too_complex" not in patterns(code, language)


@settings(max_examples=examples(250), deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(LANGUAGES))
def test_any_damaged_program_has_a_verdict(source: random.Random, language: Language) -> None:
    assert "too_complex" not in patterns(damaged(source), language)


def damaged(source: random.Random) -> str:
    """Two programs mixed, with pieces lost and signs put in."""
    code = "\n".join(source.sample(PROGRAMS, 2))
    for _ in range(source.randint(1, 6)):
        start = source.randrange(len(code))
        end = min(len(code), start + source.randint(0, 20))
        piece = source.choice(["", source.choice(ALPHABET), source.choice(PROGRAMS)[:30]])
        code = code[:start] + piece + code[end:]
    return code


@pytest.mark.parametrize("code", ["", " ", "\n", "\0", "\ud800", "\ufeff", "#!x\nreturn 1"])
def test_nothing_much_has_a_verdict(code: str, validator: Validator) -> None:
    assert validator.validate(code).safe


DEEP = {
    "parentheses": "(" * 100_000,
    "arrays": "[" * 100_000 + "]" * 100_000,
    "blocks": "{" * 100_000,
    "conditions": "if (a) " * 100_000,
    "functions": "() => " * 100_000 + "eval('1')",
    "sums": "'a'" + "+'a'" * 100_000,
    "members": "a" + ".constructor" * 50_000,
    "subscripts": "a" + "['constructor']" * 50_000,
    "loops": "for (;;) " * 30_000,
    "templates": "`${" * 50_000,
    "classes": "class A { f() { " * 30_000,
    "calls in place": "return " + "(() => " * 2000 + "process.env" + ")()" * 2000,
    "awaited calls": "return " + "await (async () => " * 2000 + "process.env" + ")()" * 2000,
    "functions that call the next": "".join(
        f"async function f{i}() {{ return f{i + 1}() }}" for i in range(2000)
    )
    + "async function f2000() { return process.env } return f0()",
    "a function that calls itself": "const f = async () => { await import('x'); return f() }; f()",
    "promises handed on": "return import('x')" + ".then(f)" * 20_000,
    "bound": "return eval" + ".bind(null)" * 20_000 + "('1')",
    "patterns": "const {a: " * 2000 + "b" + "}" * 2000 + " = globalThis.process",
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_does_not_overflow(name: str) -> None:
    verdict = Examiner(RULES, [], {}, max_seconds=0.3).examine(DEEP[name], "javascript")
    assert verdict.findings


LONG = {
    "names": "process.env;" * 80_000,
    "locals": "{ const process = 1; use(process) }" * 28_000,
    "brackets and quotes": "%$#@!{([" * 120_000,
    "subscripts of this": "this[a];" * 120_000,
    "escapes": "\\u0061 " * 140_000,
    "loops that may be left": "do { " * 5000 + "break; process.env" + "} while (1)" * 5000,
    "functions that may be left": "function f() { if (a) return 1;" * 5000
    + "process.env"
    + "}" * 5000,
    "parameters": "return " + "((p) => " * 2000 + "p.process.env" + ")(globalThis)" * 2000,
    "one name all over": "const p = globalThis.process;" + "p?.env;" * 80_000,
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", LONG)
def test_a_megabyte_that_is_hard_to_examine_is_given_up_on(name: str) -> None:
    verdict = Examiner(RULES, [], {}, max_seconds=0.2).examine(LONG[name], "javascript")
    [issue] = [each for each in verdict.findings if each.pattern == "too_complex"]
    assert (issue.type, issue.severity) == ("warning", "high")


def test_long_chains_of_aliases_are_followed_for_a_while_and_end() -> None:
    chain = "".join(f"const a{i} = a{i - 1};" for i in range(1, 30_000))
    assert "long_code" in patterns(f"const a0 = globalThis;{chain}return a29999[name]")


def test_an_ordinary_program_of_a_megabyte_on_one_line_is_examined_whole() -> None:
    block = "{ const total = rows.filter((r) => r.ok).map((r) => r.n * 2); use(total, 'text') } "
    code = block * (1_000_000 // len(block)) + "return process.env"
    assert patterns(code) == {"long_code", "process"}


def test_what_is_longer_than_two_mebibytes_is_not_examined() -> None:
    code = "eval('1');" + " " * (2 * 1024 * 1024)
    assert patterns(code) == {"too_complex"}


def test_too_complex_is_a_rule_like_others(validator: Validator, analyst: BlockingAnalyst) -> None:
    from onehop.config import ValidationConfig

    code = " " * (2 * 1024 * 1024 + 1)
    assert not validator.validate(code, level="STRICT").safe
    off = ValidationConfig(off=frozenset({"too_complex"}))
    assert Validator(off, analyst=analyst).validate(code, level="STRICT").issues == []
