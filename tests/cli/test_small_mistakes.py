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


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[upstrem.x]\n", "1: unknown table [upstrem]; did you mean upstream?"),
        (
            "[sandbox]\ntimeot = 5\n",
            "2: unknown setting timeot in [sandbox]; did you mean timeout?",
        ),
        ("port = 3005\n", "1: port is in no table: write it below [server]"),
        ("[tools]\nask = 'pay'\n", "2: [tools] ask: Input should be a list (got 'pay')"),
        ("[tools]\nhold = -1\n", "2: [tools] hold: Input should be greater than or equal to 100"),
        ("[upstream]\nurl = 'x'\n", "2: upstream.url: it is not a table: each server has one, "),
        ("[webhook]\nurl = 'chat'\n", "2: webhook.url: write an address such as https://"),
        ("[webhook]\nurl = 'http://a.b/c'\n", "2: webhook.secret: a webhook is signed: "),
    ],
)
def test_a_mistake_in_the_settings_is_told_alike_by_every_command_with_file_line_and_table(
    here: Here, tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "onehop.toml").write_text(text, "utf-8")
    ran, checked = here("run", "return 1"), here("config", "check")
    assert (ran.exit_code, checked.exit_code) == (2, 1)
    assert ran.stderr.startswith(f"onehop: onehop.toml:{told}")
    assert checked.stderr.startswith(f"onehop.toml:{told}")


def test_an_agent_that_exists_is_answered_with_the_command_for_a_new_key(here: Here) -> None:
    assert here("agents", "add", "ada").exit_code == 0
    assert "'onehop agents rotate ada' gives it a new key" in here("agents", "add", "ada").stderr
