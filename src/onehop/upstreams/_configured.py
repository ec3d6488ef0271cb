"""The servers that settings name."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from onehop.config import UPSTREAM, upstream_tables
from onehop.errors import ConfigError
from onehop.upstreams._options import NESTED, OAuthClient, read_options
from onehop.upstreams._secrets import resolve, resolved_client
from onehop.upstreams._servers_file import read_servers
from onehop.upstreams._upstream import McpUpstream
from onehop.upstreams.openapi import OpenApi, read_openapi_options

Upstream = McpUpstream | OpenApi
_log = logging.getLogger(__name__)


_OPENAPI: Final = "openapi"
"""What a table with an OpenAPI document has."""


def read_table(table: Mapping[str, Any], place: str) -> None:
    """Raises ConfigError for a table ``[upstream.NAME]`` that cannot be used."""
    read = read_openapi_options if _OPENAPI in table else read_options
    read(table, place)


def login_at(name: str, servers_file: str | None = None) -> tuple[str, OAuthClient | None]:
    """The address at which one logs in to the server of this namespace, and the client that the
    settings have for it, its references replaced. Raises ConfigError."""
    upstreams = configured_upstreams(servers_file)
    place = f"{UPSTREAM}.{name}"
    if name not in upstreams:
        there = ", ".join(sorted(upstreams)) or "none"
        raise ConfigError(place, f"there is no such table; there are: {there}")
    one = upstreams[name]
    if not isinstance(one, McpUpstream) or one.options.url is None:
        raise ConfigError(place, "it is not an MCP server at a url: nobody logs in there")
    url = resolve(one.options.url, f"{place}.url", os.environ)
    return url, resolved_client(one.options.oauth, place, os.environ)


def _made(table: Mapping[str, Any], place: str) -> Upstream:
    kind = OpenApi if _OPENAPI in table else McpUpstream
    return kind.of(table, place)


def configured_upstreams(servers_file: str | None = None) -> dict[str, Upstream]:
    """Those of the tables ``[upstream.NAME]`` and of a file with ``mcpServers``, by namespace.

    What cannot be used of the file is logged. A onehop that is itself such a server has none.
    Raises ConfigError, for one name in both too.
    """
    if os.environ.get(NESTED):
        _log.warning("this onehop is a server of another one: it starts no servers of its own")
        return {}
    made: dict[str, Upstream] = {
        name: _made(table, f"{UPSTREAM}.{name}")
        for name, table in upstream_tables(os.environ).items()
    }
    if servers_file is None:
        return made
    found = read_servers(servers_file)
    for place, reason in found.left.items():
        _log.warning("%s: %s is left out: %s", servers_file, place, reason)
    for name, options in found.taken.items():
        if name in made:
            raise ConfigError(f"{UPSTREAM}.{name}", f"{servers_file} has a server of this name too")
        made[name] = McpUpstream.of(options, f"{UPSTREAM}.{name}")
    return made
