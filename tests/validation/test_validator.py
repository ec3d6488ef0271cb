"""The verdict: levels, risk, what is remembered, and what operators change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from onehop.analysis import BlockingAnalyst
from onehop.config import ValidationConfig
from onehop.errors import ConfigError, InvalidRequestError
from onehop.types import Finding, ValidationLevel
from onehop.validation import (
    NO_HISTORY,
    CodeHistory,
    Source,
    Validator,
    validate_code,
)
from tests.validation import own_rules

LEVELS: tuple[ValidationLevel, ...] = ("NONE", "ASYNC", "BLOCKING", "STRICT")
ERROR = "eval('1')"
MEDIUM = "while (true) {}"
LOW = "return fetch('x')"
WORST = CodeHistory(failure_rate=1.0, errors=50, repeats_failure=True)


def patterns(validator: Validator, code: str) -> list[str]:
    return [issue.pattern for issue in validator.validate(code).issues]


# --- levels and risk ---


@pytest.mark.parametrize("level", LEVELS)
def test_an_error_is_never_safe_and_a_clean_program_always(
    level: ValidationLevel, validator: Validator
) -> None:
    assert not validator.validate(ERROR, level=level).safe
    assert validator.validate("return 1", level=level).safe


@pytest.mark.parametrize("level", LEVELS)
def test_only_at_strict_a_medium_warning_is_not_safe(
    level: ValidationLevel, validator: Validator
) -> None:
    assert validator.validate(MEDIUM, level=level).safe == (level != "STRICT")
    assert validator.validate(LOW, level=level).safe


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_is_the_one_that_was_asked_for(
    level: ValidationLevel, validator: Validator
) -> None:
    assert validator.validate("return 1", level=level).risk_assessment.level == level


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("code", ["return 1", MEDIUM, LOW, ERROR])
def test_history_and_risk_decide_nothing(
    code: str, level: ValidationLevel, analyst: BlockingAnalyst
) -> None:
    without = Validator(analyst=analyst).validate(code, level=level)
    report = Validator(analyst=analyst).validate(code, level=level, history=WORST)
    assert report.risk_assessment.score > without.risk_assessment.score
    assert report.risk_assessment.level == level
    assert report.safe == without.safe


def test_the_score_has_the_findings_in_it(validator: Validator) -> None:
    codes = ["return 1", LOW, MEDIUM, ERROR, f"{ERROR}; process.exit()"]
    reports = [validator.validate(code) for code in codes]
    impacts = [each.risk_assessment.factors["securityImpact"] for each in reports]
    assert impacts == sorted(set(impacts))
    assert impacts[0] == 0.27
    assert reports[-1].risk_assessment.score > 2 * reports[0].risk_assessment.score


def test_the_same_finding_over_and_over_counts_once(validator: Validator) -> None:
    once, often = (validator.validate(f"{ERROR};" * times).risk_assessment for times in (1, 40))
    assert once.factors["securityImpact"] == often.factors["securityImpact"]


def test_the_score_is_the_sum_of_its_factors(validator: Validator) -> None:
    history = CodeHistory(failure_rate=0.5, errors=6, repeats_failure=False)
    risk = validator.validate("return 1", history=history).risk_assessment
    assert risk.factors["failureRate"] == 0.15
    assert risk.factors["securityImpact"] == 0.27
    assert risk.factors["performanceImpact"] == 0
    assert risk.factors["repeatedErrors"] == 0.3
    assert risk.factors["repeatedFailure"] == 0
    assert 0 < risk.factors["complexity"] < 0.01
    assert risk.score == pytest.approx(sum(risk.factors.values()))


@pytest.mark.parametrize(
    ("history", "score"),
    [
        (NO_HISTORY, 0.27),
        (CodeHistory(errors=5), 0.27),
        (CodeHistory(errors=6), 0.57),
        (CodeHistory(repeats_failure=True), 0.67),
        (CodeHistory(failure_rate=0.1, errors=6, repeats_failure=True), 1.0),
        (CodeHistory(failure_rate=-3), 0.27),
        (CodeHistory(failure_rate=float("nan")), 0.57),
        (CodeHistory(failure_rate=1e9), 0.57),
    ],
)
def test_history_adds_what_the_contract_says(
    history: CodeHistory, score: float, validator: Validator
) -> None:
    risk = validator.validate("return 1", history=history).risk_assessment
    assert risk.score == pytest.approx(score, abs=0.005)


def test_loops_and_length_raise_the_risk(validator: Validator) -> None:
    def factors(code: str) -> tuple[float, float]:
        found = validator.validate(code).risk_assessment.factors
        return found["complexity"], found["performanceImpact"]

    small, long = factors("use(1)"), factors("use(1);" * 3000)
    nested, endless = factors("for (;x;) for (;y;) use(1)"), factors("for (;;) use(1)")
    assert small[0] < nested[0] < long[0] <= 0.2
    assert small[1] == long[1] == 0 < nested[1] < endless[1] <= 0.2


def test_the_report_has_the_names_of_the_contract(validator: Validator) -> None:
    report = validator.validate(ERROR).to_dict()
    assert set(report) == {"safe", "issues", "riskAssessment"}
    assert set(report["riskAssessment"]) == {"score", "level", "factors"}
    assert {"type", "message", "pattern", "severity", "line", "column"} <= set(report["issues"][0])


# --- configuration ---


def test_a_rule_that_is_off_finds_nothing(analyst: BlockingAnalyst) -> None:
    validator = Validator(ValidationConfig(off=frozenset({"eval"})), analyst=analyst)
    assert patterns(validator, "eval('1'); process.exit()") == ["process"]


def test_a_severity_is_what_the_operator_says(analyst: BlockingAnalyst) -> None:
    validator = Validator(
        ValidationConfig(severity={"endless_loop": "low", "eval": "medium"}), analyst=analyst
    )
    assert validator.validate(MEDIUM, level="STRICT").safe
    report = validator.validate(ERROR)
    assert (report.issues[0].severity, report.safe) == ("medium", False)


@pytest.mark.parametrize(
    ("field", "code", "language"),
    [("language", "return 1", "python"), ("language", "return 1", 5), ("code", None, None)],
)
def test_what_no_door_takes_is_refused_by_name(field: str, code: Any, language: Any) -> None:
    for validate in (Validator().validate, validate_code):
        with pytest.raises(InvalidRequestError, match=f"^{field}: got .*; it must be ") as refused:
            validate(code, language)
        assert refused.value.field == field


@pytest.mark.parametrize("field", ["off", "severity"])
def test_an_unknown_rule_is_refused_by_name(field: str) -> None:
    given = {"off": frozenset({"evil"})} if field == "off" else {"severity": {"evil": "low"}}
    with pytest.raises(ConfigError, match=r"evil.*there are:.*eval") as refused:
        Validator(ValidationConfig.model_validate(given))
    assert refused.value.field == field


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEHOP_VALIDATION_OFF", "eval, process")
    monkeypatch.setenv("ONEHOP_VALIDATION_SEVERITY", "deno=low")
    monkeypatch.setenv("ONEHOP_VALIDATION_RULES", "tests.validation.own_rules:no_random")
    monkeypatch.setenv("VALIDATION_DEFAULT_LEVEL", "STRICT")
    report = validate_code("eval('1'); process; Deno; Math.random()")
    assert [(each.pattern, each.severity) for each in report.issues] == [
        ("deno", "low"),
        ("no_random", "high"),
    ]
    assert report.risk_assessment.level == "STRICT"


# --- operators' own rules ---


def test_an_operators_rule_is_named_in_the_configuration() -> None:
    config = ValidationConfig(rules=("tests.validation.own_rules:no_random",))
    report = Validator(config).validate("const x = 1;\nreturn Math.random()")
    [issue] = report.issues
    assert (issue.pattern, issue.line, issue.column) == ("no_random", 2, 8)
    assert issue.suggestion == "take a seed from `context`"
    assert not report.safe


def test_an_operators_rule_sees_names_as_ours_do(analyst: BlockingAnalyst) -> None:
    validator = Validator(ValidationConfig(), [own_rules.no_intl], analyst=analyst)
    assert patterns(validator, "const { Intl: i } = globalThis") == ["no_intl"]
    assert patterns(validator, "const Intl = 1; return [Intl, row.Intl, 'Intl']") == []
    assert not validator.validate("return Intl", level="STRICT").safe


def test_an_operators_rule_can_be_off_and_graded_like_ours(analyst: BlockingAnalyst) -> None:
    rules = [own_rules.no_random, own_rules.no_intl]
    config = ValidationConfig(off=frozenset({"no_intl"}), severity={"no_random": "low"})
    report = Validator(config, rules, analyst=analyst).validate("return Math.random() + Intl")
    assert [(each.pattern, each.severity) for each in report.issues] == [("no_random", "low")]


def test_a_finding_of_a_rule_bears_the_rules_name(analyst: BlockingAnalyst) -> None:
    def mine(source: Source) -> list[Finding]:
        return [source.finding(source.root, "x").model_copy(update={"pattern": "eval"})]

    assert patterns(Validator(rules=[mine], analyst=analyst), "return 1") == ["mine"]


def test_a_rule_sees_text_and_places_in_any_script(analyst: BlockingAnalyst) -> None:
    seen: list[object] = []

    def look(source: Source) -> Iterator[Finding]:
        seen.extend([source.language, source.code])
        seen.extend((source.text(node), source.position(node)) for node in source.words("x"))
        yield from ()

    Validator(rules=[look], analyst=analyst).validate("'😀'; x")
    assert seen == ["javascript", "'😀'; x", ("x", (1, 7))]


def test_a_broken_rule_refuses_the_code_and_says_which_it_was(analyst: BlockingAnalyst) -> None:
    validator = Validator(rules=[own_rules.broken], analyst=analyst)
    report = validator.validate("return 1")
    assert not report.safe
    [issue] = report.issues
    assert (issue.type, issue.pattern, issue.severity) == ("error", "broken", "critical")
    assert "KeyError" in issue.message
    assert "secret" not in issue.message
    assert validator.validate("return 2").safe


def test_a_rule_that_gives_no_findings_is_broken(analyst: BlockingAnalyst) -> None:
    def wrong(source: Source) -> list[Finding]:
        return ["text"]  # type: ignore[list-item]

    [issue] = Validator(rules=[wrong], analyst=analyst).validate("return 1").issues
    assert issue.pattern == "wrong"


def test_a_broken_rule_is_asked_again(analyst: BlockingAnalyst) -> None:
    answers = iter([KeyError(), None])

    def flaky(source: Source) -> list[Finding]:
        answer = next(answers)
        if answer:
            raise answer
        return []

    validator = Validator(rules=[flaky], analyst=analyst)
    assert not validator.validate("return 1").safe
    assert validator.validate("return 1").safe


@pytest.mark.parametrize(
    "reference",
    [
        "no_colon",
        ":f",
        "tests.validation.own_rules:",
        "no.such.module:f",
        "tests.validation.own_rules:missing",
        "tests.validation.own_rules:NOT_A_FUNCTION",
    ],
)
def test_a_rule_that_cannot_be_imported_is_refused_by_name(reference: str) -> None:
    with pytest.raises(ConfigError, match=reference) as refused:
        Validator(ValidationConfig(rules=(reference,)))
    assert refused.value.field == "rules"


def test_two_rules_of_one_name_are_refused() -> None:
    def eval(source: Source) -> list[Finding]:  # noqa: A001  # the name of a rule of ours
        return []

    with pytest.raises(ConfigError, match="eval"):
        Validator(rules=[eval])
    with pytest.raises(ConfigError, match="no_intl"):
        Validator(rules=[own_rules.no_intl, own_rules.no_intl])


# --- the cache ---


def counted(analyst: BlockingAnalyst, validated: list[str], size: int) -> Validator:
    def count(source: Source) -> list[Finding]:
        validated.append(source.language[:1] + source.code)
        return []

    return Validator(ValidationConfig(cache=size), [count], analyst=analyst)


def test_the_same_code_is_examined_once(analyst: BlockingAnalyst) -> None:
    examined: list[str] = []
    validator = counted(analyst, examined, 10)
    first = validator.validate("eval('1')")
    assert validator.validate("eval('1')") == first
    assert validator.validate("eval('1')", "typescript").issues == first.issues
    assert examined == ["jeval('1')", "teval('1')"]


def test_what_was_not_seen_for_long_is_examined_again(analyst: BlockingAnalyst) -> None:
    examined: list[str] = []
    validator = counted(analyst, examined, 2)
    for code in ("1", "2", "1", "3", "1", "2"):
        validator.validate(code)
    assert examined == ["j1", "j2", "j3", "j2"]


def test_a_cache_of_size_zero_keeps_nothing(analyst: BlockingAnalyst) -> None:
    examined: list[str] = []
    validator = counted(analyst, examined, 0)
    validator.validate("1")
    validator.validate("1")
    assert examined == ["j1", "j1"]


def test_risk_follows_the_history_even_for_code_seen_before(validator: Validator) -> None:
    scores = [
        validator.validate(MEDIUM, history=history).risk_assessment.score
        for history in (NO_HISTORY, WORST, NO_HISTORY)
    ]
    assert scores[0] == scores[2] < scores[1]


# --- loading ---


def test_importing_loads_no_parser() -> None:
    code = (
        "import sys, onehop.validation; onehop.validation.Validator(); "
        "print(sorted(name for name in sys.modules if name.startswith('tree_sitter')))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert printed.stdout == b"[]\n"
