"""Which calls are refused before anything runs, and in what words."""

from __future__ import annotations

import datetime
import enum
import json
import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehop.config import SandboxConfig
from onehop.errors import InvalidRequestError
from onehop.inputs.values import ValueCount, count_values, has_more_values
from onehop.requests import MAX_CONTEXT_DEPTH, CheckedRequest, check_request
from onehop.types import ExecutionRequest
from tests.sampling import examples

pytestmark = pytest.mark.unit

CONFIG = SandboxConfig()


def check(config: SandboxConfig = CONFIG, **call: Any) -> CheckedRequest:
    return check_request(config, **{"code": "return 1", **call})


def refusal(config: SandboxConfig = CONFIG, **call: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        check(config, **call)
    assert len(caught.value.got) <= 400
    assert str(caught.value).startswith(caught.value.field + ": got ")
    return caught.value


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"language": "ts", "timeout": 200, "context": {"a": [1]}, "capture_console": False},
        {"description": "x", "typecheck": "strict", "plan": True, "seed": 1, "clock": 5},
        {"session": "s"},
    ],
)
def test_a_request_is_what_pydantic_would_have_made_of_it(call: dict[str, Any]) -> None:
    request = check(**call).request
    made = ExecutionRequest.model_validate(request.model_dump())
    assert request == made
    assert repr(request) == repr(made)  # the same types, in the same order
    assert request.model_dump_json() == made.model_dump_json()


def test_what_is_left_out_comes_from_the_settings() -> None:
    config = SandboxConfig(timeout=700, capture_console=False)
    checked = check(config)
    assert checked.request.model_dump() == {
        "code": "return 1",
        "language": "javascript",
        "timeout": 700,
        "context": {},
        "capture_console": False,
        "description": None,
        "seed": None,
        "clock": None,
        "session": None,
        "typecheck": None,
        "plan": False,
    }
    assert checked.context_json == b"{}"
    assert checked.isolation == "process"


def test_what_is_given_is_kept() -> None:
    checked = check(
        language="typescript",
        timeout=100,
        context={"é": [1, "😀", None, True, 1.5]},
        capture_console=True,
        description="adds up",
        seed=7,
        clock="1970-01-01T00:00:01Z",
        session="s",
        typecheck="strict",
        plan=True,
    )
    assert checked.request.model_dump() == {
        "code": "return 1",
        "language": "typescript",
        "timeout": 100.0,
        "context": {"é": [1, "😀", None, True, 1.5]},
        "capture_console": True,
        "description": "adds up",
        "seed": 7,
        "clock": 1000.0,
        "session": "s",
        "typecheck": "strict",
        "plan": True,
    }
    assert checked.context_json.decode() == '{"é":[1,"😀",null,true,1.5]}'


@pytest.mark.parametrize("language", ["python", "", 1, ["javascript"]])
def test_an_unknown_language_is_refused(language: Any) -> None:
    found = refusal(language=language)
    assert (found.field, found.allowed) == ("language", "'javascript' or 'typescript'")
    assert found.got == repr(language)


@pytest.mark.parametrize("code", ["", None, 5, b"return 1", ["return 1"]])
def test_code_that_is_no_text_is_refused(code: Any) -> None:
    found = refusal(code=code)
    assert (found.field, found.got) == ("code", repr(code))
    assert "at least 1 character" in found.allowed


@pytest.mark.parametrize("code", [" ", "\n", "'😀'", "\ufeff1"])
def test_blank_and_unusual_code_may_run(code: str) -> None:
    assert check(code=code).request.code == code


def test_a_lone_surrogate_in_code_is_refused_by_its_index() -> None:
    found = refusal(code="a😀\ud800b")
    assert (found.field, found.got) == ("code", "a lone surrogate '\\ud800' at index 2")


def test_a_nul_character_in_code_is_refused_by_its_index() -> None:
    found = refusal(code="ab\0c")
    assert (found.field, found.got) == ("code", "a NUL character at index 2")


@pytest.mark.parametrize("code", ["x" * 11, "é" * 6, "x" * 10_000_000])
def test_code_above_the_limit_in_bytes_is_refused(code: str) -> None:
    found = refusal(SandboxConfig(max_code=10), code=code)
    assert found.field == "code"
    assert "at most 10 bytes" in found.allowed


def test_code_at_the_limit_in_bytes_may_run() -> None:
    assert check(SandboxConfig(max_code=10), code="é" * 5).request.code == "é" * 5


@pytest.mark.parametrize(
    "timeout",
    [
        0,
        -1,
        99.9,
        math.nan,
        math.inf,
        -math.inf,
        10**9,
        pytest.param(10**6000, id="huge"),
        30000.1,
        "5000",
        True,
        [],
        {},
    ],
)
def test_a_timeout_that_is_no_number_in_range_is_refused(timeout: Any) -> None:
    found = refusal(timeout=timeout)
    assert (found.field, found.allowed) == (
        "timeout",
        "a number of milliseconds from 100 to 30000",
    )


@pytest.mark.parametrize("timeout", [100, 100.5, 30000])
def test_a_timeout_in_range_is_taken(timeout: float) -> None:
    assert check(timeout=timeout).request.timeout == timeout


@pytest.mark.parametrize("value", [0, 1, "true", []])
def test_capture_console_is_true_or_false(value: Any) -> None:
    assert refusal(capture_console=value).field == "capture_console"


@pytest.mark.parametrize("value", [1, b"x", ["x"], "\udfff"])
def test_a_description_is_text(value: Any) -> None:
    assert refusal(description=value).field == "description"


@pytest.mark.parametrize("context", [[], [1], "{}", 1, True, {1}, object])
def test_a_context_that_is_no_object_is_refused(context: Any) -> None:
    assert refusal(context=context).field == "context"


class _Plain(enum.Enum):
    A = 1


def _cycle() -> dict[str, Any]:
    cycle: dict[str, Any] = {"a": [{}]}
    cycle["a"][0]["b"] = cycle["a"]
    return cycle


def _nested(depth: int, *, lists: bool = False) -> dict[str, Any]:
    """A context with ``depth`` levels below it."""
    value: Any = []
    for _ in range(depth - 1):
        value = [value] if lists else {"a": value}
    return {"a": value}


@pytest.mark.parametrize(
    ("context", "got"),
    [
        ({"a": {1}}, "{1} (set) at context.a"),
        ({"a": b"x"}, "b'x' (bytes) at context.a"),
        ({"a": [{}, {"b": datetime.date(2020, 1, 2)}]}, "(date) at context.a[1].b"),
        ({"a": math.nan}, "nan at context.a"),
        ({"a": {"b c": math.inf}}, "inf at context.a['b c']"),
        ({"a": -math.inf}, "-inf at context.a"),
        ({"a": _Plain.A}, "(_Plain) at context.a"),
        ({"a": object}, "(type) at context.a"),
        ({"a": (x for x in [1])}, "(generator) at context.a"),
        ({1: 2}, "the key 1 in context"),
        ({"a": [{"b": {None: 2}}]}, "the key None in context.a[0].b"),
        ({"1": 1, 1: 1}, "the key 1 in context"),
        ({"a": ({2.5: 1},)}, "the key 2.5 in context.a[0]"),
        ({b"a": 1}, "the key b'a' in context"),
        ({"a": "x\ud83d"}, "a lone surrogate '\\ud83d' at index 1 of context.a"),
        ({"\ud83d": 1}, "a lone surrogate '\\ud83d' at index 0 of context"),
        (_cycle(), "a cycle at context.a[0].b"),
        ({"a": 10**5000}, "a number of over 4000 digits at context.a"),
    ],
)
def test_a_part_that_is_not_json_is_named_with_its_path(context: Any, got: str) -> None:
    found = refusal(context=context)
    assert found.field == "context"
    assert got in found.got


@pytest.mark.parametrize("depth", [MAX_CONTEXT_DEPTH + 1, 240, 300, 100_000])
@pytest.mark.parametrize("lists", [False, True])
def test_a_context_nested_too_deep_is_refused(depth: int, lists: bool) -> None:
    found = refusal(context=_nested(depth, lists=lists))
    assert "a deeper level at context.a" in found.got
    assert str(MAX_CONTEXT_DEPTH) in found.allowed


@pytest.mark.parametrize("lists", [False, True])
def test_a_context_nested_just_not_too_deep_is_taken(lists: bool) -> None:
    context = _nested(MAX_CONTEXT_DEPTH, lists=lists)
    assert check(context=context).request.context == context


def test_a_context_above_the_limit_in_bytes_is_refused() -> None:
    config = SandboxConfig(max_context=20)
    assert check(config, context={"a": "x" * 12}).context_json == b'{"a":"xxxxxxxxxxxx"}'
    found = refusal(config, context={"a": "é" * 7})
    assert (found.field, found.got) == ("context", "22 bytes of JSON")


def test_tuples_count_as_lists() -> None:
    checked = check(context={"a": (1, (2, {"b": ()}))})
    assert checked.request.context == {"a": [1, [2, {"b": []}]]}


class _Text(enum.StrEnum):
    A = "x"


@pytest.mark.parametrize(
    "context",
    [
        OrderedDict(a=1),
        defaultdict(list, a=[1]),
        {"a": _Text.A},
        {_Text.A: 1},
        {"a": 2**70, "b": 5e-324, "c": 0.1 + 0.2, "d": -0.0, "e": 1e300},
        {"same": (shared := [1]), "again": shared},
        {"": {"\u2028": '\x00\x7f\\"'}},
    ],
)
def test_what_json_can_say_is_taken(context: Any) -> None:
    checked = check(context=context)
    assert json.loads(checked.context_json) == context


def test_a_later_change_by_the_caller_changes_nothing() -> None:
    context: dict[str, Any] = {"a": [1]}
    checked = check(context=context)
    context["a"].append(2)
    assert checked.request.context == {"a": [1]}


class _Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class _Chatty:
    def __repr__(self) -> str:
        return "x" * 10_000


@pytest.mark.parametrize("value", [_Rude(), _Chatty(), ["x" * 1000] * 1000, "x" * 10**6])
@pytest.mark.parametrize("field", ["language", "timeout", "capture_console", "context"])
def test_what_was_given_is_shown_in_short(field: str, value: Any) -> None:
    assert len(refusal(**{field: value}).got) <= 80


_SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.text()
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_BAD: st.SearchStrategy[Any] = st.sampled_from([math.nan, {1}, b"", object(), "\ud800"])


def _tree(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    grow: Callable[[Any], Any] = lambda inner: (  # noqa: E731 - hypothesis wants a function
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    )
    return st.dictionaries(st.text(max_size=4), st.recursive(leaves, grow, max_leaves=12))


@settings(max_examples=examples(200), deadline=None)
@given(_tree(_SCALARS | _FLOATS))
def test_every_json_object_passes_and_means_the_same(context: dict[str, Any]) -> None:
    checked = check(context=context)
    assert json.loads(checked.context_json) == checked.request.context == context


@settings(max_examples=examples(200), deadline=None)
@given(_tree(_SCALARS), _BAD)
def test_one_bad_part_anywhere_is_refused(context: dict[str, Any], bad: Any) -> None:
    assert refusal(context={**context, "deep": [[{"x": bad}]]}).field == "context"


@pytest.mark.parametrize(
    ("context", "place"),
    [
        ({"n": 10**400}, "401 digits at context.n"),
        ({"n": -(10**400)}, "401 digits at context.n"),
        ({"a": [0, {"b": 2**1024}]}, "309 digits at context.a[1].b"),
    ],
)
def test_an_integer_beyond_all_doubles_is_refused_with_its_path(context: Any, place: str) -> None:
    assert place in refusal(context=context).got


def test_integers_beyond_2_53_are_told_with_their_paths() -> None:
    exact = {"a": 2**53 - 1, "b": -(2**53) + 1, "c": "9007199254740993", "d": 0.30000000000000004}
    assert not check(context=exact).warnings
    found = check(context={"id": 2**53 + 1, "rows": [{"id": -(2**60)}, 1]})
    [said] = found.warnings
    assert "context.id" in said
    assert "context.rows[0].id" in said
    [many] = check(context={"ids": [2**60] * 100}).warnings
    assert "context.ids[4] and 95 more" in many


def test_integers_beyond_2_53_come_as_texts_by_a_switch() -> None:
    config = SandboxConfig(large_integers="strings")
    found = check_request(
        config, code="1", context={"id": 2**53 + 1, "rows": [{"id": -(2**60)}, 1]}
    )
    assert found.request.context == {"id": str(2**53 + 1), "rows": [{"id": str(-(2**60))}, 1]}
    assert json.loads(found.context_json) == found.request.context
    assert not found.warnings


def test_the_values_of_a_context_are_bounded_and_commas_in_texts_are_none() -> None:
    config = SandboxConfig(max_values=100)
    check_request(config, code="1", context={"text": "[1,2],{}" * 1000, "list": [1] * 90})
    check_request(config, code="1", context={'quote"': '"\\', "b\\": ['\\",' * 50]})
    with pytest.raises(InvalidRequestError, match="more JSON values"):
        check_request(config, code="1", context={"list": [[]] * 101})


@given(
    st.recursive(st.text() | st.integers(), lambda e: st.lists(e) | st.dictionaries(st.text(), e))
)
def test_values_are_counted_alike_however_the_text_is_cut(value: Any) -> None:
    text = json.dumps(value).encode()
    whole, cut = ValueCount(), ValueCount()
    whole.feed(text)
    for byte in text:
        cut.feed(bytes((byte,)))
    assert cut.total == whole.total
    assert values_in(value) <= whole.total <= 2 * values_in(value)


@given(st.recursive(st.text('[{,"a'), st.lists), st.integers(1, 60))
def test_a_quick_look_at_how_many_values_there_are_says_what_the_count_says(
    value: Any, most: int
) -> None:
    text = json.dumps(value).encode()
    assert has_more_values(text, most) == (count_values(text) > most)


def values_in(value: Any) -> int:
    """How many values there are."""
    if isinstance(value, dict):
        return 1 + sum(map(values_in, value.values()))
    return 1 + sum(map(values_in, value)) if isinstance(value, list) else 1
