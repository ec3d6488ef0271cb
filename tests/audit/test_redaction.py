"""What is secret is in no record and no event; what is not stays as it was."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehop import events
from onehop.audit.redaction import Redactor
from onehop.config import AuditConfig
from onehop.events import EVENT_TYPES, ExecutionCompleted, ExecutionFailed, SecurityIssue
from onehop.records import ExecutionRecord
from tests.sampling import examples
from tests.users import ROOT

pytestmark = pytest.mark.unit

PASSWORD = "correct-horse-battery"
HEX = "0123456789abcdef"


def record(**fields: Any) -> ExecutionRecord:
    return ExecutionRecord(
        **{
            "request_id": "r",
            "agent_id": "ada",
            "channel_id": "c",
            "language": "javascript",
            "code_hash": "0" * 16,
            "code_length": 8,
            "code_snippet": "return 1",
            "success": True,
            "execution_time": 1.0,
            "timeout": 5000.0,
            "memory_usage": 1.0,
            "timeout_occurred": False,
            "executed_at": 1,
            "created_at": 2,
            **fields,
        }
    )


def redacted(config: AuditConfig | None = None, **fields: Any) -> ExecutionRecord:
    return Redactor(config or AuditConfig()).record(record(**fields))


def line(text: str, config: AuditConfig | None = None) -> str:
    (only,) = redacted(config, logs=[text]).logs
    return only


# --- fields ---


def test_fields_with_secret_names_are_masked_at_any_depth() -> None:
    given = {
        "user": {"name": "Ada", "Password": PASSWORD, "n": 7},
        "items": [{"api_key": "k", "id": 1}],
        "credentials": {"a": [1, 2]},
        "maxTokens": 100,
        "hasPassword": True,
        "password": None,
    }
    kept = {
        "user": {"name": "Ada", "Password": "[masked]", "n": 7},
        "items": [{"api_key": "[masked]", "id": 1}],
        "credentials": "[masked]",
        "maxTokens": "[masked]",
        "hasPassword": True,
        "password": None,
    }
    done = redacted(context_data=given, output=[given])
    assert done.context_data == kept
    assert done.output == [kept]


def test_nothing_else_of_a_record_is_changed() -> None:
    plain = record(
        context_data={"a": [1, 2.5, None, True, {"b": "text"}]},
        output={"c": 10**30},
        logs=["done", "", "[ERROR] no"],
        error="Error: no (line 1, column 2)",
        description="adds up",
        details={
            "errorInfo": {"type": "runtime", "name": "Error", "message": "no", "line": 1},
            "corrections": [{"kind": "return", "field": "code", "from": "1", "to": "return 1"}],
            "logTimes": [1.0, 2.0, 3.0],
            "hints": ["Check it."],
        },
    )
    assert Redactor(AuditConfig()).record(plain) == plain


def test_patterns_with_a_dot_are_about_a_place() -> None:
    config = AuditConfig(mask=("context.user.ssn", "output.*.card", "contextData.pin"), omit=())
    person = {"ssn": 1, "card": 2, "pin": 3, "user": {"ssn": 4}}
    done = redacted(config, context_data=person, output={"rows": [person], **person})
    assert done.context_data == {
        "ssn": 1,
        "card": 2,
        "pin": "[masked]",
        "user": {"ssn": "[masked]"},
    }
    assert done.output == {
        "rows": [{"ssn": 1, "card": "[masked]", "pin": 3, "user": {"ssn": 4}}],
        "ssn": 1,
        "card": 2,
        "pin": 3,
        "user": {"ssn": 4},
    }


def test_a_place_fits_at_the_end_of_a_path() -> None:
    config = AuditConfig(mask=("user.*name",))
    done = redacted(config, output={"a": {"User": {"lastName": "x"}}, "lastName": "y"})
    assert done.output == {"a": {"User": {"lastName": "[masked]"}}, "lastName": "y"}


def test_omitted_fields_are_left_out_and_their_values_masked_elsewhere() -> None:
    config = AuditConfig(omit=("*email*", "output.1"), mask=())
    done = redacted(
        config,
        context_data={"email": "ada@example.com", "n": 1},
        output=["wrote to ada@example.com", "second"],
        logs=["ada@example.com"],
    )
    assert done.context_data == {"n": 1}
    assert done.output == ["wrote to [masked]"]
    assert done.logs == ["[masked]"]


def test_whole_fields_are_left_out_and_the_record_says_so() -> None:
    config = AuditConfig(keep_output=False, keep_logs=False, keep_context=False)
    done = redacted(
        config,
        context_data={"password": PASSWORD},
        output=[1],
        logs=["x"],
        error=f"Error: {PASSWORD}",
        details={"logTimes": [1.0], "logLevels": ["log"], "cpuTime": 3},
    )
    assert (done.context_data, done.output, done.logs) == (None, None, [])
    assert done.error == "Error: [masked]"
    assert done.details == {"cpuTime": 3, "redacted": ["output", "logs", "context"]}


# --- the same value elsewhere ---


@pytest.mark.parametrize(
    "config",
    [AuditConfig(keep_context=False), AuditConfig(keep_output=False)],
    ids=["context", "output"],
)
def test_what_tools_were_given_is_kept_only_with_what_it_was_made_of(config: AuditConfig) -> None:
    details = {"toolArguments": {"call_1": {"to": "ada"}}}
    assert redacted(details=details).details == details
    assert "toolArguments" not in redacted(config, details=details).details


def test_what_tools_were_given_is_left_out_with_all_that_may_repeat_unread_secrets() -> None:
    first, last = f"{PASSWORD}-first", f"{PASSWORD}-last"
    rows = [{"a": 1, "b": 2}] * 400_000
    large = {"a": [[[[{"password": first}]]]], "rows": rows, "z": [[[[{"password": last}]]]]}
    details = {"toolArguments": {"call_1": {"to": [first, last]}}}
    assert PASSWORD not in str(redacted(context_data=large, details=details).details)


def test_a_value_that_is_masked_in_what_a_tool_was_given_is_masked_elsewhere() -> None:
    details = {"toolArguments": {"call_1": {"password": PASSWORD}}}
    done = redacted(details=details, output=[PASSWORD], logs=[f"it is {PASSWORD}"])
    assert PASSWORD not in done.model_dump_json()
    assert done.details["toolArguments"] == {"call_1": {"password": "[masked]"}}


def test_the_value_of_a_masked_field_is_nowhere_else_in_the_record() -> None:
    done = redacted(
        context_data={"db": {"password": PASSWORD}, "note": f"it is {PASSWORD}!"},
        output={"echo": [PASSWORD], PASSWORD: 1},
        logs=[f"using {PASSWORD}", PASSWORD],
        error=f"Error: bad {PASSWORD}",
        code_snippet=f"login('{PASSWORD}')",
        description=f"log in with {PASSWORD}",
        details={
            "errorInfo": {
                "type": "runtime",
                "name": PASSWORD,
                "message": PASSWORD,
                "stack": PASSWORD,
                "excerpt": PASSWORD,
            },
            "corrections": [{"kind": "return", "field": "code", "from": PASSWORD, "to": PASSWORD}],
            "findings": [{"message": PASSWORD, "pattern": "eval"}],
            "other": {"deep": [PASSWORD]},
        },
    )
    assert PASSWORD not in json.dumps(done.to_dict())
    assert done.logs == ["using [masked]", "[masked]"]
    assert done.output == {"echo": ["[masked]"], "[masked]": 1}


def test_values_in_the_spelling_of_json_and_urls_are_masked_too() -> None:
    secret = 'a"b\nc/d é 123'
    done = redacted(
        context_data={"secret": secret},
        logs=[
            json.dumps(secret),
            json.dumps([json.dumps(secret)])[:2],
            "a%22b%0Ac%2Fd%20%C3%A9%20123",
        ],
    )
    assert done.logs[0] == '"[masked]"'
    assert done.logs[2] == "[masked]"


def test_numbers_of_eight_digits_are_masked_elsewhere_and_short_values_are_not() -> None:
    done = redacted(
        context_data={"secret_pin": 1234, "secret_card": 4111111111111111, "secret_word": "short"},
        output=[1234, 4111111111111111, "short", "card 4111111111111111"],
    )
    assert done.output == [1234, "[masked]", "short", "card [masked]"]


def test_words_of_our_own_stay_though_a_secret_is_the_same_word() -> None:
    info = {"type": "resource_limit", "name": "E", "message": "resource_limit"}
    done = redacted(context_data={"secret": "resource_limit"}, details={"errorInfo": info})
    assert done.details["errorInfo"] == {**info, "message": "[masked]"}


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_any_number_of_values_is_masked(count: int) -> None:
    values = [f"value number {n:06}" for n in range(count)]
    done = redacted(context_data={"tokens": values}, logs=[f"<{value}>" for value in values])
    assert set(done.logs) == {"<[masked]>"}


def test_what_is_left_of_a_value_where_a_text_was_cut_is_masked() -> None:
    start = 'await login("' + " " * 470
    code = f'{start}", "{PASSWORD}")'[:500]
    assert code.endswith("correct-horse")
    excerpt = f" 1 | …rse-battery; a('{PASSWORD[:10]}…"
    done = redacted(
        context_data={"password": PASSWORD},
        code_snippet=code,
        details={"errorInfo": {"type": "runtime", "excerpt": excerpt}},
    )
    assert "corr" not in done.code_snippet
    assert done.code_snippet.endswith('"[masked]')
    assert done.details["errorInfo"]["excerpt"] == " 1 | …[masked]; a('[masked]…"


# --- secrets by their form ---

TOKENS = [
    "sk-proj-" + "aB3" * 20,
    "sk-ant-api03-" + "x_Y9-" * 18 + "AA",
    "sk-" + "a1B2" * 12,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1_B2" * 16,
    "glpat-" + "a1B2-" * 4,
    "xoxb-123456789012-" + "aB1" * 8,
    "AKIA" + "ABCD1234" * 2,
    "AIza" + "a1B2c" * 7,
    "sk_live_" + "a1B2" * 6,
    "hf_" + "aBcD" * 9,
    "npm_" + "a1B2" * 9,
    "SG." + "a1B2" * 5 + "." + "c3D4" * 10,
    "ya29." + "a0_-" * 10,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE" + "abc/+\n" * 20 + "-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "around", ["{}", "key {}, used", '"{}"', "a={};", "({})", "https://x/?k={}&b"]
)
def test_secrets_of_a_known_form_are_masked_wherever_they_stand(token: str, around: str) -> None:
    text = around.format(token)
    done = redacted(output=text, logs=[text], error=text, code_snippet=text, description=text)
    for kept in (done.output, *done.logs, done.error, done.code_snippet, done.description):
        assert kept is not None
        assert "[masked]" in kept
        assert token[4:20] not in kept
    assert done.output == around.format("[masked]")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abc123def456", "Authorization: [masked]"),
        ("sent Bearer abc123def456 there", "sent Bearer [masked] there"),
        ("Basic YWRhOmh1bnRlcjI=", "Basic [masked]"),
        ("postgres://ada:hunter2@db/x", "postgres://ada:[masked]@db/x"),
        ("redis://:p@ss@db", "redis://:[masked]@db"),
        ('{"password": "hunter2", "a": 1}', '{"password": "[masked]", "a": 1}'),
        (
            '{"a": "{\\"password\\":\\"hun\\\\\\"ter\\",\\"b\\":1}"}',
            '{"a": "{\\"password\\":\\"[masked]\\",\\"b\\":1}"}',
        ),
        ("{ password: 'hunt\\'er2', a: 1 }", "{ password: '[masked]', a: 1 }"),
        ("Map(1) { 'token' => 'abc' }", "Map(1) { 'token' => '[masked]' }"),
        ("password=hunter2 next", "password=[masked] next"),
        ("run --api-key=abc --x=1", "run --api-key=[masked] --x=1"),
        ("GET /?api_key=abc&page=2", "GET /?api_key=[masked]&page=2"),
        ("config.db.password = hunter2", "config.db.password = [masked]"),
        ("password: hunter2", "password: [masked]"),
        ("{ tokens: 153, b: 2 }", "{ tokens: [masked], b: 2 }"),
        ("{ credentials: { user: 'a', key: ['}'] }, b: 2 }", "{ credentials: [masked], b: 2 }"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [masked]\nHost: x"),
        ('password: "never closed', 'password: "[masked]'),
        ("{ password: '', token: null, secret: undefined, hasToken: true }",) * 2,
    ],
)
def test_values_behind_secret_names_are_masked_in_text(text: str, kept: str) -> None:
    assert line(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "a basic understanding of bearer authentication",
        "Basic information: bearer bonds are Bearer instruments",
        "the password is required",
        "Unexpected token: expected one of these",
        "Unexpected token '}'",
        "Cannot read properties of undefined (reading 'token')",
        "550e8400-e29b-41d4-a716-446655440000",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha512-" + "aB3+/" * 16,
        "task-management-of-a-very-long-name-2024-10-10",
        "sk-fading-circle-with-a-long-name",
        "risk-assessment-number-12345678901234567890",
        "http://localhost:3001/x@y",
        "mail ada@example.com: see https://example.com/a:b",
        "12:30:45 key: value, a=b, c => d",
        "ghp_short AKIA eyJ eyJ.eyJ xoxo",
        "const a = b ? c : d; x == y",
        "2024-01-01T00:00:00.000Z author: Ada",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert line(text) == text
    assert redacted(code_snippet=text).code_snippet == text


def test_in_code_only_literals_are_values() -> None:
    code = "const token = await getToken(context.password)\nlet password = 'hunter2', pwd: string"
    assert redacted(code_snippet=code).code_snippet == code.replace("hunter2", "[masked]")


def test_the_beginning_of_a_secret_at_the_end_of_a_snippet_is_masked() -> None:
    code = ("x" * 480 + " 'sk-proj-aB3aB3aB3aB3aB3aB3")[:500]
    assert redacted(code_snippet=code).code_snippet == "x" * 480 + " '[masked]"


def test_a_key_that_was_printed_line_by_line_is_masked() -> None:
    key = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBg",
        "kqhkiG9w0BAQEF",
        "-----END PRIVATE KEY-----",
    ]
    logs = redacted(logs=["before", *key, "after"]).logs
    assert len(logs) == 6
    assert (logs[0], logs[-1]) == ("before", "after")
    assert "MIIE" not in "".join(logs)
    assert "kqhki" not in "".join(logs)


def test_masking_by_form_can_be_turned_off() -> None:
    config = AuditConfig(mask_secrets=False, mask=("pin",))
    text = f"{TOKENS[0]} password=hunter2 pin=1234"
    assert line(text, config) == f"{TOKENS[0]} password=hunter2 pin=[masked]"


# --- size ---


def test_a_large_output_is_kept_as_a_preview_that_fits() -> None:
    config = AuditConfig(max_field=1024)
    rows = [{"id": n, "name": 'é"' * 5, "password": PASSWORD} for n in range(1000)]
    done = redacted(config, output=rows, context_data={"rows": rows})
    for kept, whole in ((done.output, rows), (done.context_data, {"rows": rows})):
        assert set(kept) == {"$truncated", "preview"}
        assert kept["$truncated"] == len(
            json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
        )
        assert len(json.dumps(kept, ensure_ascii=False).encode()) <= 1024
        assert '"password":"[masked]"' in kept["preview"]
        assert kept["preview"].startswith(("[{", '{"rows":[{'))
    small = [1] * 500
    assert redacted(config, output=small).output == small


def test_a_secret_at_the_cut_is_not_cut_in_two() -> None:
    config = AuditConfig(max_field=1024)
    for length in range(400, 1100, 7):
        text = " " * length + TOKENS[0] + " " * 20_000
        kept = redacted(config, output=text, context_data={"a": text, "b": [text]})
        assert "sk-" not in json.dumps([kept.output, kept.context_data])


def test_logs_that_are_too_long_end_with_a_line_that_says_so() -> None:
    config = AuditConfig(max_field=1024)
    lines = [f"line {n:03}" for n in range(300)]
    details = {"logTimes": [float(n) for n in range(300)], "logLevels": ["log"] * 300}
    done = redacted(config, logs=lines, details=details)
    kept = len(done.logs) - 1
    assert done.logs[:-1] == lines[:kept]
    missing = 300 - kept
    assert done.logs[-1] == f"… {missing} more lines with {missing * 8} characters were not kept"
    assert 900 <= len(json.dumps(done.logs[:-1], separators=(",", ":"))) <= 1024


def test_depth_is_bounded() -> None:
    deep: Any = PASSWORD
    for _ in range(100_000):
        deep = [deep]
    done = redacted(output=deep, context_data={"password": PASSWORD, "a": deep})
    text = json.dumps([done.output, done.context_data])
    assert "[Truncated]" in text
    assert PASSWORD not in text


def test_a_context_too_large_to_search_leaves_out_what_may_repeat_its_secrets() -> None:
    huge = {"rows": [{"a": 1, "b": 2}] * 400_000, "password": PASSWORD}
    done = redacted(context_data=huge, output=PASSWORD, logs=[PASSWORD])
    assert PASSWORD not in json.dumps(done.to_dict())


HOSTILE = [
    "sk-" * 350_000,
    "eyJ" * 350_000,
    "eyJaaaaaaaa." * 90_000,
    "a://" * 260_000,
    "a://b:" * 170_000,
    "-----BEGIN PRIVATE KEY-----" * 38_000,
    "password=" * 116_000,
    'password:"' * 100_000,
    "\\" * 1_000_000,
    '\\"' * 500_000,
    "a:" * 500_000,
    "a-" * 500_000,
    "password:{" * 100_000,
    "Bearer " * 140_000,
    "Basic aaaaaa " * 80_000,
    "xoxb-" * 200_000,
    "secret_word" * 90_000,
    " " * 1_000_000,
    "'" * 1_000_000,
    "…" * 300_000,
]


@pytest.mark.sample(6)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_hostile_text_of_a_megabyte_does_not_hang(text: str) -> None:
    """In quadratic time each of these would take minutes."""
    config = AuditConfig(max_field=4 * 1024 * 1024)
    done = redacted(config, logs=[text], context_data={"password": "secret_word"})
    assert len(done.logs) == 1


def test_values_made_to_be_slow_to_find_are_bounded() -> None:
    values = ["a" * n for n in range(8, 2008)]
    done = redacted(context_data={"tokens": values}, logs=["a" * 200_000, "ab" * 100_000])
    assert "aaaaaaaa" not in "".join(done.logs)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(), st.sampled_from(["token", "a"])), inner, max_size=4),
    ),
    max_leaves=20,
)


@settings(max_examples=examples(200), deadline=None)
@given(JSON, st.text(HEX, min_size=12, max_size=20), st.lists(st.text(), max_size=3))
def test_no_data_breaks_it_and_no_masked_value_survives(
    data: Any, secret: str, texts: list[str]
) -> None:
    done = redacted(
        context_data={"data": data, "password": secret},
        output=[data, secret],
        logs=[*texts, f"{secret}{secret}", "".join(texts) + secret],
    )
    assert secret not in json.dumps([done.context_data, done.output, done.logs])
    assert len(done.logs) == len(texts) + 2


# --- events ---


def test_errors_in_events_are_masked_like_their_record() -> None:
    common = {"agent_id": "ada", "channel_id": "c", "code_hash": "0" * 16}
    failed = ExecutionFailed(
        **common,  # type: ignore[arg-type]
        request_id="r",
        language="javascript",
        error=f"Error: {PASSWORD} {TOKENS[0]}",
        error_type="runtime",
        execution_time=1.0,
    )
    redactor = Redactor(AuditConfig())
    assert isinstance(kept := redactor.event(failed), ExecutionFailed)
    assert kept.error == f"Error: {PASSWORD} [masked]"
    redactor.record(record(context_data={"password": PASSWORD}))
    assert isinstance(kept := redactor.event(failed), ExecutionFailed)
    assert kept.error == "Error: [masked] [masked]"
    assert (kept.event_id, kept.timestamp) == (failed.event_id, failed.timestamp)
    redactor.record(record(request_id="another"))
    assert isinstance(kept := redactor.event(failed), ExecutionFailed)
    assert PASSWORD in kept.error


def test_every_text_in_an_event_is_a_name_or_is_masked() -> None:
    """So that a new kind of event cannot show what records hide."""
    names = {
        *("agent_id", "channel_id", "request_id", "code_hash", "event_id", "run_id", "call_id"),
        *("tool", "arguments_hash", "rule", "decision", "by", "pattern"),
    }
    secret = TOKENS[0]
    redactor, leaks = Redactor(AuditConfig()), set[str]()
    classes = vars(events).values()
    kinds = [each for each in classes if getattr(each, "event_type", "") in EVENT_TYPES]
    assert len(kinds) == len(EVENT_TYPES)
    for kind in kinds:
        words: dict[str, Any] = {each.name: secret for each in dataclasses.fields(kind)}
        kept = redactor.event(kind(**words))
        texts = {name for name, hint in get_type_hints(kind).items() if hint in (str, str | None)}
        leaks |= {
            f"{kind.__name__}.{name}" for name in texts - names if getattr(kept, name) == secret
        }
    assert leaks == {"ToolFailed.error", "ToolDenied.error"}  # codes, of a closed set


def test_descriptions_of_security_issues_are_masked_and_other_events_pass() -> None:
    common = {"agent_id": "ada", "channel_id": "c", "request_id": "r", "code_hash": "0" * 16}
    redactor = Redactor(AuditConfig())
    issue = SecurityIssue(
        **common,  # type: ignore[arg-type]
        issue_type="dangerous_pattern",
        description=f"eval of {TOKENS[0]}",
        severity="high",
        pattern="eval",
    )
    assert isinstance(kept := redactor.event(issue), SecurityIssue)
    assert kept.description == "eval of [masked]"
    completed = ExecutionCompleted(
        **common,  # type: ignore[arg-type]
        language="javascript",
        execution_time=1.0,
        output_size=1,
        log_count=0,
        resource_usage={},
    )
    assert redactor.event(completed) is completed


# --- URLs, and keys of ours ---

OURS = f"oh_{'0a' * 8}_{'1b' * 32}"
IN_URLS = [
    (f"the key {OURS}.", "the key [masked]."),
    ("https://ada:pw@host/x", "https://ada:[masked]@host/x"),
    ("https://gho7k3f9sk2m4v8x1q@host/x", "https://[masked]@host/x"),
    ("ssh://git@host/x", "ssh://git@host/x"),
    ("GET /cb?token=abc1&a=1", "GET /cb?token=[masked]&a=1"),
    ("https://h/x?a=1&access_token=abc#top", "https://h/x?a=1&access_token=[masked]#top"),
    ("https://h/#id_token=abc&state=1", "https://h/#id_token=[masked]&state=1"),
    ("https://h/x?api_key=k&page=2", "https://h/x?api_key=[masked]&page=2"),
    ("https://h/x?apiKey=k&sortKey=2", "https://h/x?apiKey=[masked]&sortKey=[masked]"),
    ("https://h/x?sv=1&sig=a%2Bb%3D", "https://h/x?sv=1&sig=[masked]"),
    ("https://h/x?X-Amz-Signature=ab&b=1", "https://h/x?X-Amz-Signature=[masked]&b=1"),
    ("https://h/x?monkey=1&design=2&author=3", "https://h/x?monkey=1&design=2&author=3"),
]


@pytest.mark.parametrize(("text", "kept"), IN_URLS)
def test_what_lets_somebody_in_is_masked_in_urls(text: str, kept: str) -> None:
    done = redacted(logs=[text], code_snippet=f"await get({text!r})", output=[text])
    assert done.logs == [kept]
    assert done.output == [kept]
    assert done.code_snippet == f"await get({kept!r})"


# --- the page ---


def rows() -> list[tuple[str, str]]:
    page = (ROOT / "docs/reference/redaction.md").read_text("utf-8")
    return re.findall(r"^\| `(.+)` \| `(.+)` \|$", page, re.MULTILINE)


def test_the_page_shows_what_is_masked() -> None:
    assert len(rows()) == 11
    for text, kept in rows():
        assert line(text) == kept
