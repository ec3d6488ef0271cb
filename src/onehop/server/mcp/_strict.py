"""Messages that are not strict JSON, or of no form that MCP has, get an error of JSON-RPC.

The protocol's library reads the last of two equal keys, and drops what it cannot read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from onehop.inputs import strict
from onehop.server.mcp._lines import Lines

_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600  # JSON-RPC 2.0, section 5.1
_IN_THREAD: Final = 64 * 1024
"""Characters from which a message is read in a thread."""


async def error_of(text: str) -> str | None:
    """The answer to a message that cannot be taken; None when it can."""
    if len(text) < _IN_THREAD:
        return _error_of(text)
    return await asyncio.to_thread(_error_of, text)


async def taken(lines: Lines, write: Any) -> AsyncIterator[str]:
    """The lines that can be taken; ``write`` is given the answers to the others."""
    async for line in lines:
        error = await error_of(line) if line.strip() else None
        if error is None:
            yield line
        else:
            await write(error + "\n")


def _error_of(text: str) -> str | None:
    try:
        message = strict.parse(text)
    except ValueError as error:
        return _answer(_PARSE_ERROR, f"the message is not strict JSON: {error}")
    if not isinstance(message, dict):
        return _answer(_INVALID_REQUEST, "the message is not an object; batches are not supported")
    if "method" in message and not _is_id(message.get("id", 0)):  # one without an id is a notice
        return _answer(_INVALID_REQUEST, "the id of a request is a string or a whole number")
    return None


def _is_id(value: object) -> bool:
    """The protocol's library would take a request with another one for a notice."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def _answer(code: int, words: str) -> str:
    error = {"code": code, "message": words}
    return json.dumps({"jsonrpc": "2.0", "id": None, "error": error})
