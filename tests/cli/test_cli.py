"""The commands as a shell sees them: real processes, their streams and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import Result

from onehop.cli import _output, app
from onehop.cli._input import read_call
from onehop.cli.doctor import Check, Report
from onehop.errors import InvalidRequestError
from onehop.jail import LayerReport
from onehop.types import ErrorInfo, ExecutionResult, ResourceUsage
from tests import copies
from tests.cli.conftest import Here
from tests.copies import ONEHOP
from tests.sampling import some

COMMAND = ONEHOP

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run ``onehop`` with these words in an empty folder; ``text`` is its standard input."""

    def run(*words: str, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return copies.run(
            [*COMMAND, *words],
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, **_absolute_path(), "XDG_DATA_HOME": str(tmp_path), **env},
            check=False,
        )

    return run


def _absolute_path() -> dict[str, str]:
    given = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.path.abspath(given)} if given else {}


def _bad_call(result: Result) -> str:
    """The one line that a refused call prints."""
    assert (result.exit_code, result.stdout) == (2, ""), result
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


# Usage


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_help_documents_the_exit_codes(here: Here, words: list[str]) -> None:
    result = here(*words)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "Exit codes: 0 success 1 the code failed, or waits for a person 2 bad usage or" in text
    assert "124 timeout 130 interrupted" in text


def test_help_of_each_command_has_its_own_exit_codes(here: Here) -> None:
    text = " ".join(here("doctor", "-h").stdout.split())
    assert "Exit codes: 0 success 2 bad usage or bad input 3 a check failed" in text
    for command in some(list(_commands()), 4):
        assert "Exit codes: 0 " in " ".join(here(*command, "--help").stdout.split()), command


def _commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, as the words that call it."""
    known = getattr(group or get_command(app), "commands", None)
    if known is None:
        yield path
        return
    for name, each in known.items():
        yield from _commands(each, (*path, name))


def test_without_words_help_is_printed(here: Here) -> None:
    result = here()
    assert result.exit_code == 2
    assert "Usage: onehop" in result.stdout + result.stderr


def test_the_version_is_printed(here: Here) -> None:
    result = here("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("onehop ")


def test_help_loads_neither_the_sandbox_nor_pydantic() -> None:
    script = (
        "import sys; from onehop.cli._app import make_app; make_app(); "
        "sys.exit(bool({'pydantic', 'onehop.sandbox', 'tree_sitter'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    "words", [["run", "--nope"], ["runn"], ["run", "-c", "1", "--timeout", "soon"]]
)
def test_bad_usage_exits_with_2(here: Here, words: list[str]) -> None:
    result = here(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr


# Bad input: one clear line, and nothing runs


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "code: got nothing"),
        (["-"], "code: got nothing: standard input is empty"),
        (
            ["no.js"],
            "code: got 'no.js' (No such file or directory); it must be a readable file; to",
        ),
        (["my no.js"], "code: got 'my no.js' (No such file"),
        (["sub/return"], "code: got 'sub/return' (No such file"),
        (["x" * 5000], "(File name too long)"),
        (["."], "code: got '.' (Is a directory)"),
        (["a.js", "-c", "1"], "code: got both FILE and --code"),
        (["-", "--context", "-"], "context: got '-' while the code is '-' too"),
        (["-c", ""], "code: got ''"),
        (["-c", "1", "--language", "python"], "'javascript' or 'typescript'"),
        (["-c", "1", "--timeout", "0"], "timeout: got 0.0"),
        (["-c", "1", "--timeout", "-1"], "timeout: got -1.0"),
        (["-c", "1", "--timeout", "nan"], "timeout: got nan"),
        (["-c", "1", "--timeout", "1e9"], "from 100 to 30000"),
        (["-c", "1", "--memory", "1"], "memory_limit: "),
        (["-c", "1", "--context", "no.json"], "context: got 'no.json' (No such file"),
        (["-c", "1", "--context", "."], "context: got '.' (Is a directory)"),
        (["-c", "1", "--context", '{"a":'], "Expecting value at line 1, column 6 of --context"),
        (["-c", "1", "--context", "[1]"], "context: got [1]"),
        (["-c", "1", "--context", "-"], "context: got nothing: standard input is empty"),
        (["return 1", "-c", "1"], "code: got both FILE and --code"),
    ],
)
def test_a_bad_call_is_one_clear_line(here: Here, words: list[str], expected: str) -> None:
    assert expected in _bad_call(here("run", *words))


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a":\n nope}', "Expecting value at line 2, column 2 of data.json"),
        (b"[1, 2]", "context: got [1, 2]"),
        (b'"text"', "context: got 'text'"),
        (b'{"a": NaN}', "nan at context.a"),
        (b"\xff\xfe", "not UTF-8, the first at offset 0 of data.json"),
        (b"", "Expecting value at line 1, column 1"),
        (b"[" * 100_000, "data.json"),
    ],
)
def test_a_bad_context_file_is_one_clear_line(
    here: Here, tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "data.json").write_bytes(content)
    assert expected in _bad_call(here("run", "-c", "return 1", "--context", "data.json"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"return '\xff'", "not UTF-8, the first at offset 8 of a.js"),
        (b"return '\0'", "a NUL character at index 8"),
        (b"", "code: got ''"),
    ],
)
def test_a_bad_code_file_is_one_clear_line(
    here: Here, tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "a.js").write_bytes(content)
    assert expected in _bad_call(here("run", "a.js"))


@pytest.mark.thorough
@pytest.mark.parametrize("words", ["run", "run -", "run -c 1 --context -"])
def test_standard_input_that_is_closed_is_one_clear_line(tmp_path: Path, words: str) -> None:
    line = f'exec "{sys.executable}" -m onehop {words} <&-'
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "code: got nothing" in done.stderr or "standard input is closed" in done.stderr


def test_a_file_without_end_is_refused(here: Here) -> None:
    assert "at most 2097152 bytes" in _bad_call(here("run", "/dev/zero"))


def test_a_bad_setting_in_the_environment_is_one_clear_line(here: Here) -> None:
    line = _bad_call(here("run", "-c", "return 1", CODE_EXEC_MEMORY_LIMIT="lots"))
    assert "CODE_EXEC_MEMORY_LIMIT" in line


# What an argument is: a file that exists, else code if it looks like it, else a missing file


@pytest.mark.parametrize(
    "source",
    [
        "return 1",
        "1 + 1",
        "1+1",
        "return context.js",
        "await x.ts",
        "const a = b.js",
        "f()",
        "x => x.js",
        "'use strict'; a.mjs",
        "a\nb.js",
        "if (a) b.cjs",
        "\0",
    ],
)
def test_code_as_an_argument_is_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with suppress(InvalidRequestError):  # of a NUL character in code, not of a missing file
        assert read_call(source, None, None, None, None, None).request.code == source
        return
    assert source == "\0"


@pytest.mark.parametrize("name", ["return 1", "f()", '{"a":1}', "a=b.js", "-x", "await x.ts"])
def test_a_file_that_exists_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text('{"in": "the file"}', "utf-8")
    call = read_call(name, None, name, None, None, None)
    assert call.request.code == '{"in": "the file"}'
    assert call.request.context == {"in": "the file"}
    assert call.request.language == ("typescript" if name.endswith(".ts") else "javascript")


# Runs


def test_a_value_goes_to_standard_output_and_the_console_to_standard_error(shell: Shell) -> None:
    result = shell("run", "-c", "console.log('hi'); console.warn('é'); return {a: [1, 'é']}")
    assert (result.returncode, json.loads(result.stdout)) == (0, {"a": [1, "é"]})
    assert result.stderr == "hi\n[WARN] é\n"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "language", "succeeds"),
    [
        ("a.ts", None, True),
        ("a.mts", None, True),
        ("a.CTS", None, True),
        ("a.js", None, False),
        ("a.js", "typescript", True),
        ("a.ts", "javascript", False),
    ],
)
def test_the_extension_names_the_language_unless_an_option_does(
    here: Here, tmp_path: Path, name: str, language: str | None, succeeds: bool
) -> None:
    (tmp_path / name).write_text("const n: number = 2\nreturn n", "utf-8")
    result = here("run", name, *(["--language", language] if language else []))
    assert result.exit_code == (0 if succeeds else 1), result
    assert result.stdout == ("2\n" if succeeds else "")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("words", "text", "output"),
    [
        (["return 1 + 1"], "", "2\n"),
        (["return context.js", "--context", '{"js": "é"}'], "", '"é"\n'),
        ([], "return 3", "3\n"),
        (["--no-record", "-l", "ts"], "const n: number = 4\nreturn n", "4\n"),
        (["return 5"], "ignored: there is an argument", "5\n"),
    ],
)
def test_code_comes_as_an_argument_or_on_standard_input(
    here: Here, words: list[str], text: str, output: str
) -> None:
    result = here("run", *words, text=text)
    assert (result.exit_code, result.stdout) == (0, output), result


def test_approvals_without_a_history_are_said_to_be_off(shell: Shell) -> None:
    result = shell("run", "--no-record", "return 1", ONEHOP_TOOLS_APPROVALS="true")
    assert result.stdout == "1\n"
    assert "approvals are off with --no-record" in result.stderr


def test_a_run_that_is_not_recorded_leaves_no_file(shell: Shell, tmp_path: Path) -> None:
    assert shell("run", "--no-record", "return 1").stdout == "1\n"
    assert list(tmp_path.iterdir()) == []


def test_code_and_context_may_each_come_from_standard_input(here: Here, tmp_path: Path) -> None:
    code = "return context.n + 1"
    (tmp_path / "a.js").write_text(f"\ufeff{code}", "utf-8")
    (tmp_path / "d.json").write_text('{"n": 1}', "utf-8")
    assert here("run", "-", "--context", "d.json", text=code).stdout == "2\n"
    assert here("run", "a.js", "--context", "-", text='{"n": 2}').stdout == "3\n"


def test_a_failure_shows_the_place_and_exits_with_1(here: Here) -> None:
    result = here("run", "-c", "const a = 1\nnull.x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("TypeError: ")
    assert " 2 | null.x\n" in result.stderr


@pytest.mark.thorough
def test_a_syntax_error_is_explained(here: Here) -> None:
    result = here("run", "-c", "if (true) {")
    assert result.exit_code == 1
    assert "the `{` opened at line 1, column 11 is never closed" in result.stderr


@pytest.mark.thorough  # the words are those of tests/source
@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_an_import_is_explained(here: Here, language: str) -> None:
    result = here("run", "-l", language, "-c", "import x from 'y'\nreturn x")
    assert result.exit_code == 1
    assert "import does not work in the sandbox: there are no modules to load" in result.stderr


def test_a_timeout_exits_with_124_and_keeps_the_console(shell: Shell) -> None:
    result = shell("run", "--timeout", "300", "-c", "console.log('on'); for (;;);")
    assert result.returncode == 124
    assert result.stderr.startswith("on\n")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("code", "exit_code"), [("return 'é\u2028'", 0), ("throw 1", 1), ("for (;;);", 124)]
)
def test_json_prints_the_whole_result_and_nothing_else(
    here: Here, code: str, exit_code: int
) -> None:
    result = here("run", "--json", "--timeout", "500", "-c", code)
    wire: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (exit_code, "")
    assert wire["success"] == (exit_code == 0)
    assert {"codeHash", "executionTime", "resourceUsage", "enforcement", "logs"} <= set(wire)


@pytest.mark.thorough
def test_a_stream_that_is_not_utf8_still_gets_valid_json(shell: Shell) -> None:
    result = shell("run", "-c", "console.log('é'); return '日'", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stdout) == (0, '"\\u65e5"\n')
    assert result.stderr == "\\xe9\n"


def test_a_reader_that_leaves_early_causes_no_traceback(tmp_path: Path) -> None:
    words = ["run", "-c", "return 'x'.repeat(1e6)"]
    process = copies.start(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 0


@pytest.mark.thorough
def test_an_interrupt_from_the_terminal_exits_with_130() -> None:
    words = ["run", "--timeout", "20000", "-c", "for (;;);"]
    process = copies.start(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _wait_for_a_worker(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, "", "onehop: interrupted\n")


def _wait_for_a_worker(pid: int) -> None:
    """Until the command's spawner has started a process of its own."""
    deadline = time.monotonic() + 30
    while not any(map(_children, _children(pid))):
        assert time.monotonic() < deadline, "no worker was started"
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it is gone already
        return []


# The doctor


def test_the_doctor_finds_a_working_sandbox(shell: Shell) -> None:
    result = shell("doctor", "--json")
    report = json.loads(result.stdout)
    failed = [check for check in report["selftest"] if not check["passed"]]
    assert (result.returncode, failed, report["healthy"]) == (0, [], True)
    assert "in force" in {layer["state"] for layer in report["layers"]}
    assert {"onehop", "Python", "Deno", "V8", "kernel", "pool"} <= set(report["versions"])


@pytest.mark.thorough
def test_the_doctor_prints_for_people(shell: Shell) -> None:
    result = shell("doctor")
    assert result.returncode == 0, result.stdout
    assert "Isolation layers" in result.stdout
    assert "ok    a memory bomb ends" in result.stdout
    assert result.stdout.endswith("All is well.\n")


def test_a_failing_check_is_printed_with_reason_and_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    layers = [LayerReport("landlock", "missing", "the kernel has none")]
    report = Report(layers, {"onehop": "1"}, [Check("it runs", False, "it hung", "Buy a machine.")])
    _output.print_report(report)
    printed = capsys.readouterr().out
    assert not report.healthy
    assert "landlock      missing    the kernel has none\n" in printed
    assert "  FAIL  it runs: it hung\n        Buy a machine.\n" in printed


# What only in-process tests can see


def _result(**fields: Any) -> ExecutionResult:
    defaults: dict[str, Any] = {
        "success": True,
        "code_hash": "0" * 16,
        "resource_usage": ResourceUsage(memory=1),
    }
    return ExecutionResult(**{**defaults, **fields})


def test_a_shortened_output_is_printed_as_it_is_with_a_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _output.print_result(_result(output='["a', output_truncated=True))
    out, err = capsys.readouterr()
    assert out == '["a\n'
    assert "this is its beginning" in err


def test_only_the_frames_of_a_stack_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    info = ErrorInfo(
        type="runtime", name="E", message="m\nm", stack="E: m\nm\n    at f (code:1:2)", excerpt="x"
    )
    _output.print_result(_result(success=False, error="E: m", error_info=info))
    assert capsys.readouterr().err == "E: m\nx\n    at f (code:1:2)\n"


class _Terminal:
    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_code_cannot_steer_the_readers_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = _Terminal(), _Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    _output.print_result(_result(output="\x1b[2J\x9b2J\u202e", logs=["\x1b]0;gone\x07\u202ex"]))
    assert out.text == '"\\u001b[2J\\u009b2J\\u202e"\n'
    assert "\ufffd]0;gone\ufffd\ufffdx\n" in err.text
    assert "1.0 MB" in err.text
