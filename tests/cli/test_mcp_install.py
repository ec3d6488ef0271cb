"""``onehop mcp install`` changes one place of a client's file, and nothing else."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from onehop.cli._machine import Machine
from onehop.cli._mcp_clients import CLIENTS, Places
from onehop.cli.edits import UneditableError, jsonc
from onehop.cli.edits import toml as toml_edits
from onehop.cli.edits import yaml as yaml_edits
from tests.cli.conftest import Here

URL = "http://localhost:3001/mcp"
BY_FILE = sorted(set(CLIENTS) - {"claude-code"})
TEXT: dict[str, Callable[[str], Any]] = {
    "json": jsonc.load,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux with none of the clients' own commands, whoever runs the tests."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("onehop.cli._machine.in_wsl", lambda: False)
    monkeypatch.setattr("onehop.cli._mcp_install.shutil.which", lambda _name: None)


def file_of(client: str, home: Path) -> Path:
    return Path(CLIENTS[client].places.linux[0].replace("~", str(home)))


def entry_in(client: str, path: Path) -> Any:
    found: Any = TEXT[CLIENTS[client].form](path.read_text("utf-8"))
    for key in (*CLIENTS[client].keys, "onehop"):
        found = found[key]
    return found


# --- every client


@pytest.mark.sample(5)
@pytest.mark.parametrize("client", BY_FILE)
def test_a_client_without_a_file_gets_one_with_the_command(
    here: Here, tmp_path: Path, client: str
) -> None:
    result = here("mcp", "install", client, "--agent", "ada")
    assert (result.exit_code, result.stdout) == (0, "")
    path = file_of(client, tmp_path)
    assert str(path) in result.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = json.dumps(entry_in(client, path))
    assert '"mcp", "--agent", "ada"]' in text
    assert os.path.isabs(_program(entry_in(client, path)))


@pytest.mark.sample(5)
@pytest.mark.parametrize("client", BY_FILE)
def test_a_client_gets_the_files_of_tools_by_their_whole_names(
    here: Here, tmp_path: Path, client: str
) -> None:
    file = tmp_path.resolve() / "shop.py"
    file.touch()
    assert here("mcp", "install", client, "--tools", "shop.py").exit_code == 0
    text = json.dumps(entry_in(client, file_of(client, tmp_path)))
    assert f'"mcp", "--tools", "{file}"]' in text


@pytest.mark.parametrize("command", ["install", "config"])
def test_tools_that_a_client_could_not_use_are_refused(
    here: Here, tmp_path: Path, command: str
) -> None:
    missing = here("mcp", command, "cursor", "--tools", "shop.py")
    assert (missing.exit_code, "a Python file that exists" in missing.stderr) == (2, True)
    (tmp_path / "shop.py").touch()
    elsewhere = here("mcp", command, "cursor", "--tools", "shop.py", "--url", URL)
    assert (elsewhere.exit_code, "left out beside --url" in elsewhere.stderr) == (2, True)


def _program(entry: dict[str, Any]) -> str:
    command = entry.get("command") or entry["cmd"]
    return str(command[0] if isinstance(command, list) else command)


@pytest.mark.sample(2)
@pytest.mark.sample(5)
@pytest.mark.parametrize("client", BY_FILE)
@pytest.mark.parametrize("words", [[], ["--url", URL]])
def test_doing_it_twice_changes_nothing(
    here: Here, tmp_path: Path, client: str, words: list[str]
) -> None:
    if client == "jetbrains" and words:
        result = here("mcp", "install", client, *words)
        assert result.exit_code == 2
        assert "leave --url out" in result.stderr
        return
    assert here("mcp", "install", client, *words).exit_code == 0
    path = file_of(client, tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    again = here("mcp", "install", client, *words)
    assert again.exit_code == 0
    assert "knows onehop already" in again.stderr
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [each.name for each in path.parent.iterdir()] == [path.name], "and leaves no copy"


@pytest.mark.sample(2)
@pytest.mark.sample(5)
@pytest.mark.parametrize("client", BY_FILE)
def test_a_dry_run_prints_the_difference_and_writes_nothing(
    here: Here, tmp_path: Path, client: str
) -> None:
    result = here("mcp", "install", client, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.startswith("--- ")
    assert "+" in result.stdout
    assert "onehop" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sample(2)
@pytest.mark.sample(5)
@pytest.mark.parametrize("client", sorted(set(BY_FILE) - {"jetbrains"}))
def test_from_a_command_to_a_url_and_back_leaves_one_way(
    here: Here, tmp_path: Path, client: str
) -> None:
    path = file_of(client, tmp_path)
    seen = []
    for words in ([], ["--url", URL], []):
        assert here("mcp", "install", client, *words).exit_code == 0
        seen.append(entry_in(client, path))
    assert seen[0] == seen[2]
    assert URL in json.dumps(seen[1])
    assert URL not in json.dumps(seen[2])


@pytest.mark.sample(2)
@pytest.mark.sample(5)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("words", [[], ["--url", URL]])
def test_the_text_to_paste_is_what_would_be_written(
    here: Here, tmp_path: Path, client: str, words: list[str]
) -> None:
    printed = here("mcp", "config", client, *words)
    assert printed.exit_code == 0
    if client in BY_FILE and not (client == "jetbrains" and words):
        here("mcp", "install", client, *words)
        form = TEXT[CLIENTS[client].form]
        assert form(printed.stdout) == form(file_of(client, tmp_path).read_text("utf-8"))


def test_each_client_names_the_page_and_the_day_it_was_checked_against() -> None:
    for client in CLIENTS.values():
        assert client.document.endswith("2026-11-29")
        assert ("." in client.document.split(",")[1]) or "docs" in client.document


# --- what else is in the file

ZED = """\
// Zed settings
{
\t"theme": "One", // dark
\t/* servers */
\t"context_servers": {
\t\t"other": { "command": "other", "args": [], }, // stays
\t},
\t"vim_mode": true,
}
"""


def test_comments_and_other_entries_stay(here: Here, tmp_path: Path) -> None:
    path = file_of("zed", tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(ZED, "utf-8")
    path.chmod(0o640)
    assert here("mcp", "install", "zed").exit_code == 0
    text = path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    added = text.splitlines()
    kept = [line for line in ZED.splitlines() if line not in added]
    assert kept == []
    assert list(jsonc.load(text)["context_servers"]) == ["other", "onehop"]
    (copy,) = path.parent.glob("*.bak")
    assert copy.read_text("utf-8") == ZED


def test_what_a_person_added_to_the_entry_stays(here: Here, tmp_path: Path) -> None:
    path = file_of("kiro", tmp_path)
    path.parent.mkdir(parents=True)
    old = {"command": "old", "args": ["x"], "disabled": True, "autoApprove": ["code_execute"]}
    path.write_text(json.dumps({"mcpServers": {"onehop": old, "b": {}}}), "utf-8")
    assert here("mcp", "install", "kiro").exit_code == 0
    entry = entry_in("kiro", path)
    assert (entry["disabled"], entry["autoApprove"]) == (True, ["code_execute"])
    assert entry["args"][-1] == "mcp"


def test_a_file_from_windows_keeps_its_line_ends_and_its_mark(here: Here, tmp_path: Path) -> None:
    path = file_of("cursor", tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b'\xef\xbb\xbf{\r\n  "a": 1\r\n}\r\n')
    assert here("mcp", "install", "cursor").exit_code == 0
    data = path.read_bytes()
    assert data.startswith(b'\xef\xbb\xbf{\r\n  "a": 1,\r\n  "mcpServers": {\r\n')
    assert data.count(b"\n") == data.count(b"\r\n")


def test_a_link_to_the_file_stays_a_link(here: Here, tmp_path: Path) -> None:
    path = file_of("cursor", tmp_path)
    path.parent.mkdir()
    real = tmp_path / "dotfiles.json"
    real.write_text("{}", "utf-8")
    path.symlink_to(real)
    assert here("mcp", "install", "cursor").exit_code == 0
    assert path.is_symlink()
    assert "onehop" in real.read_text("utf-8")


CODEX = """\
model = "o3"  # the best

[mcp_servers.other]
command = "x"

[mcp_servers.onehop]
command = "old"
[mcp_servers.onehop.env]
A = "1"

[projects."/a b"]
trust_level = "trusted"
"""


def test_other_tables_of_codex_stay(here: Here, tmp_path: Path) -> None:
    path = file_of("codex", tmp_path)
    path.parent.mkdir()
    path.write_text(CODEX, "utf-8")
    assert here("mcp", "install", "codex", "--url", URL).exit_code == 0
    text = path.read_text("utf-8")
    found = tomllib.loads(text)
    assert 'model = "o3"  # the best' in text
    assert found["mcp_servers"] == {
        "other": {"command": "x"},
        "onehop": {"url": URL, "bearer_token_env_var": "AGENT_API_KEY"},
    }
    assert found["projects"] == {"/a b": {"trust_level": "trusted"}}


GOOSE = """\
GOOSE_MODE: smart_approve
extensions:
  # the tools
  developer:
    enabled: true
    type: builtin
  onehop:
    type: stdio
    cmd: old
active_provider: anthropic
"""


@pytest.mark.parametrize("text", [GOOSE, GOOSE.replace("  ", "    "), "extensions: {}\na: 1\n", ""])
def test_other_extensions_of_goose_stay(here: Here, tmp_path: Path, text: str) -> None:
    path = file_of("goose", tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    assert here("mcp", "install", "goose").exit_code == 0
    found = yaml.safe_load(path.read_text("utf-8"))
    before = yaml.safe_load(text) or {}
    mine = found["extensions"].pop("onehop")
    assert mine["cmd"] != "old"
    (before.get("extensions") or {}).pop("onehop", None)
    assert {**found, "extensions": found["extensions"] or {}} == {"extensions": {}, **before}


# --- what cannot be edited is refused, and stays


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("client", "text", "told"),
    [
        ("cursor", "{", "a name in quotes or } is expected at line 1, column 2"),
        ("cursor", '{"mcpServers": []}', "mcpServers is not an object"),
        ("cursor", "[]", "the file is not an object"),
        ("cursor", '{"a": 1, "a": 2}', "'a' is there twice at line 1, column 15"),
        ("cursor", "[" * 5000, "too deeply nested"),
        ("cursor", '{"mcpServers": {"onehop": {/* mine */ "command": "x"}}}', "has comments"),
        ("codex", "a = = 1", "this is not valid TOML"),
        ("codex", "mcp_servers = {onehop = {command = 'x'}}", "not a table of its own"),
        ("goose", "extensions: {a: {type: builtin}}", "not a plain block"),
        ("goose", "---\na: 1\n---\nb: 1", "several documents"),
        ("cursor", "\0\x80", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_refused_and_stays(
    here: Here, tmp_path: Path, client: str, text: str, told: str
) -> None:
    path = file_of(client, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    result = here("mcp", "install", client)
    assert result.exit_code == 2
    assert told in result.stderr
    assert str(path) in result.stderr
    assert path.read_bytes() == text.encode("latin-1")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_that_cannot_be_written_is_told(here: Here, tmp_path: Path) -> None:
    (tmp_path / ".cursor").write_text("", "utf-8")
    result = here("mcp", "install", "cursor")
    assert (result.exit_code, result.stdout) == (2, "")
    assert ".cursor/mcp.json: it can" in result.stderr
    assert "Not a directory" in result.stderr


def test_a_client_that_nobody_knows_is_told_with_the_nearest(here: Here) -> None:
    result = here("mcp", "install", "curser")
    assert result.exit_code == 2
    assert "did you mean cursor?" in result.stderr


# --- clients with a command of their own


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command ``claude`` that notes how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("claude", "code"):
        script = (
            f'#!/bin/sh\nprintf "%s|" {name} "$@" >>"{folder}/calls"\necho >>"{folder}/calls"\n'
        )
        (folder / name).write_text(script + '[ "$2" != remove ]\n', "utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("onehop.cli._mcp_install.shutil.which", lambda name: str(folder / name))
    return folder / "calls"


def test_claude_code_is_told_by_its_own_command(here: Here, claude: Path) -> None:
    assert here("mcp", "install", "claude-code", "--url", URL).exit_code == 0
    removed, added = claude.read_text("utf-8").splitlines()
    assert removed == "claude|mcp|remove|--scope|user|onehop|"
    assert added == (
        f"claude|mcp|add|--scope|user|--transport|http|onehop|{URL}|--header|"
        "Authorization: Bearer ${AGENT_API_KEY}|"
    )


def test_claude_code_that_knows_onehop_is_left_alone(
    here: Here, claude: Path, tmp_path: Path
) -> None:
    entry = json.loads(here("mcp", "config", "cursor").stdout)["mcpServers"]["onehop"]
    known = {"mcpServers": {"onehop": {"type": "stdio", **entry, "env": {}}}}
    (tmp_path / ".claude.json").write_text(json.dumps(known), "utf-8")
    result = here("mcp", "install", "claude-code")
    assert (result.exit_code, claude.exists()) == (0, False)
    assert "knows onehop already" in result.stderr


def test_claude_code_takes_no_file(here: Here, claude: Path) -> None:
    result = here("mcp", "install", "claude-code", "--file", "x.json")
    assert (result.exit_code, claude.exists()) == (2, False)
    assert "Claude Code is set up by its own command" in result.stderr


def test_vs_code_is_told_by_its_own_command(here: Here, claude: Path) -> None:
    assert here("mcp", "install", "vscode").exit_code == 0
    name, option, given, _end = claude.read_text("utf-8").strip().split("|")
    assert (name, option) == ("code", "--add-mcp")
    assert json.loads(given)["name"] == "onehop"
    assert json.loads(given)["type"] == "stdio"


@pytest.mark.parametrize("client", ["claude-code", "vscode"])
def test_a_dry_run_prints_the_commands(here: Here, claude: Path, client: str) -> None:
    result = here("mcp", "install", client, "--dry-run")
    assert (result.exit_code, claude.exists()) == (0, False)
    assert result.stdout.splitlines()[-1].startswith(
        "claude mcp add" if client[0] == "c" else "code"
    )


def test_a_command_that_is_missing_or_fails_is_told(
    here: Here, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "shop.py").write_text("")
    monkeypatch.setenv("PATH", "/nowhere")
    missing = here("mcp", "install", "claude-code", "--tools", "shop.py")
    assert missing.exit_code == 2
    assert "this command was not found" in missing.stderr
    first, second = missing.stderr.splitlines()[-2:]  # all that adds it, not the first step alone
    assert first == "  claude mcp remove --scope user onehop"
    assert second.startswith("  claude mcp add --scope user onehop -- ")
    assert second.endswith("shop.py")


# --- links, and Windows around WSL


@pytest.mark.parametrize(
    ("client", "start"),
    [
        ("cursor", "cursor://anysphere.cursor-deeplink/mcp/install?"),
        ("lm-studio", "lmstudio://add_mcp?"),
    ],
)
def test_a_link_holds_the_entry(here: Here, client: str, start: str) -> None:
    link = here("mcp", "config", client, "--link").stdout.strip()
    asked = parse_qs(urlsplit(link).query)
    assert link.startswith(start)
    assert asked["name"] == ["onehop"]
    entry = json.loads(base64.b64decode(asked["config"][0]))
    assert entry == json.loads(here("mcp", "config", client).stdout)["mcpServers"]["onehop"]


def test_a_client_without_links_says_so(here: Here) -> None:
    result = here("mcp", "config", "zed", "--link")
    assert result.exit_code == 2
    assert "cursor or lm-studio" in result.stderr


def test_a_client_on_windows_starts_onehop_in_wsl(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stand-ins for the two commands that Windows and WSL answer with."""
    folder = tmp_path / "bin"
    folder.mkdir()
    roaming = tmp_path / "roaming"
    for name, line in {
        "cmd.exe": r"echo 'C:\Users\a\Roaming'",
        "wslpath": f"echo {roaming}",
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("onehop.cli._machine.in_wsl", lambda: True)
    result = here("mcp", "install", "claude-desktop", WSL_DISTRO_NAME="Debian")
    assert result.exit_code == 0, result.stderr
    entry = entry_in("claude-desktop", roaming / "Claude/claude_desktop_config.json")
    assert entry["command"] == "wsl.exe"
    assert entry["args"][:3] == ["--distribution", "Debian", "--exec"]
    assert entry["args"][-1] == "mcp"


@pytest.mark.parametrize(
    "folder",
    [
        "Claude-Data/claude_1",
        "Packages/Claude_pzs8/LocalCache/Roaming/Claude",
        "Claude",
    ],
)
def test_the_file_of_a_packaged_claude_desktop_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr("onehop.cli._machine._said", lambda _command: str(tmp_path))
    path = Machine("windows").path(CLIENTS["claude-desktop"].places)
    assert path == tmp_path / folder / "claude_desktop_config.json"


def test_opencode_keeps_the_form_of_its_version(here: Here, tmp_path: Path) -> None:
    path = file_of("opencode", tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text('{"mcp": {"servers": {"a": {"type": "local"}}}}', "utf-8")
    assert here("mcp", "install", "opencode").exit_code == 0
    assert list(jsonc.load(path.read_text("utf-8"))["mcp"]) == ["servers"]
    assert list(jsonc.load(path.read_text("utf-8"))["mcp"]["servers"]) == ["a", "onehop"]


def test_windows_that_does_not_answer_is_told(here: Here, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = here("mcp", "install", "cursor", "--wsl")
    assert result.exit_code == 2
    assert "name the client's file with --file" in result.stderr


def test_macos_keeps_files_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = Machine("macos").path(CLIENTS["claude-desktop"].places)
    assert path == tmp_path / "Library/Application Support/Claude/claude_desktop_config.json"


def test_of_several_names_the_one_that_exists_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    places = Places.home("a.jsonc", "a.json")
    assert Machine("linux").path(places) == tmp_path / "a.jsonc"
    (tmp_path / "a.json").write_text("", "utf-8")
    assert Machine("linux").path(places) == tmp_path / "a.json"


@pytest.mark.parametrize(
    ("client", "variable", "name"),
    [("codex", "CODEX_HOME", "config.toml"), ("zed", "XDG_CONFIG_HOME", "zed/settings.json")],
)
def test_a_client_whose_folder_is_elsewhere_is_found(
    here: Here, tmp_path: Path, client: str, variable: str, name: str
) -> None:
    assert here("mcp", "install", client, **{variable: str(tmp_path / "else")}).exit_code == 0
    assert "onehop" in (tmp_path / "else" / name).read_text("utf-8")


def test_another_file_may_be_named(here: Here, tmp_path: Path) -> None:
    assert here("mcp", "install", "cursor", "--file", "mine.json").exit_code == 0
    assert "onehop" in (tmp_path / "mine.json").read_text("utf-8")
    assert not (tmp_path / ".cursor").exists()


# --- editing, for any document

names = st.text('abcé"\\ \n', max_size=4)
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(
    document=st.dictionaries(names, documents, max_size=4), indent=st.sampled_from([None, 1, "\t"])
)
def test_any_json_keeps_its_values_when_one_is_put(document: Any, indent: Any) -> None:
    text = json.dumps(document, indent=indent)
    changed = jsonc.put(text, ("new servers", "onehop"), {"a": [1]})
    assert json.loads(changed) == {**document, "new servers": {"onehop": {"a": [1]}}}
    assert jsonc.put(changed, ("new servers", "onehop"), {"a": [1]}) == changed
    again = jsonc.put(changed, ("new servers", "onehop"), {"b": 2})
    assert json.loads(again) == {**document, "new servers": {"onehop": {"b": 2}}}


@pytest.mark.parametrize(
    "text", ["// c\n{}", "{ // c\n}", "{\n  // c\n}", '{"a": 1 /* c */}', '{"a": 1, // c\n}']
)
def test_comments_stay_wherever_they_are(text: str) -> None:
    changed = jsonc.put(text, ("s", "onehop"), 1)
    assert jsonc.load(changed)["s"] == {"onehop": 1}
    assert ("// c" if "// c" in text else "/* c */") in changed


def test_a_question_is_asked_once() -> None:
    once = jsonc.append('{"inputs": [{"id": "a"}]}', ("inputs",), {"id": "b"})
    assert jsonc.append(once, ("inputs",), {"id": "b", "x": 1}) == once
    assert [each["id"] for each in jsonc.load(once)["inputs"]] == ["a", "b"]


@pytest.mark.parametrize("text", ["x = 1\n", 'x = """\n[mcp_servers.onehop]\n"""\n', "# c\n"])
def test_toml_keeps_the_rest_or_is_refused(text: str) -> None:
    try:
        changed = toml_edits.put(text, ("mcp_servers", "onehop"), {"command": "x"})
    except UneditableError:
        assert '"""' in text
    else:
        assert changed.startswith(text.rstrip())


def test_yaml_with_tabs_is_refused() -> None:
    with pytest.raises(UneditableError, match="tabs"):
        yaml_edits.put("a:\n\tb: 1", ("extensions", "onehop"), {})
