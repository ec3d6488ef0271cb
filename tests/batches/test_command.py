"""`onehop batch` as a shell sees it: real processes, files that are killed half-way."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from tests import copies
from tests.copies import ONEHOP
from tests.waiting import until

COMMAND = [*ONEHOP, "batch"]


def shell(folder: Path, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return copies.run(
        [*COMMAND, *words], cwd=folder, input=text, capture_output=True, text=True, timeout=120
    )


def write_requests(path: Path, count: int, code: str = "return context.n * 2") -> None:
    lines = [json.dumps({"id": f"r{n}", "code": code, "context": {"n": n}}) for n in range(count)]
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zst":
        path.write_bytes(zstd.compress(text.encode()))
    else:
        path.write_text(text)


def read_results(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = zstd.decompress(data)
    return [json.loads(line) for line in data.decode().splitlines()]


def test_each_line_of_requests_gets_a_line_of_results(tmp_path: Path) -> None:
    requests = [
        {"id": 7, "code": "return 1 + 1"},
        {"code": "throw new Error('no')"},
        {"code": "const n: number = 4; return n", "language": "typescript"},
        {"kode": "return 1"},
    ]
    text = "\n".join([*map(json.dumps, requests), "", "not json"])
    (tmp_path / "in.jsonl").write_text(text)
    ended = shell(tmp_path, "in.jsonl", "--out", "out.jsonl")
    assert ended.returncode == 1, ended.stderr
    results = read_results(tmp_path / "out.jsonl")
    assert [result["line"] for result in results] == [1, 2, 3, 4, 6]
    assert [result["output"] for result in results] == [2, None, 4, None, None]
    assert results[0]["id"] == 7
    assert "id" not in results[1]
    assert "kode" in results[3]["error"]
    assert "line 6" in results[4]["error"]
    assert "2 succeeded, 3 failed: 2 validation, 1 runtime" in ended.stderr


def test_failures_do_not_vanish_when_the_finished_batch_is_run_again(tmp_path: Path) -> None:
    codes = ["return 1", "throw new Error('no')", "return 2", "return missing", "return ("]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"code": c}) + "\n" for c in codes))
    first = shell(tmp_path, "in.jsonl", "--out", "out.jsonl")
    assert first.returncode == 1, first.stderr
    told = first.stderr.partition("succeeded, ")[2].partition(" in ")[0]
    assert told.startswith("3 failed: ")
    again = shell(tmp_path, "in.jsonl", "--out", "out.jsonl")
    assert again.returncode == 1, again.stderr
    assert f"nothing was left to run: 5 were there already ({told})" in again.stderr

    with (tmp_path / "in.jsonl").open("a") as file:
        file.write(json.dumps({"code": "return 3"}) + "\n")
    more = shell(tmp_path, "in.jsonl", "--out", "out.jsonl")
    assert more.returncode == 1
    assert f"1 succeeded, 5 were there already ({told})" in more.stderr


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "line",
    [
        '{"code": "return 1", "code": "return 2"}',
        '{"code": "return 1", "context": {"a": 1, "a": 2}}',
    ],
)
def test_a_line_with_a_key_twice_is_refused_and_not_run(tmp_path: Path, line: str) -> None:
    ended = shell(tmp_path, "-", "--out", "out.jsonl", text=f"{line}\n")
    assert ended.returncode == 1
    (result,) = read_results(tmp_path / "out.jsonl")
    assert result["errorInfo"]["type"] == "validation"
    assert "line 1" in result["error"]
    assert "twice in one object" in result["error"]


@pytest.mark.sample(1)
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_batch_that_was_killed_goes_on_where_it_stopped(tmp_path: Path, ending: str) -> None:
    wait = "await new Promise((r) => setTimeout(r, 20)); return context.n"
    write_requests(tmp_path / f"in.jsonl{ending}", 60, wait)
    out = tmp_path / f"out.jsonl{ending}"
    words = [f"in.jsonl{ending}", "--out", out.name, "--concurrency", "2"]
    running = copies.start([*COMMAND, *words], cwd=tmp_path, stderr=subprocess.DEVNULL)
    until(lambda: out.exists() and out.stat().st_size > 1500, "some results")
    running.kill()
    running.wait()
    out.write_bytes(out.read_bytes()[:-7])  # as a machine that lost its power leaves it

    ended = shell(tmp_path, *words)
    assert ended.returncode == 0, ended.stderr
    results = read_results(out)
    assert [result["line"] for result in results] == list(range(1, 61))
    assert [result["output"] for result in results] == list(range(60))
    skipped = int(ended.stderr.split(" were there already")[0].split()[-1])
    assert 0 < skipped < 60
    assert f"{60 - skipped} succeeded" in ended.stderr

    again = shell(tmp_path, *words)
    assert "nothing was left to run: 60 were there already" in again.stderr
    assert read_results(out) == results


def test_an_interrupted_batch_keeps_its_results_and_says_how_far_it_got(tmp_path: Path) -> None:
    write_requests(tmp_path / "in.jsonl", 400, "await new Promise((r) => setTimeout(r, 20))")
    out = tmp_path / "out.jsonl"
    running = copies.start(
        [*COMMAND, "in.jsonl", "--out", out.name], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    until(lambda: out.exists() and out.stat().st_size > 1500, "some results")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    count = len(read_results(out))
    assert f"onehop: {count} succeeded" in told
    assert "interrupted" in told


@pytest.mark.thorough
def test_results_of_other_code_are_not_taken_for_these(tmp_path: Path) -> None:
    write_requests(tmp_path / "in.jsonl", 2)
    assert shell(tmp_path, "in.jsonl", "-o", "out.jsonl").returncode == 0
    before = (tmp_path / "out.jsonl").read_bytes()
    write_requests(tmp_path / "in.jsonl", 2, "return 'changed'")
    refused = shell(tmp_path, "in.jsonl", "-o", "out.jsonl")
    assert refused.returncode == 2
    assert "line 1 of the input is not what ran" in refused.stderr
    assert "nothing was left" not in refused.stderr
    assert (tmp_path / "out.jsonl").read_bytes() == before

    ended = shell(tmp_path, "in.jsonl", "-o", "out.jsonl", "--restart")
    assert ended.returncode == 0, ended.stderr
    assert [r["output"] for r in read_results(tmp_path / "out.jsonl")] == ["changed"] * 2


@pytest.mark.thorough
def test_a_file_that_is_none_of_results_is_left_alone(tmp_path: Path) -> None:
    write_requests(tmp_path / "in.jsonl", 1)
    (tmp_path / "diary.txt").write_text("dear diary\n")
    refused = shell(tmp_path, "in.jsonl", "--out", "diary.txt")
    assert refused.returncode == 2
    assert "its line 1 is not a result of a batch" in refused.stderr
    assert (tmp_path / "diary.txt").read_text() == "dear diary\n"
    same = shell(tmp_path, "in.jsonl", "--out", "in.jsonl")
    assert same.returncode == 2
    assert "another file than the input" in same.stderr


def test_two_batches_do_not_write_to_one_file(tmp_path: Path) -> None:
    import fcntl

    write_requests(tmp_path / "in.jsonl", 1)
    with (tmp_path / "out.jsonl").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = shell(tmp_path, "in.jsonl", "--out", "out.jsonl")
    assert refused.returncode == 2
    assert "another batch writes to it" in refused.stderr


@pytest.mark.thorough
def test_standard_input_goes_to_standard_output(tmp_path: Path) -> None:
    text = "".join(json.dumps({"code": f"return {n}"}) + "\n" for n in range(5))
    piped = shell(tmp_path, text=text)
    assert [json.loads(line)["output"] for line in piped.stdout.splitlines()] == [0, 1, 2, 3, 4]
    write_requests(tmp_path / "in.jsonl", 3)
    with (tmp_path / "in.jsonl").open() as stream:
        redirected = subprocess.run(
            COMMAND, stdin=stream, capture_output=True, text=True, timeout=60
        )
    assert [json.loads(line)["output"] for line in redirected.stdout.splitlines()] == [0, 2, 4]


@pytest.mark.thorough
def test_lines_may_leave_code_and_context_to_the_command(tmp_path: Path) -> None:
    (tmp_path / "program.ts").write_text("return (context.n as number) * context.by")
    (tmp_path / "in.jsonl").write_text(
        '{"context": {"n": 2, "by": 5}}\n{}\n{"code": "return 1", "language": "js"}\n'
    )
    words = ("in.jsonl", "--code", "program.ts", "--context", '{"n": 3, "by": 4}')
    ended = shell(tmp_path, *words)
    assert [json.loads(line)["output"] for line in ended.stdout.splitlines()] == [10, 12, 1]


@pytest.mark.thorough
def test_a_missing_file_and_a_broken_one_are_bad_input(tmp_path: Path) -> None:
    missing = shell(tmp_path, "nowhere.jsonl")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "no such file" in missing.stderr
    (tmp_path / "in.jsonl.gz").write_bytes(b"not gzip at all")
    broken = shell(tmp_path, "in.jsonl.gz")
    assert broken.returncode == 2
    assert "cannot be read" in broken.stderr


LONG = 160 << 20
"""Bytes of a line that is longer than any call."""


@pytest.mark.parametrize("way", ["a file", "a pipe", "gz"])
def test_a_line_beyond_all_bounds_is_one_failed_result(tmp_path: Path, way: str) -> None:
    """Of a file, what was read of the line was copied anew with each chunk: for minutes."""
    path = tmp_path / ("in.jsonl.gz" if way == "gz" else "in.jsonl")
    begin, end = b'{"code": "return 1"}\n{"id": "big", "code": "', b'"}\n{"code": "return 3"}\n'
    with gzip.open(path, "wb", 1) if way == "gz" else path.open("wb") as file:
        file.write(begin)
        for _ in range(LONG >> 20):
            file.write(b"x" * (1 << 20))
        file.write(end)
    given = subprocess.Popen(["cat", path], stdout=subprocess.PIPE) if way == "a pipe" else None
    done = subprocess.run(
        [*ONEHOP, "batch", "-" if given else str(path)],
        stdin=given.stdout if given else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if given is not None and given.stdout is not None:
        given.stdout.close()
        given.wait()
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["output"] for result in results] == [1, None, 3]
    assert "more than 128 MiB" in results[1]["error"]


@pytest.mark.parametrize(
    "line", ['{"id": "\\ud800", "code": "return 1"}', '{"code": "1", "\\ud800": 1, "\\ud800": 2}']
)
def test_half_a_surrogate_pair_in_a_line_does_not_stop_the_batch(tmp_path: Path, line: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(f'{line}\n{{"code": "return 2"}}\n')
    done = subprocess.run(
        [*ONEHOP, "batch", str(path)], capture_output=True, text=True, check=False
    )
    results = [json.loads(text) for text in done.stdout.splitlines()]
    assert [result["line"] for result in results] == [1, 2]
    assert results[1]["output"] == 2
