"""The snippets beside the tools of a command: those of this user's store, if it is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from onehop.runs.saved import Snippet
    from onehop.sandbox.calls import Toolbox
    from onehop.tools import Discovery


async def discovery_of(toolbox: Toolbox) -> Discovery:
    """What the code of this user finds: tools, and the snippets that it may call."""
    from onehop.sandbox.snippets import Shelf

    found = await _snippets()
    if not found:
        return toolbox.discovery
    return toolbox.view().with_snippets(Shelf(found, _uncompiled)).discovery


async def _snippets() -> list[Snippet]:
    from onehop.cli._input import CLI_AGENT
    from onehop.cli._output import write
    from onehop.config import AuditConfig
    from onehop.errors import StoreError
    from onehop.stores import open_store

    config = AuditConfig()
    if not _is_there(config.store):
        return []
    try:
        store = await open_store(config)
    except StoreError as error:
        write(sys.stderr, f"onehop: warning: the snippets are not known: {error}\n")
        return []
    try:
        return [*await store.snippets(""), *await store.snippets(CLI_AGENT)]
    except StoreError as error:
        write(sys.stderr, f"onehop: warning: the snippets are not known: {error}\n")
        return []
    finally:
        await store.aclose()


def _is_there(url: str | None) -> bool:
    """Whether there is a store to ask: a question makes no file."""
    from onehop.stores import default_url

    if url == "memory:":
        return False
    scheme, _, path = (url or default_url()).partition(":///")
    return scheme != "sqlite" or Path(path).exists()


async def _uncompiled(_snippet: Snippet) -> NoReturn:
    raise AssertionError
