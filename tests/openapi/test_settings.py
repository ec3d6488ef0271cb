"""OpenAPI documents from ``onehop.toml``, on the command line and beside MCP servers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from onehop import ConfigError, McpUpstream, OpenApi
from onehop.upstreams import configured_upstreams
from tests import copies
from tests.copies import ONEHOP
from tests.openapi.running import api_server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with api_server() as url:
        yield url


def settings(folder: Path, address: str, more: str = "") -> dict[str, str]:
    """The environment that has them, with a secret."""
    file = folder / "onehop.toml"
    file.write_text(
        f'[upstream.shop]\nopenapi = "{address}/openapi.json"\nprivate = true\n'
        f'auth = {{ bearer = "env:SHOP_TOKEN" }}\n{more}'
    )
    return {**os.environ, "ONEHOP_CONFIG": str(file), "SHOP_TOKEN": "t0ken-of-the-shop"}


def onehop(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return copies.run(
        [*ONEHOP, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_table_of_the_settings_is_a_namespace(tmp_path: Path, address: str) -> None:
    environment = settings(tmp_path, address)
    listed = onehop(environment, "tools", "list", "shop")
    assert "shop.put_item(args: {item_id: number; name?: string | null" in listed.stdout
    called = onehop(environment, "tools", "call", "shop.get_item", '{"item_id": "7"}')
    assert json.loads(called.stdout) == {"id": "7", "q": None}
    guarded = onehop(environment, "tools", "call", "shop.guarded_bearer")
    assert "***" in guarded.stdout
    for made in (listed, called, guarded):
        assert "t0ken" not in made.stdout + made.stderr


def test_code_calls_a_configured_api(tmp_path: Path, address: str) -> None:
    code = "return (await tools.shop.list()).$http.status"
    made = onehop(settings(tmp_path, address), "run", "-c", code)
    assert made.stdout.strip() == "200", made.stderr


def test_what_is_skipped_is_listed(tmp_path: Path) -> None:
    document = tmp_path / "api.yaml"
    document.write_text(
        "openapi: 3.1.0\nservers: [{url: 'https://api.test'}]\n"
        "paths: {/x: {get: {operationId: x}, post: {requestBody: {$ref: other.yaml}}}}"
    )
    table = f'\n[upstream.x]\nopenapi = "{document}"'
    environment = settings(tmp_path, "http://127.0.0.1:1", table)
    made = onehop(environment, "tools", "list", "x", "--skipped")
    line = "x.POST /x: $ref 'other.yaml' leads to another document, and none is fetched"
    assert made.stdout.strip() == line, made.stderr


def test_the_settings_are_checked_and_described(tmp_path: Path, address: str) -> None:
    wrong = onehop(settings(tmp_path, address, "[upstream.x]\nopenapi = 7"), "config", "check")
    assert "upstream.x.openapi" in wrong.stdout + wrong.stderr
    right = onehop(settings(tmp_path, address), "config", "check")
    assert right.returncode == 0, right.stdout + right.stderr
    schema = json.loads(onehop(settings(tmp_path, address), "config", "schema").stdout)
    assert (
        "base_url" in schema["properties"]["upstream"]["additionalProperties"]["then"]["properties"]
    )


def test_both_kinds_of_servers_stand_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "ONEHOP_CONFIG",
        settings(tmp_path, "https://x.test", '[upstream.m]\ncommand = "true"')["ONEHOP_CONFIG"],
    )
    made = configured_upstreams()
    assert (type(made["shop"]), type(made["m"])) == (OpenApi, McpUpstream)


def test_a_table_of_two_kinds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings(tmp_path, "https://x.test", 'command = "true"')["ONEHOP_CONFIG"]
    monkeypatch.setenv("ONEHOP_CONFIG", file)
    with pytest.raises(ConfigError, match="command"):
        configured_upstreams()
