"""MCP servers and HTTP APIs whose tools the code may call."""

from __future__ import annotations

from onehop.upstreams._configured import (
    Upstream,
    configured_upstreams,
    login_at,
    read_table,
)
from onehop.upstreams._options import UpstreamOptions, read_options
from onehop.upstreams._secrets import is_secret_name
from onehop.upstreams._servers_file import Servers, read_servers
from onehop.upstreams._upstream import McpUpstream
from onehop.upstreams.openapi import OpenApi, OpenApiOptions

__all__ = [
    "McpUpstream",
    "OpenApi",
    "OpenApiOptions",
    "Servers",
    "Upstream",
    "UpstreamOptions",
    "configured_upstreams",
    "is_secret_name",
    "login_at",
    "read_options",
    "read_servers",
    "read_table",
]
