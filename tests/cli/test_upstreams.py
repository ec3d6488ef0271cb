"""Servers of tools in settings, and in the file that other MCP clients keep."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from onehop import ConfigError
from onehop.upstreams import configured_upstreams
from tests.cli.conftest import Here
from tests.upstreams.running import HOSTILE

SECRET = "ghp_0123456789abcdef"
SERVERS = {
    "git": {"command": "uvx", "args": ["mcp-server-git"], "env": {"GIT_PAGER": "cat"}},
    "hub": {
        "type": "http",
        "url": "https://hub.example/mcp",
        "headers": {"Authorization": f"Bearer {SECRET}"},
    },
    "lab": {
        "command": "lab",
        "env": {"LAB_TOKEN": SECRET, "LAB_USER": "${USER}"},
        "alwaysAllow": ["x"],
    },
    "a.b": {"command": "dotted"},
    "off": {"command": "x", "disabled": True},
    "old": {"type": "sse", "url": "https://old.example/sse"},
    "asks": {"command": "x", "args": ["${input:token}"]},
    "odd": ["x"],
    "empty": {},
}


def written(tmp_path: Path, servers: Any, key: str = "mcpServers") -> str:
    path = tmp_path / "servers.json"
    path.write_text(json.dumps({key: servers}))
    return str(path)


def running(*arguments: str) -> dict[str, Any]:
    return {"command": sys.executable, "args": ["-S", HOSTILE, *arguments]}


# --- onehop tools import ---


def test_import_prints_tables_that_can_be_used_and_says_what_it_leaves_out(
    here: Here, tmp_path: Path
) -> None:
    result = here("tools", "import", written(tmp_path, SERVERS))
    assert result.exit_code == 0, result.stderr
    tables = tomllib.loads(result.stdout)["upstream"]
    assert set(tables) == {"git", "hub", "lab", "a_b"}
    assert tables["git"] == {
        "env": {"GIT_PAGER": "cat"},
        "command": "uvx",
        "args": ["mcp-server-git"],
    }
    assert tables["lab"]["env"] == {"LAB_TOKEN": "env:LAB_TOKEN", "LAB_USER": "env:USER"}
    for left in ("off", "old", "asks", "odd", "empty", "lab.alwaysAllow"):
        assert f"{left}: left out: " in result.stderr


def test_import_copies_no_secret_and_names_a_variable_for_it(here: Here, tmp_path: Path) -> None:
    result = here("tools", "import", written(tmp_path, SERVERS, "servers"))
    assert SECRET not in result.stdout + result.stderr
    tables = tomllib.loads(result.stdout)["upstream"]
    assert tables["hub"]["headers"] == {"Authorization": "Bearer env:HUB_AUTHORIZATION"}
    assert "put it into the variable HUB_AUTHORIZATION" in result.stderr


def test_what_import_prints_is_a_good_settings_file(here: Here, tmp_path: Path) -> None:
    odd = {'a "name"\n': {"command": "x", "args": ["\x7f\u2028\U0001f600\\"], "env": {"A B": '"'}}}
    result = here("tools", "import", written(tmp_path, {**SERVERS, **odd}))
    Path("onehop.toml").write_text(result.stdout)
    assert here("config", "check").exit_code == 0
    schema = json.loads(here("config", "schema").stdout)
    jsonschema.validate(tomllib.loads(result.stdout), schema)
    assert (
        tomllib.loads(result.stdout)["upstream"]['a "name"\n']["args"] == odd['a "name"\n']["args"]
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mcpServers": 1}', "{" * 100_000, "\udcff"])
def test_a_file_without_servers_is_bad_input(here: Here, tmp_path: Path, text: str) -> None:
    path = tmp_path / "servers.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    result = here("tools", "import", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(path) in result.stderr


# --- settings ---


def test_a_table_that_cannot_be_used_is_found_at_its_line(here: Here) -> None:
    Path("onehop.toml").write_text("[upstream.crm]\ncommand = 'crm'\ntimeout = 'soon'\n")
    result = here("config", "check")
    assert result.exit_code == 1
    assert "onehop.toml:3" in result.stderr
    assert "upstream.crm.timeout" in result.stderr


@pytest.mark.parametrize("text", ["upstream = 1", "[upstream]\ncrm = 1", "[upstream.crm]\n"])
def test_tables_without_a_server_are_problems(here: Here, text: str) -> None:
    Path("onehop.toml").write_text(text)
    assert here("config", "check").exit_code == 1
    assert here("tools", "list").exit_code == 2


def test_a_secret_in_a_table_is_not_printed_with_its_problem(here: Here) -> None:
    Path("onehop.toml").write_text(f"[upstream.crm]\ncommand = 'a'\nenv = {{T = ['{SECRET}']}}\n")
    for words in (["config", "check"], ["tools", "list"]):
        result = here(*words)
        assert result.exit_code != 0
        assert SECRET not in result.stdout + result.stderr


def test_a_server_that_comes_twice_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("onehop.toml").write_text("[upstream.git]\ncommand = 'git'\n")
    with pytest.raises(ConfigError, match="this name too"):
        configured_upstreams(written(tmp_path, SERVERS))


# --- from the settings to a call ---


def test_the_command_line_lists_and_calls_the_tools_of_a_table(here: Here) -> None:
    command = json.dumps([sys.executable, *running()["args"]])
    Path("onehop.toml").write_text(
        f"[upstream.bad]\ncommand = {command}\ninclude = ['pid', 'json*']\n"
    )
    listed = here("tools", "list", "--json")
    assert [hit["path"] for hit in json.loads(listed.stdout)] == ["bad.json_text", "bad.pid"]
    assert json.loads(here("tools", "call", "bad.json_text").stdout) == {"a": [1, 2]}


def test_the_command_line_calls_the_tools_of_a_file_with_servers(
    here: Here, tmp_path: Path
) -> None:
    path = written(tmp_path, {"bad": running()})
    result = here("tools", "call", "bad.json_text", "--mcp-servers", path)
    assert json.loads(result.stdout) == {"a": [1, 2]}
    result = here("tools", "call", "bad.json_text", ONEHOP_MCP_SERVERS=path)
    assert json.loads(result.stdout) == {"a": [1, 2]}


@pytest.mark.thorough
def test_code_on_the_command_line_calls_them_too(here: Here, tmp_path: Path) -> None:
    path = written(tmp_path, {"bad": running()})
    code = "return (await tools.bad.json_text()).a"
    result = here("run", "--no-record", "--mcp-servers", path, code)
    assert json.loads(result.stdout) == [1, 2]


# --- onehop among its own servers ---


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "onehop", "args": ["mcp"]},
        {"command": "/somewhere/bin/onehop", "args": ["mcp"]},
        {"command": "uvx", "args": ["onehop", "mcp"]},
        {"command": sys.executable, "args": ["-m", "onehop", "mcp"]},
    ],
)
def test_import_leaves_onehop_out(here: Here, tmp_path: Path, entry: dict[str, Any]) -> None:
    servers = {"itself": entry, "git": SERVERS["git"]}
    result = here("tools", "import", written(tmp_path, servers))
    assert set(tomllib.loads(result.stdout)["upstream"]) == {"git"}
    assert "itself: left out: it is onehop itself" in result.stderr


@pytest.mark.thorough
def test_a_onehop_that_another_one_has_started_starts_no_servers(
    here: Here, tmp_path: Path
) -> None:
    path = tmp_path / "onehop.toml"
    script = "import sys; sys.argv[0] = 'x'; from onehop.__main__ import main; main()"
    path.write_text(
        f"[upstream.me]\ncommand = {json.dumps(sys.executable)}\n"
        f"args = {json.dumps(['-c', script, 'mcp'])}\ncwd = {json.dumps(str(tmp_path))}\n"
    )
    result = here("tools", "list", ONEHOP_CONFIG=str(path))
    assert result.exit_code == 0, result.stderr
    assert "me.code_execute" in result.stdout
    nested = here("tools", "list", ONEHOP_CONFIG=str(path), ONEHOP_IS_UPSTREAM="1")
    assert "me.code_execute" not in nested.stdout
