"""The servers that settings name."""

from __future__ import annotations

import logging
import os

from onehop.config import UPSTREAM, upstream_tables
from onehop.errors import ConfigError
from onehop.upstreams._options import NESTED
from onehop.upstreams._servers_file import read_servers
from onehop.upstreams._upstream import McpUpstream

_log = logging.getLogger(__name__)


def configured_upstreams(servers_file: str | None = None) -> dict[str, McpUpstream]:
    """Those of the tables ``[upstream.NAME]`` and of a file with ``mcpServers``, by namespace.

    What cannot be used of the file is logged. A onehop that is itself such a server has none.
    Raises ConfigError, for one name in both too.
    """
    if os.environ.get(NESTED):
        _log.warning("this onehop is a server of another one: it starts no servers of its own")
        return {}
    made = {
        name: McpUpstream.of(table, f"{UPSTREAM}.{name}")
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
