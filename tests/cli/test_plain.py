"""The usual words of ``onehop run`` are read without typer, and mean what they mean to it."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from onehop.cli import _run
from onehop.cli._app import make_app
from onehop.cli._exits import ExitCode
from onehop.cli._plain import plain_call

USUAL = (
    "return 1",
    "-c CODE",
    "--code CODE --json",
    "FILE.ts --no-record --language js",
    "-l ts - --context {} --session s",
    "--plan FILE --typecheck strict --record",
)
LEFT = (
    "",
    "-c",
    "-c -1",
    "-c a -c b",
    "a b",
    "--code=CODE",
    "-cCODE",
    "--timeout 100 -c CODE",
    "--memory 64 -c CODE",
    "--tools t.py -c CODE",
    "--no-record --record -c CODE",
    "-- FILE",
    "--nothing",
    "--help",
)


def typers(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> dict[str, Any] | None:
    """What ``run_once`` is given when typer reads the words; None if it refuses them."""
    heard: list[dict[str, Any]] = []

    def run_once(_begun: object, **given: Any) -> ExitCode:
        heard.append(given)
        return ExitCode.SUCCESS

    monkeypatch.setattr(_run, "run_once", run_once)
    CliRunner().invoke(make_app("run"), words)
    return heard[0] if heard else None


@pytest.mark.parametrize("line", USUAL)
def test_usual_words_mean_what_they_mean_to_typer(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    words = ["run", *(line.split(" ") if line != "return 1" else [line])]
    plain, full = plain_call(words), typers(monkeypatch, words)
    assert plain is not None
    assert full is not None
    absent = {"record": True, "as_json": False, "plan": False}
    assert full == {**dict.fromkeys(full), **absent, **plain}


@pytest.mark.parametrize("line", LEFT)
def test_all_other_words_are_left_to_typer(line: str) -> None:
    rest = line.split() if line else ["-c", ""]
    assert plain_call(["run", *rest]) is None


def test_words_of_another_command_and_of_a_shell_that_completes_are_left_to_typer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert plain_call(["validate", "-c", "CODE"]) is None
    assert plain_call([]) is None
    assert plain_call(["run", "-c", "\udcff"]) is None
    monkeypatch.setenv("_ONEHOP_COMPLETE", "complete_bash")
    assert plain_call(["run", "-c", "CODE"]) is None
