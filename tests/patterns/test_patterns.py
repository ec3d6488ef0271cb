"""Hints come from shapes alone: what failed, how often and what helps, never whose or with what."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehop import Sandbox
from onehop.patterns import AgentHistory, Patterns, Talk, shape_of
from onehop.patterns._advice import ADVICE, CONSTRUCT_WORDS, KIND_WORDS
from onehop.patterns._shapes import CLASSES, CONSTRUCTS, KINDS
from onehop.types import ErrorInfo, ErrorType, ExecutionResult, Finding, ResourceUsage, code_hash
from tests.sampling import examples

READ = "TypeError:read-undefined:member_expression"
CALL = "TypeError:not-function:call_expression"
CANCELLED = "CancelledError:cancelled:none"
HASH = code_hash("return 1")


def failure(
    name: str = "TypeError",
    message: str = "",
    kind: ErrorType = "runtime",
    line: int | None = None,
    column: int | None = None,
) -> ExecutionResult:
    info = ErrorInfo(type=kind, name=name, message=message, line=line, column=column)
    return ExecutionResult(
        success=False,
        code_hash=HASH,
        resource_usage=ResourceUsage(memory=0),
        error=message,
        error_info=info,
    )


# --- shapes ---

THROWN = {
    "const user = undefined; return user.name": READ,
    "return null.x": "TypeError:read-null:member_expression",
    "let a; a.b = 5": "TypeError:write-undefined:assignment_expression",
    "return [1].mapp((x) => x)": "TypeError:not-function:member_expression",
    "return missing + 1": "ReferenceError:not-defined:binary_expression",
    "const a = 1; a = 2": "TypeError:constant:assignment_expression",
    "return JSON.parse('{')": "SyntaxError:invalid-json:member_expression",
    "for (const x of 5) {}": "TypeError:not-iterable:for_in_statement",
    "const a = {}; a.a = a; return JSON.stringify(a)": "TypeError:circular:member_expression",
    "const f = () => f(); f()": "RangeError:stack-overflow:*",
    "throw new Error('no')": "Error:other:new_expression",
    "class SecretAbc extends Error { name = 'SecretAbc' }; throw new SecretAbc('no')": (
        "Error:custom:new_expression"
    ),
    "a; const a = 1": "ReferenceError:used-too-early:expression_statement",
    "return [].reduce((a, b) => a + b)": "TypeError:reduce-empty:member_expression",
    "return 1n + 1": "TypeError:bigint:binary_expression",
    "await new Promise(() => {})": "PromiseNeverSettledError:never-settles:none",
    "for (;;) {}": "TimeoutError:timeout:none",
    "return 1 +": "SyntaxError:unexpected-token:none",
    "import x from 'y'": "SyntaxError:import:import_statement",
    "return eval('1')": "EvalError:code-from-text:return_statement",
    "throw 'text'": "Error:other:none",
    "return new Date(NaN).toISOString()": "RangeError:invalid-date:member_expression",
}


async def test_shapes_name_what_happened_and_where(sandbox: Sandbox) -> None:
    for code, expected in THROWN.items():
        result = await sandbox.execute(code, timeout=300 if "for (;;)" in code else 5000)
        shape = shape_of(code, "javascript", result)
        assert shape is not None
        assert fnmatchcase(shape, expected), (code, shape, result.error)


async def test_a_run_that_succeeds_has_no_shape(sandbox: Sandbox) -> None:
    assert shape_of("return 1", "javascript", await sandbox.execute("return 1")) is None


@pytest.mark.parametrize(
    ("kind", "name", "shape"),
    [
        ("timeout", "TimeoutError", "TimeoutError:timeout:none"),
        ("validation", "ValidationError", "ValidationError:validation:none"),
        ("cancelled", "CancelledError", CANCELLED),
        ("internal", "KeyError", "InternalError:internal:none"),
        ("resource_limit", "MemoryLimitError", "MemoryLimitError:memory:none"),
        ("resource_limit", "CpuLimitError", "CpuLimitError:cpu:none"),
        ("security", "ProtocolError", "ProtocolError:forbidden:none"),
    ],
)
def test_ends_that_the_host_declares_have_their_own_shapes(
    kind: ErrorType, name: str, shape: str
) -> None:
    assert shape_of("return 1", "javascript", failure(name, "whatever", kind)) == shape


def test_code_that_is_refused_has_the_rule_in_its_shape_if_it_is_ours() -> None:
    def refused(rule: str) -> str | None:
        found = Finding(type="error", message="m", pattern=rule, severity="high", line=1, column=1)
        result = failure("ValidationError", "m", "validation")
        return shape_of("eval(1)", "javascript", result.model_copy(update={"findings": [found]}))

    assert refused("eval") == "ValidationError:validation-eval:none"
    assert refused("my-secret-rule") == "ValidationError:validation:none"


def test_every_shape_has_its_words_and_advice() -> None:
    assert set(KIND_WORDS) == set(ADVICE) == KINDS
    assert set(CONSTRUCT_WORDS) <= CONSTRUCTS
    assert all(re.fullmatch(r".+\.", advice) for advice in ADVICE.values())


TEXT = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            "Cannot read properties of undefined (reading 'secret4711')",
            "secret4711 is not defined",
            "Unexpected token 's', \"secret4711\" is not valid JSON",
            "TypeError:secret4711:member_expression",
        ]
    ),
)
NUMBER = st.one_of(st.none(), st.integers(-5, 10**12))
KIND = st.sampled_from(
    ["timeout", "validation", "runtime", "security", "resource_limit", "cancelled", "internal"]
)


@settings(max_examples=examples(300), deadline=None)
@given(TEXT, TEXT, TEXT, KIND, NUMBER, NUMBER, st.sampled_from(["javascript", "typescript"]))
def test_nothing_that_a_guest_writes_is_ever_in_a_shape_or_a_hint(
    code: str, name: str, message: str, kind: ErrorType, line: int, column: int, language: str
) -> None:
    shape = shape_of(code, language, failure(name, message, kind, line, column))  # type: ignore[arg-type]
    assert shape is not None
    parts = shape.split(":")
    assert parts[0] in CLASSES
    assert parts[1] in KINDS
    assert parts[2] in CONSTRUCTS
    patterns = Patterns()
    for agent in ("secret4711", "b", "c"):
        patterns.observe(Talk(agent), code, shape)
        patterns.observe(Talk(agent), code, f"{message}:{name}:{code}")
    assert all(is_fixed(hint) for hint in patterns.hints(Talk("b"), shape))
    assert patterns.hints(Talk("b"), f"{message}:{name}:{code}") == []


def is_fixed(hint: str) -> bool:
    """Whether nothing but our own texts and counts is in it."""
    rest = hint
    texts = [*KIND_WORDS.values(), *ADVICE.values(), *CONSTRUCT_WORDS.values()]
    for text in sorted(texts, key=len, reverse=True):
        rest = rest.replace(text, "")
    words = r"(?:Your|code|has|also|failed|like|this|once|times|before|agents|by|[\d:.() ])*"
    return re.fullmatch(words, rest) is not None


# --- hints ---


def test_the_first_failure_of_a_kind_has_no_hint() -> None:
    assert Patterns().hints(Talk("ada"), READ) == []


def test_an_agent_hears_of_its_own_failures() -> None:
    patterns = Patterns()
    patterns.observe(Talk("ada"), HASH, READ)
    assert patterns.hints(Talk("ada"), READ) == [
        "Your code has failed like this once before: reading a property of undefined (at a "
        "property access). Check that the value exists first: use `?.` or a default with `??`."
    ]
    patterns.observe(Talk("ada"), "another", READ)
    assert "2 times before" in patterns.hints(Talk("ada"), READ)[0]
    assert patterns.hints(Talk("ada"), CALL) == []


def test_however_many_others_failed_an_agent_hears_of_its_own_runs_alone() -> None:
    patterns = Patterns()
    for number in range(30):
        patterns.observe(Talk(f"agent {number % 10}"), HASH, READ)
    assert patterns.hints(Talk("edsger"), READ) == []
    assert ["3 times before" in hint for hint in patterns.hints(Talk("agent 1"), READ)] == [True]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_said_is_about_this_error_alone(kind: str) -> None:
    patterns, shape = Patterns(), f"Error:{kind}:none"
    others = sorted(KINDS - {kind})
    for agent in ("ada", "grace", "barbara"):
        for other in others:
            patterns.observe(Talk(agent), HASH, f"Error:{other}:none")
    assert patterns.hints(Talk("ada"), shape) == []
    for agent in ("ada", "grace", "barbara"):
        patterns.observe(Talk(agent), HASH, shape)
    for hint in patterns.hints(Talk("ada"), shape):
        assert KIND_WORDS[kind] in hint
        assert hint.endswith(ADVICE[kind])


@pytest.mark.parametrize("kind", ["custom", "other"])
def test_kinds_that_hold_errors_of_all_sorts_bring_no_hint(kind: str) -> None:
    patterns, shape = Patterns(), f"Error:{kind}:new_expression"
    for agent in ("ada", "grace", "barbara"):
        patterns.observe(Talk(agent), HASH, shape)
    assert patterns.hints(Talk("ada"), shape) == []


@pytest.mark.parametrize(
    "other", [Talk("grace"), Talk("ada", "room"), Talk("ada", "", "another"), Talk("a", "da")]
)
def test_one_conversation_does_not_hear_of_another(other: Talk) -> None:
    patterns = Patterns()
    patterns.observe(other, HASH, READ)
    assert patterns.hints(Talk("ada"), READ) == []
    assert len(patterns.hints(other, READ)) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("TypeError", "Unexpected response: field missing"),
        ("Error", "x is not a function"),
        ("RangeError", "Cannot read properties of undefined (reading 'x')"),
        ("TypeError", "name is not defined"),
        ("MemoryLimitError", "I take a name of the host's"),
    ],
)
def test_a_message_that_does_not_go_with_its_error_is_not_taken_at_its_word(
    name: str, message: str
) -> None:
    shape = shape_of("return 1", "javascript", failure(name, message))
    assert shape is not None
    assert Patterns().hints(Talk("ada"), shape) == []
    assert shape.split(":")[1] in ("other", "custom")


def test_what_the_code_has_not_caused_teaches_nothing() -> None:
    patterns = Patterns()
    for agent in "abcd":
        patterns.observe(Talk(agent), HASH, CANCELLED)
        patterns.observe(Talk(agent), HASH, "InternalError:internal:none")
    assert patterns.hints(Talk("a"), CANCELLED) == []
    assert patterns.history("a", HASH) == AgentHistory()


# --- history ---


def test_history_counts_the_last_fifty_runs() -> None:
    patterns = Patterns()
    assert patterns.history("ada", HASH) == AgentHistory(0.0, 0, False)
    for _ in range(30):
        patterns.observe(Talk("ada"), "x", READ)
    for _ in range(30):
        patterns.observe(Talk("ada"), "x", None)
    assert patterns.history("ada", HASH) == AgentHistory(20 / 50, 20, False)


def test_code_that_was_refused_has_not_failed() -> None:
    patterns = Patterns()
    for shape in ("ValidationError:validation:none", "ValidationError:validation-eval:none"):
        patterns.observe(Talk("ada"), HASH, shape)
    assert patterns.history("ada", HASH) == AgentHistory()
    patterns.observe(Talk("ada"), HASH, None)
    assert patterns.history("ada", HASH) == AgentHistory()


def test_code_is_known_to_fail_until_it_succeeds() -> None:
    patterns = Patterns()
    patterns.observe(Talk("ada"), HASH, READ)
    assert patterns.history("ada", HASH).repeats_failure
    assert not patterns.history("ada", "another").repeats_failure
    assert not patterns.history("grace", HASH).repeats_failure
    patterns.observe(Talk("ada"), HASH, CANCELLED)
    assert patterns.history("ada", HASH).repeats_failure
    patterns.observe(Talk("ada"), HASH, None)
    assert not patterns.history("ada", HASH).repeats_failure


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    patterns = Patterns(max_agents=10, max_entries=5)
    for number in range(100):
        patterns.observe(Talk(f"agent {number}"), HASH, READ)
    assert patterns.history("agent 89", HASH).errors == 0
    assert patterns.history("agent 90", HASH).errors == 1
    for number in range(20):
        patterns.observe(Talk("agent 90"), f"code {number}", READ)
    assert not patterns.history("agent 90", "code 14").repeats_failure
    assert patterns.history("agent 90", "code 15").repeats_failure
    patterns.observe(Talk("x" * 1_000_000), "y" * 1_000_000, READ)
    assert patterns.history("x" * 1_000_000, "y" * 1_000_000).repeats_failure
