"""What a call obviously meant is done and said; what is ambiguous is left alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehop.config import CorrectionConfig, SandboxConfig
from onehop.corrections import correct_arguments, correct_code
from onehop.errors import InvalidRequestError
from onehop.requests import check_request
from tests.sampling import examples
from tests.users import ROOT

pytestmark = pytest.mark.unit

ON = CorrectionConfig()
OFF = CorrectionConfig(enabled=False)
FIELDS = ("code", "language", "timeout", "context", "captureConsole", "description")


def table(*head: str) -> Iterator[list[str]]:
    """The rows of the page's tables with these columns, as they are meant."""
    inside, found = False, 0
    for line in (ROOT / "docs/reference/corrections.md").read_text("utf-8").splitlines():
        cells = [cell.strip(" ") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        plain = [cell[1:-1] if cell[:1] == cell[-1:] == "`" else cell for cell in cells]
        if inside and cells and set(cells[0]) != {"-"}:
            found += 1
            yield [cell.replace("⏎", "\n") for cell in plain]
        inside = bool(cells) and (inside or cells == list(head))
    assert found, head


def sent(cell: str) -> dict[str, Any]:
    arguments: dict[str, Any] = json.loads(cell.replace("\n", "\\n"))
    return arguments


# --- the page ---


@pytest.mark.parametrize(("before", "after", "kinds"), list(table("sent", "meant", "kinds")))
def test_arguments_are_repaired_as_the_page_says(before: str, after: str, kinds: str) -> None:
    corrected = correct_arguments(sent(before), ON)
    assert corrected.arguments == sent(after)
    assert [made.kind for made in corrected.corrections] == kinds.split(", ")


@pytest.mark.parametrize(("before", "why"), list(table("sent", "why")))
def test_arguments_that_are_ambiguous_are_left_to_be_refused(before: str, why: str) -> None:
    arguments = sent(before)
    corrected = correct_arguments(arguments, ON)
    if "timeoutMs" in arguments:
        arguments = {"timeout": arguments["timeoutMs"]}
    assert corrected.arguments == arguments


@pytest.mark.parametrize(("before", "after", "kinds"), list(table("code", "runs as", "kinds")))
def test_code_is_repaired_as_the_page_says(before: str, after: str, kinds: str) -> None:
    corrected = correct_code(before, "javascript", ON)
    assert corrected.code == after
    assert [made.kind for made in corrected.corrections] == kinds.split(", ")


@pytest.mark.parametrize(("before", "why"), list(table("code", "why")))
def test_code_that_may_mean_something_else_is_left_alone(before: str, why: str) -> None:
    corrected = correct_code(before, "javascript", ON)
    assert (corrected.code, corrected.corrections) == (before, [])


# --- arguments ---


def test_a_valid_call_is_left_as_it_is() -> None:
    call = {
        "code": "return 1",
        "language": "typescript",
        "timeout": 100,
        "context": {"lang": "js", "timeout": "5"},
        "captureConsole": False,
        "description": "5",
    }
    corrected = correct_arguments(call, ON)
    assert (corrected.arguments, corrected.corrections) == (call, [])
    assert corrected.arguments is not call


def test_nothing_is_repaired_when_it_is_turned_off() -> None:
    call = {"script": "return 1", "timeout": "5"}
    for config in (OFF, CorrectionConfig(max_retries=0)):
        assert correct_arguments(call, config).arguments == call
        assert correct_code("1 + 1", "javascript", config).code == "1 + 1"


def test_the_number_of_rounds_is_bounded() -> None:
    call = {"timeout": "5"}
    assert correct_arguments(call, CorrectionConfig(max_retries=1)).arguments == {"timeout": 5}
    assert correct_arguments(call, CorrectionConfig(max_retries=2)).arguments == {"timeout": 5000}
    fenced = "```js\n1 + 1\n```"
    once = correct_code(fenced, "javascript", CorrectionConfig(max_retries=1))
    assert [made.kind for made in once.corrections] == ["fence"]
    assert "return" not in once.code


def test_seconds_are_bounded_by_the_longest_timeout() -> None:
    assert correct_arguments({"timeout": 5}, ON, timeout_max=4000).arguments == {"timeout": 5}
    assert correct_arguments({"timeout": 30}, ON).arguments == {"timeout": 30_000}
    for hopeless in (0, -5, 31, 99, 0.05, float("nan"), float("inf"), 10**400):
        assert not correct_arguments({"timeout": hopeless}, ON).corrections


def test_a_fence_that_says_typescript_sets_the_language_of_a_call_that_names_none() -> None:
    corrected = correct_arguments({"script": "```tsx\nlet a: number = 1\n```"}, ON)
    assert corrected.arguments["language"] == "typescript"
    javascript = correct_arguments({"code": "```js\nreturn 1\n```"}, ON)
    assert "language" not in javascript.arguments


@pytest.mark.parametrize(
    "code",
    [
        "`" * 2_000_000 + "\nx\n",
        "~~~ " * 500_000 + "`",
        "```js\n" + "``\n" * 600_000,
        "```js\n" * 300_000,
        "```ts\n" + "a b\n" * 500_000 + "```\nw",
        ";    " * 400_000 + "\n```ts\nx\n```",
        "<script " + "type=" * 400_000 + ">x</script>",
    ],
)
def test_a_call_costs_the_host_a_moment_whatever_is_around_its_code(code: str) -> None:
    """It is looked at in the event loop; 2 MB of backticks took six seconds."""
    before = time.thread_time()
    correct_arguments({"code": code}, ON)
    assert time.thread_time() - before < 1.5


def test_a_context_is_never_repeated_in_the_report() -> None:
    text = json.dumps({"password": "hunter2hunter2", "rows": list(range(100_000))})
    corrected = correct_arguments({"context": text}, ON)
    assert corrected.arguments["context"]["password"] == "hunter2hunter2"
    report = str(corrected.corrections)
    assert "hunter2" not in report
    assert len(report) < 200


@pytest.mark.parametrize("text", ["", "null", "7", "{", '{"a": NaN}', "[" * 100_000, '"{}"'])
def test_text_that_is_no_object_stays_text(text: str) -> None:
    assert correct_arguments({"context": text}, ON).arguments == {"context": text}


@pytest.mark.parametrize("value", [None, [], {}, b"x", 99.5, object(), "x" * 1_000_000, " " * 99])
def test_arguments_of_any_type_pass_through(value: Any) -> None:
    call = dict.fromkeys((*FIELDS, "unknown", ""), value)
    assert correct_arguments(call, ON).arguments == call


WORDS = st.one_of(
    st.sampled_from(["js", "TS", "true", "5", "5000", "{}", "```ts\n1\n```", "", "python"]),
    st.integers(-5, 40_000),
    st.floats(),
    st.booleans(),
    st.none(),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
NAMES = st.sampled_from(
    [*FIELDS, "lang", "script", "source", "timeoutMs", "timeout_ms", "capture_console", "other"]
)


@settings(max_examples=examples(300), deadline=None)
@given(st.dictionaries(NAMES, WORDS, max_size=6))
def test_what_was_valid_is_never_changed_and_nothing_is_lost(call: dict[str, Any]) -> None:
    corrected = correct_arguments(call, ON)
    assert len(corrected.arguments) >= len(call)
    if accepted(call):
        told = {made.field for made in corrected.corrections}
        assert told <= {"language"}
        assert {**corrected.arguments, "language": 0} == {**call, "language": 0}
    again = correct_arguments(corrected.arguments, ON)
    if not any(made.kind == "name" and made.field == "timeout" for made in corrected.corrections):
        assert again.corrections == []


def accepted(call: dict[str, Any]) -> bool:
    if not set(call) <= set(FIELDS):
        return False
    snake = {("capture_console" if n == "captureConsole" else n): v for n, v in call.items()}
    try:
        check_request(SandboxConfig(), **{"code": "1", **snake})
    except InvalidRequestError:
        return False
    return True
