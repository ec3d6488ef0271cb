"""A small mistake on the command line: the message names what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Here


def test_the_code_of_a_batch_is_asked_for_as_a_file(here: Here) -> None:
    result = here("batch", "--code", "return 1")
    assert result.exit_code == 2
    assert "--code: got 'return 1'" in result.stderr
    assert "it must be the name of a readable file that has the code" in result.stderr


def test_restarting_is_not_advised_where_the_output_has_no_folder(
    here: Here, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"code": "return 1"}\n', "utf-8")
    out = tmp_path / "none" / "out.jsonl"
    result = here("batch", str(tmp_path / "in.jsonl"), "--out", str(out))
    assert result.exit_code == 2
    assert "Name another file" in result.stderr
    assert "--restart" not in result.stderr


@pytest.mark.parametrize(
    ("text", "meant"),
    [("[upstrem.x]\n", "upstrem; did you mean upstream?"), ("[sandbox]\ntimeot = 5\n", "timeout?")],
)
def test_a_misspelt_setting_is_answered_with_the_nearest(
    here: Here, tmp_path: Path, text: str, meant: str
) -> None:
    (tmp_path / "settings.toml").write_text(text, "utf-8")
    result = here("run", "return 1", ONEHOP_CONFIG=str(tmp_path / "settings.toml"))
    assert result.exit_code == 2
    assert meant in result.stderr


def test_an_agent_that_exists_is_answered_with_the_command_for_a_new_key(here: Here) -> None:
    assert here("agents", "add", "ada").exit_code == 0
    assert "'onehop agents rotate ada' gives it a new key" in here("agents", "add", "ada").stderr
