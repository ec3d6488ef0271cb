"""What a server answers to a call, as the value or the ToolError that the code gets."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from mimetypes import guess_extension
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from onehop.errors import ToolError, ToolErrorEffect
from onehop.inputs.gc import read_json
from onehop.tools import Effect
from onehop.upstreams import _bounds

_MOST_MEDIA: Final = 64
"""Blocks among which the guest looks for media."""
Keep = Callable[[bytes], str]
"""Keeps bytes of media, and gives the id that the code asks for them by."""


def value_of(
    result: types.CallToolResult, *, parse_json: bool, effect: Effect, keep: Keep | None = None
) -> Any:
    """``structuredContent``; else one text that is wholly a JSON object or array, as data; else the
    text. Raises ToolError for a result that says it is an error.

    A picture, a sound or another block is ``{name, type, size}``, where ``type`` is that of the
    media; beside others, it is in a list of all blocks. ``keep`` takes its bytes.
    """
    if result.is_error:
        # The server says that the tool failed, and not how far it had got.
        raise ToolError("failed", _words(result), effect=after(effect))
    if result.structured_content is not None:
        return result.structured_content
    parts = [
        _part(block, keep if index < _MOST_MEDIA else None)
        for index, block in enumerate(result.content)
    ]
    if all(isinstance(part, str) for part in parts):
        text = "\n".join(parts)
        return _parsed(text) if parse_json and len(parts) == 1 else text
    return parts[0] if len(parts) == 1 else parts


def error_of(error: MCPError, effect: Effect) -> ToolError:
    """What the code gets in place of an error of the protocol."""
    if is_forgotten(error):
        words = "its server has ended the session; call again for another one"
        return ToolError("unavailable", words, retryable=True, retry_after=100)
    if isinstance(error.data, dict) and isinstance(error.data.get(STATUS), int):
        return _refused(error.data, effect)
    if _bounds.TOO_LARGE in error.message:
        words = f"its answer has more than {_bounds.MESSAGE} bytes, or {_bounds.VALUES} values"
        return ToolError("too_large", words, effect=_applied(effect))
    if error.code == types.CONNECTION_CLOSED and error.message.startswith(_CLOSED):
        return lost(effect)
    if error.code == types.REQUEST_TIMEOUT:
        return ToolError("timeout", "the server did not answer in time", effect=after(effect))
    effective = "none" if error.code in _REFUSALS else after(effect)
    words = error.message[: _bounds.ERROR] or f"the server answered with the error {error.code}"
    return ToolError("failed", words, effect=effective)


_CLOSED: Final = ("Connection closed", "SSE stream ")
"""The SDK's words: servers use its code for errors of theirs."""


def is_forgotten(error: MCPError) -> bool:
    """Whether the server does not know the session any more, as after a restart. The SDK has no
    other mark for this than its words."""
    return error.code == types.INVALID_REQUEST and error.message == "Session terminated"


def _refused(data: dict[str, Any], effect: Effect) -> ToolError:
    """An HTTP status in place of an answer."""
    status, wait = data[STATUS], data.get(RETRY_AFTER)
    if status in (401, 403):
        words = f"its server wants other credentials (HTTP {status})"
        return ToolError("auth_required", words, status=status)
    done: ToolErrorEffect = "none" if status == 429 else after(effect)
    return ToolError(
        "unavailable",
        f"its server answered with HTTP {status}",
        retryable=done == "none",
        retry_after=wait if isinstance(wait, int) else None,
        status=status,
        effect=done,
    )


STATUS: Final = "onehop/status"
RETRY_AFTER: Final = "onehop/retryAfter"
"""In the data of an error that stands for an HTTP answer: its status, and a time in ms."""
_REFUSALS: Final = (types.METHOD_NOT_FOUND, types.INVALID_PARAMS, types.PARSE_ERROR)
"""Errors of the protocol that come before the tool is called."""


def lost(effect: Effect) -> ToolError:
    """The connection ended while the call was under way."""
    words = "the connection to its server ended before it answered"
    return ToolError(
        "unavailable", words, retryable=effect == "read", retry_after=1000, effect=after(effect)
    )


def after(effect: Effect) -> ToolErrorEffect:
    """What a call of this kind may have done when nobody knows whether it came to an end."""
    return "none" if effect == "read" else "unknown"


def _applied(effect: Effect) -> ToolErrorEffect:
    return "none" if effect == "read" else "applied"


def _words(result: types.CallToolResult) -> str:
    texts = [block.text for block in result.content if isinstance(block, types.TextContent)]
    if not texts and result.structured_content is not None:
        texts = [json.dumps(result.structured_content, ensure_ascii=False)]
    return "\n".join(texts)[: _bounds.ERROR].strip() or "the tool failed, and did not say why"


def _parsed(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return read_json(text.encode())
    except ValueError:
        return text


def _part(block: types.ContentBlock, keep: Keep | None) -> Any:
    if isinstance(block, types.TextContent):
        return block.text
    if isinstance(block, types.ResourceLink):
        link = {"name": block.name, "type": block.mime_type, "size": block.size}
        return link | {"uri": block.uri}
    if isinstance(block, types.EmbeddedResource):
        held = block.resource
        if isinstance(held, types.TextResourceContents):
            return held.text
        media = _media(_last_of(held.uri), held.mime_type, held.blob, keep)
        return media | {"uri": held.uri}
    name = block.type + (guess_extension(block.mime_type) or "")
    return _media(name, block.mime_type, block.data, keep)


def _media(name: str, media_type: str | None, text: str, keep: Keep | None) -> dict[str, Any]:
    """Of base64. The guest makes a handle of what has ``$media``."""
    try:
        data = base64.b64decode(text)
    except ValueError:
        raise ToolError("invalid_result", f"the bytes of {name[:200]} are not base64") from None
    made: dict[str, Any] = {"name": name, "type": media_type, "size": len(data)}
    return made if keep is None else made | {"$media": keep(data)}


def _last_of(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2] or uri
