"""MCP servers whose tools the code may call: connections, sessions, and what is made of both."""

from __future__ import annotations

from onehop.upstreams._configured import configured_upstreams
from onehop.upstreams._options import UpstreamOptions, read_options
from onehop.upstreams._secrets import is_secret_name
from onehop.upstreams._servers_file import Servers, read_servers
from onehop.upstreams._upstream import McpUpstream

__all__ = [
    "McpUpstream",
    "Servers",
    "UpstreamOptions",
    "configured_upstreams",
    "is_secret_name",
    "read_options",
    "read_servers",
]
