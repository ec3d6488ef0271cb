"""``onehop config`` tells each setting's source, and every problem with its place."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from onehop import ConfigError
from onehop.config import SECTIONS, Settings, env_name
from onehop.upstreams import OpenApiOptions, UpstreamOptions, read_table
from tests.cli.conftest import Here

FILE = """\
# settings
[sandbox]
timeout = 2000
memory_limit = 64

[server]
port = 4000
"""
SECRETS = {
    "ONEHOP_AUDIT_KEY": "hunter2",
    "ONEHOP_STORE": "postgresql://ann:hunter2@db.example/x?password=hunter2",
}


def shown(here: Here, *words: str, **env: str) -> dict[str, dict[str, Any]]:
    """The settings by their names."""
    result = here("config", "show", "--json", *words, **env)
    assert (result.exit_code, result.stderr) == (0, "")
    return {f"{each['section']}.{each['setting']}": each for each in json.loads(result.stdout)}


# --- show


def test_every_setting_is_shown_with_its_default(here: Here) -> None:
    found = shown(here)
    fields = [f"{each.table}.{name}" for each in SECTIONS for name in each.model_fields]
    assert list(found) == fields
    assert {each["source"] for each in found.values()} == {"default"}


def test_the_source_that_goes_first_is_named_with_its_place(here: Here, tmp_path: Path) -> None:
    (tmp_path / "onehop.toml").write_text(FILE, "utf-8")
    found = shown(here, "--port", "5000", CODE_EXEC_MEMORY_LIMIT="128", ONEHOP_PORT="4500")
    told = {name: (each["value"], each["source"], each["place"]) for name, each in found.items()}
    assert told["sandbox.timeout"] == (2000, "file", "onehop.toml:3")
    assert told["sandbox.memory_limit"] == (128, "environment", "CODE_EXEC_MEMORY_LIMIT")
    assert told["server.port"] == (5000, "option", "--port")
    assert told["server.host"] == ("localhost", "default", None)


def test_only_what_was_changed_is_shown_if_asked_for(here: Here, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(FILE, "utf-8")
    result = here("config", "show", "--changed", "--no-auth", ONEHOP_CONFIG="other.toml")
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["setting", "from", "value"],
        ["sandbox.timeout", "file", "other.toml:3", "2000.0"],
        ["sandbox.memory_limit", "file", "other.toml:4", "64"],
        ["server.port", "file", "other.toml:7", "4000"],
        ["server.auth", "option", "--no-auth", "false"],
    ]


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_no_secret_is_shown(here: Here, words: list[str]) -> None:
    result = here("config", "show", *words, **SECRETS)
    assert result.exit_code == 0
    assert "hunter2" not in result.output
    assert "db.example" in result.output


def test_settings_that_cannot_be_used_are_not_shown_but_their_problems(here: Here) -> None:
    result = here("config", "show", ONEHOP_PORT="many", CODE_EXEC_MEMORY_LIMIT="1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "CODE_EXEC_MEMORY_LIMIT",
        "ONEHOP_PORT",
    ]


# --- check

BAD = """\
title = 1
[sandbox]
timeout = 50
pool_sze = 3
"memory_limit" = "much"

[servr]
port = 1
[server]
auth = "yes"
"""


def problems(here: Here, *words: str, **env: str) -> list[str]:
    """What ``config check`` prints; it must fail."""
    result = here("config", "check", *words, **env)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return result.stderr.splitlines()


def test_settings_that_can_be_used_pass(here: Here, tmp_path: Path) -> None:
    (tmp_path / "onehop.toml").write_text(FILE, "utf-8")
    assert here("config", "check").exit_code == 0


def test_every_problem_of_a_file_is_told_with_its_line(here: Here, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(BAD, "utf-8")
    (tmp_path / "onehop.toml").write_text("not this one", "utf-8")
    told = problems(here, "bad.toml")
    assert {line.split(":")[0] for line in told} == {"bad.toml"}
    assert sorted(int(line.split(":")[1]) for line in told) == [1, 3, 4, 5, 7, 10]
    text = "\n".join(told)
    assert "unknown setting pool_sze in [sandbox]; did you mean pool_size?" in text
    assert "unknown table [servr]; did you mean server?" in text
    assert "[sandbox] timeout: Input should be greater than or equal to 100 (got 50)" in text


def test_problems_of_the_environment_are_told_too(here: Here) -> None:
    told = problems(here, ONEHOP_POOLSIZE="3", ONEHOP_PORT="x", ONEHOP_STRANGE_THING="1")
    assert told == [
        "ONEHOP_PORT: 'x' is not a number or true/false",
        "ONEHOP_POOLSIZE: this is not a setting of onehop and changes nothing; did you mean "
        "ONEHOP_POOL_SIZE?",
        "ONEHOP_STRANGE_THING: this is not a setting of onehop and changes nothing: see "
        "'onehop config show'",
    ]


def test_settings_that_contradict_each_other_are_a_problem(here: Here) -> None:
    (told,) = problems(here, CODE_EXEC_TIMEOUT_DEFAULT="20000", CODE_EXEC_TIMEOUT_MAX="10000")
    assert told == "[sandbox]: timeout 20000 is above timeout_max 10000"


def test_no_problem_shows_a_secret(here: Here, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[audit]\nkey = ['hunter2']\n", "utf-8")
    assert "hunter2" not in "\n".join(problems(here, "a.toml"))


def test_problems_are_there_as_json(here: Here) -> None:
    result = here("config", "check", "--json", ONEHOP_PORT="-1")
    (told,) = json.loads(result.stdout)
    assert (result.exit_code, told["place"]) == (1, "ONEHOP_PORT")


# --- files that cannot be used: each command says what is wrong, where, and what to do


@pytest.mark.sample(6)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe[\0s\0", "not UTF-8 text (byte 0xff at offset 0): save it as UTF-8"),
        (b"\x7fELF\x02\x01\x80", "not UTF-8 text (byte 0x80 at offset 6): save it as UTF-8"),
        (b"[sandbox]\ntimeout = = 1", "this is not valid TOML: "),
        (b"\0", "this is not valid TOML: "),
        (b"#" * (1 << 21), "it has more than 1048576 bytes"),
        (b"sandbox = 1", "sandbox is not a table: write [sandbox]"),
    ],
)
@pytest.mark.parametrize("words", [["run", "-c", "return 1"], ["config", "check"], ["history"]])
def test_a_bad_settings_file_says_what_is_wrong(
    here: Here, tmp_path: Path, words: list[str], content: bytes, told: str
) -> None:
    (tmp_path / "onehop.toml").write_bytes(content)
    result = here(*words)
    assert result.exit_code == (1 if words == ["config", "check"] else 2)
    assert told in result.stderr
    assert "onehop.toml" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["validate", "-c", "1"], ["config", "show"]])
def test_a_settings_file_that_is_a_folder_or_missing_says_so(
    here: Here, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "onehop.toml").mkdir()
    folder = here(*words)
    missing = here(*words, ONEHOP_CONFIG="none.toml")
    assert (folder.exit_code, missing.exit_code) == (2, 2)
    assert "onehop.toml: this is a folder, not a settings file: name a file in" in folder.stderr
    assert "ONEHOP_CONFIG: the file none.toml does not exist" in missing.stderr


def test_a_settings_file_that_may_not_be_read_says_so(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onehop.toml").write_text(FILE, "utf-8")

    def refuse(*_arguments: Any) -> Any:  # root may read everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    result = here("validate", "-c", "1")
    assert result.exit_code == 2
    assert "cannot be read (Permission denied): make it readable for this user" in result.stderr


def test_a_byte_order_mark_of_an_editor_is_no_part_of_the_settings(
    here: Here, tmp_path: Path
) -> None:
    (tmp_path / "onehop.toml").write_bytes(b"\xef\xbb\xbf" + FILE.encode())
    assert shown(here)["sandbox.timeout"]["value"] == 2000


# --- unknown variables


def test_an_unknown_variable_is_told_once_and_stops_nothing(here: Here) -> None:
    result = here("validate", "-c", "return 1", ONEHOP_POOLSIZE="9")
    assert result.exit_code == 0
    assert result.stderr.count("ONEHOP_POOLSIZE") == 1
    assert "did you mean ONEHOP_POOL_SIZE?" in result.stderr


def test_no_variable_that_onehop_reads_is_called_unknown(here: Here) -> None:
    known = {env_name(field): "" for each in SECTIONS for field in each.model_fields.values()}
    names = {*known, "ONEHOP_CONFIG", "ONEHOP_SERVER_URL"}
    result = here("config", "check", **dict.fromkeys(names, ""))
    assert "is not a setting" not in result.stderr


# --- schema


def test_the_schema_takes_what_onehop_takes(here: Here) -> None:
    schema = json.loads(here("config", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    assert not list(judge.iter_errors(tomllib.loads(FILE)))
    assert len(list(judge.iter_errors(tomllib.loads(BAD)))) == 5
    described = schema["properties"]["server"]["properties"]["port"]
    assert described["description"].endswith("Environment: ONEHOP_PORT.")
    assert (described["minimum"], described["maximum"], described["default"]) == (0, 65535, 3001)


UPSTREAMS = """
[upstream.a]
openap = "x.yaml"
[upstream.b]
openapi = "nosuch.yaml"
[upstream.c]
command = "sh"
oauth = { client_id = "x", scop = "a" }
[upstream.d]
command = "sh"
cwd = "nowhere"
[upstream.e]
openapi = "there.json"
auth = { a = { value = "env:X", hwo = "basic" } }
patches = "gone.json"
[tools]
files = ["gone.py"]
"""


def test_a_slip_in_a_table_inside_a_table_is_told_in_plain_words_and_files_are_looked_for(
    here: Here, tmp_path: Path
) -> None:
    (tmp_path / "there.json").write_text("{}")
    (tmp_path / "onehop.toml").write_text(UPSTREAMS)
    result = here("config", "check")
    assert result.exit_code == 1
    gone = "cannot be read: No such file or directory"
    assert sorted(result.stderr.splitlines(), key=lambda line: int(line.split(":")[1])) == [
        "onehop.toml:3: upstream.a.openap: unknown setting; did you mean openapi?",
        f"onehop.toml:5: upstream.b.openapi: nosuch.yaml {gone}",
        "onehop.toml:8: upstream.c.oauth.scop: unknown setting; did you mean scope?",
        "onehop.toml:11: upstream.d.cwd: nowhere is not a folder here",
        "onehop.toml:14: upstream.e.auth.a.hwo: unknown setting; did you mean how?",
        f"onehop.toml:15: upstream.e.patches: gone.json {gone}",
        f"onehop.toml:17: [tools] files: gone.py {gone}",
    ]


def test_every_table_of_an_upstream_names_its_own_settings() -> None:
    for given, names in (
        ({"command": "x", "zzz": 1}, (*UpstreamOptions.model_fields, "openapi")),
        ({"openapi": "x", "zzz": 1}, OpenApiOptions.model_fields),
    ):
        with pytest.raises(ConfigError, match="unknown setting; it may be ") as raised:
            read_table(given, "upstream.x")
        assert str(raised.value).partition("it may be ")[2].split(", ") == [*names]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.table)
def test_each_class_of_settings_has_its_table_in_the_file(
    section: type[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "onehop.toml"
    path.write_text(f"[{section.table}]\n")
    monkeypatch.setenv("ONEHOP_CONFIG", str(path))
    assert section().table == section.table
