"""The host reads frames the same whether it takes the short way, for small results, or the long."""

from __future__ import annotations

import json

import pytest

from onehop.inputs.frames import HEADER, FrameReader, ProtocolError, encode_frame
from onehop.workers.protocol import (
    LargeResult,
    Original,
    Result,
    encode_job,
    parse_message,
)

pytestmark = pytest.mark.unit

TOKEN = "5e" * 16
HEAD = f'{{"v":3,"token":"{TOKEN}","kind":"result","dropped":0,"output":'


def parse(text: str, token: str = TOKEN) -> object:
    return parse_message(text.encode(), token, 100_000)


@pytest.mark.parametrize("value", [2, None, "é 😀", {"a": [1.5, {}]}, [], "x" * 10_000])
def test_a_result_is_its_value_whatever_its_size(value: object) -> None:
    assert parse(HEAD + json.dumps(value) + "}") == Result(value, 0)


def test_a_result_written_with_spaces_or_in_another_order_is_the_same() -> None:
    text = f'{{"kind": "result", "output": 2, "dropped": 3, "token": "{TOKEN}", "v": 3}}'
    assert parse(text) == Result(2, 3)


def test_fields_behind_the_output_count() -> None:
    assert parse(HEAD + '1,"dropped":7}') == Result(1, 7)
    assert parse(HEAD + '1,"text":"[1","bytes":9}') == LargeResult("[1", 9, 0)


@pytest.mark.parametrize(
    "tail", ["", "}", "1", "1}}", "1}\n}", "1,}", "[1}", "NaN}", "1e999}", "-1e400}", '"\\ud800"}']
)
def test_an_output_that_is_no_json_is_refused(tail: str) -> None:
    with pytest.raises(ProtocolError):
        parse(HEAD + tail)


def test_a_result_with_the_token_of_another_run_is_refused() -> None:
    with pytest.raises(ProtocolError, match="token"):
        parse(HEAD + "1}", "ab" * 16)


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 9, 13])
def test_frames_are_the_same_however_the_bytes_arrive(cut: int) -> None:
    data = encode_frame(b"first") + encode_frame(b"") + encode_frame(b"2nd")
    reader = FrameReader(5)
    bodies = [*reader.feed(data[:cut]), *reader.feed(data[cut:]), *reader.feed(encode_frame(b"x"))]
    assert bodies == [b"first", b"", b"2nd", b"x"]


def test_a_body_stays_as_it_is_whatever_comes_behind_it() -> None:
    reader = FrameReader(5)
    data = encode_frame(b"first")
    bodies = [*reader.feed(data[:6]), *reader.feed(data[6:])]
    bodies += [*reader.feed(encode_frame(b"2nd")[:5]), *reader.feed(b"nd" + encode_frame(b"3")[:2])]
    assert bodies == [b"first", b"2nd"]


def test_a_frame_over_the_cap_is_refused_unread_also_when_it_comes_whole() -> None:
    with pytest.raises(ProtocolError, match="over the limit"):
        list(FrameReader(5).feed(encode_frame(b"123456")))
    with pytest.raises(ProtocolError, match="over the limit"):
        list(FrameReader(5).feed(HEADER.pack(6)))


@pytest.mark.parametrize("code", ["return 1", 'return "\\n"\t// é 😀 "'])
@pytest.mark.parametrize("typed", [None, "", 'return "\\" as string'])
def test_a_job_is_json_whatever_its_texts(code: str, typed: str | None) -> None:
    frame = encode_job(
        token=TOKEN,
        code=code,
        original=None if typed is None else Original(typed, "AAAA;IAAI"),
        context_json='{"é":1}'.encode(),
        capture=True,
        limits_json="{}",
    )
    (length,) = HEADER.unpack(frame[: HEADER.size])
    job = json.loads(frame[HEADER.size :])
    assert length == len(frame) - HEADER.size
    original = None if typed is None else {"code": typed, "map": "AAAA;IAAI"}
    assert (job["code"], job["original"], job["context"]) == (code, original, {"é": 1})


def large(warnings: str) -> str:
    head = f'{{"v":3,"token":"{TOKEN}","kind":"result","bytes":9,"dropped":0,{warnings}"text":"'
    return head + "x" * 400_000 + '"}'


@pytest.mark.parametrize(
    "warnings", [[], ["one"], ['a "quoted" \\ one', "]", "é"], ["x" * 1024] * 16]
)
def test_warnings_come_with_a_result_of_any_size(warnings: list[str]) -> None:
    field = f'"warnings":{json.dumps(warnings, separators=(",", ":"))},'
    end = parse(HEAD.replace('"output":', field + '"output":') + "1}")
    assert end == Result(1, 0, tuple(warnings))
    if warnings:
        long = parse(large(field))
        assert isinstance(long, LargeResult)
        assert long.warnings == tuple(warnings)


def test_a_warning_becomes_one_printable_line() -> None:
    text = HEAD.replace('"output":', '"warnings":["a\\nb\\u2028\\u001b[1m"],"output":') + "1}"
    assert parse(text) == Result(1, 0, ("a\\nb\\u2028\\x1b[1m",))


@pytest.mark.parametrize(
    "warnings",
    ['"text"', "{}", "[1]", "[null]", "[[]]", '["' + "x" * 1025 + '"]', '["x"' + ',"x"' * 16 + "]"],
)
def test_other_warnings_are_refused(warnings: str) -> None:
    field = f'"warnings":{warnings},'
    with pytest.raises(ProtocolError):
        parse(HEAD.replace('"output":', field + '"output":') + "1}")
    with pytest.raises(ProtocolError):
        parse(large(field))
