"""OAuth at a real authorization server: login, refresh by one of many, and what is asked for."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onehop import McpUpstream, Sandbox, SandboxConfig, ToolError, Tools
from tests import copies
from tests.copies import ONEHOP
from tests.upstreams.running import free_port, is_there
from tests.waiting import until

SERVER = str(Path(__file__).parent / "guarded.py")


@contextmanager
def guarded(seconds: int, *client: str) -> Iterator[str]:
    """A server whose tokens last so long, and that knows one client if it is given."""
    port = free_port()
    command = [sys.executable, SERVER, str(port), str(seconds), *client]
    with copies.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: is_there(port), "the server")
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tokens are kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "onehop"


def log_in(folder: Path, url: str, oauth: str = "") -> subprocess.CompletedProcess[str]:
    """``onehop tools login``, with a person who goes where it says."""
    settings = folder / "onehop.toml"
    settings.write_text(f'[upstream.crm]\nurl = "{url}"\n{oauth}')
    with copies.start(
        [*ONEHOP, "tools", "login", "crm", "--no-browser"],
        env={**os.environ, "ONEHOP_CONFIG": str(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        if (found := re.search(r"go to (\S+)", line)) is not None:
            with urllib.request.urlopen(found[1], timeout=20) as page:
                assert b"logged in" in page.read()
        out, rest = process.communicate(timeout=30)
    return subprocess.CompletedProcess([], process.returncode, out, line + rest)


def sandbox(url: str) -> Sandbox:
    crm = McpUpstream(url=url, required=False)
    return Sandbox(SandboxConfig(pool_size=1), tools=Tools(crm=crm))


async def test_a_login_opens_the_server_for_this_user(tmp_path: Path, home: Path) -> None:
    with guarded(3600) as url:
        async with sandbox(url) as opened:
            with pytest.raises(ToolError) as raised:
                await opened.call_tool("crm.refreshed")
        assert raised.value.code == "auth_required"
        assert "onehop tools login crm" in raised.value.message
        done = await asyncio.to_thread(log_in, tmp_path, url)
        assert done.returncode == 0, done.stderr
        async with sandbox(url) as opened:
            assert await opened.call_tool("crm.refreshed") == {"result": 0}
    assert stat.S_IMODE((home / "tokens.json").stat().st_mode) == 0o600
    assert json.loads((home / "tokens.json").read_text()).keys() == {url}


@pytest.mark.thorough
async def test_a_token_that_ends_is_refreshed_once_by_many(tmp_path: Path, home: Path) -> None:
    """Two sandboxes, as two processes would: a refresh token is good once."""
    with guarded(3600) as url:
        assert (await asyncio.to_thread(log_in, tmp_path, url)).returncode == 0
        end(home / "tokens.json", url)
        async with sandbox(url) as first, sandbox(url) as second:
            calls = [s.call_tool("crm.refreshed") for s in (first, second) for _ in range(4)]
            assert await asyncio.gather(*calls) == [{"result": 1}] * 8


def end(file: Path, url: str) -> None:
    """Its token has ended a while ago."""
    kept = json.loads(file.read_text())
    kept[url]["ends"] = time.time() - 1
    file.write_text(json.dumps(kept))


@pytest.mark.thorough
async def test_a_login_that_was_ended_is_asked_for_again_and_never_shown(
    tmp_path: Path, home: Path
) -> None:
    with guarded(3600) as url:
        assert (await asyncio.to_thread(log_in, tmp_path, url)).returncode == 0
        async with sandbox(url) as opened:
            told = await opened.call_tool("crm.forget")
            assert told == {"result": "ended ***"}
            with pytest.raises(ToolError) as raised:
                await opened.call_tool("crm.refreshed")
    assert raised.value.code == "auth_required"
    assert "onehop tools login crm" in raised.value.message


@pytest.mark.thorough
async def test_a_file_that_others_may_read_is_not_used(tmp_path: Path, home: Path) -> None:
    with guarded(3600) as url:
        assert (await asyncio.to_thread(log_in, tmp_path, url)).returncode == 0
        (home / "tokens.json").chmod(0o644)
        async with sandbox(url) as opened:
            with pytest.raises(ToolError, match="chmod 600"):
                await opened.call_tool("crm.refreshed")


@pytest.mark.thorough
def test_nobody_logs_in_at_what_is_not_there(tmp_path: Path, home: Path) -> None:
    done = log_in(tmp_path, f"http://127.0.0.1:{free_port()}/mcp")
    assert done.returncode == 2
    assert "the login failed" in done.stderr


def log_out(folder: Path) -> str:
    """What ``onehop tools logout`` says."""
    done = copies.run(
        [*ONEHOP, "tools", "logout", "crm"],
        env={**os.environ, "ONEHOP_CONFIG": str(folder / "onehop.toml")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return str(done.stderr)


@pytest.mark.thorough
async def test_a_logout_forgets_the_tokens_and_ends_them_at_the_server(
    tmp_path: Path, home: Path
) -> None:
    with guarded(3600) as url:
        assert (await asyncio.to_thread(log_in, tmp_path, url)).returncode == 0
        async with sandbox(url) as opened:  # it has the token in memory
            assert await opened.call_tool("crm.refreshed") == {"result": 0}
            assert "which has ended the login" in await asyncio.to_thread(log_out, tmp_path)
            assert json.loads((home / "tokens.json").read_text()) == {}
            with pytest.raises(ToolError) as raised:
                await opened.call_tool("crm.refreshed")
        assert raised.value.code == "auth_required"
        assert "nobody was logged in" in await asyncio.to_thread(log_out, tmp_path)


@pytest.mark.thorough
async def test_a_client_of_the_settings_logs_in_where_nobody_may_register(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, secret = free_port(), "a-secret-of-the-client"
    monkeypatch.setenv("CRM_CLIENT_SECRET", secret)
    client = {"client_id": "onehop-crm", "client_secret": "env:CRM_CLIENT_SECRET", "port": port}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in client.items())
    with guarded(3600, "onehop-crm", secret, str(port)) as url:
        refused = await asyncio.to_thread(log_in, tmp_path, url)
        assert (refused.returncode, "the login failed" in refused.stderr) == (2, True)
        done = await asyncio.to_thread(log_in, tmp_path, url, f"[upstream.crm.oauth]\n{lines}")
        assert done.returncode == 0, done.stderr
        assert secret not in (home / "tokens.json").read_text()
        end(home / "tokens.json", url)
        crm = McpUpstream(url=url, oauth=client)
        async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(crm=crm)) as opened:
            assert await opened.call_tool("crm.refreshed") == {"result": 1}
        assert secret not in (home / "tokens.json").read_text()
        # The SDK's revocation endpoint wants the secret in the form, where RFC 6749 has a header.
        assert "logged out at crm" in await asyncio.to_thread(log_out, tmp_path)
        assert json.loads((home / "tokens.json").read_text()) == {}
