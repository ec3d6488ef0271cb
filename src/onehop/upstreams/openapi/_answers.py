"""What an API answers, as the value or the ToolError that the code gets."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.message import Message
from email.utils import parsedate_to_datetime
from mimetypes import guess_extension
from typing import Any, Final

from onehop.errors import ToolError, ToolErrorEffect
from onehop.inputs.gc import read_json
from onehop.tools import Effect, HttpAnswer
from onehop.upstreams._secrets import Mask
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._responses import is_json, is_text
from onehop.upstreams.openapi._sending import Answer, AnswerRefusedError

Keep = Callable[[bytes], str]
"""Keeps bytes of media, and gives the id that the code asks for them by."""
_HIDDEN: Final = frozenset(
    "set-cookie set-cookie2 www-authenticate proxy-authenticate authentication-info connection "
    "keep-alive transfer-encoding".split()
)
_AGAIN: Final = (408, 425, 429, 502, 503, 504)
"""Statuses of what passes."""
_LONGEST_WAIT: Final = 24 * 3600


def value_of(
    answer: Answer,
    *,
    method: str,
    effect: Effect,
    mask: Mask,
    keep: Keep | None,
    advice: str = "",
) -> HttpAnswer:
    """JSON as data, text as it is, anything else as ``{name, type, size}``, whose bytes ``keep``
    takes; an answer without a body is null, and one of HEAD an empty object.

    Raises ToolError, with ``advice`` where the API wants other credentials.
    """
    if not 200 <= answer.status < 300:
        raise _failure(answer, effect, mask, advice)
    body: Any = {} if method == "HEAD" else _body(answer, effect, mask, keep)
    headers = list(_headers(answer, mask))
    return HttpAnswer(body, answer.status, dict(headers))


def refused(error: AnswerRefusedError, effect: Effect) -> ToolError:
    """Of an answer that was not read: what the call did, it has done."""
    done = error.status < 300
    return ToolError(
        "too_large" if error.too_large else "failed",
        str(error),
        status=error.status,
        effect="applied" if done and effect != "read" else "none",
    )


def after(effect: Effect) -> ToolErrorEffect:
    """What a call may have done when nobody knows whether it came to an end."""
    return "none" if effect == "read" else "unknown"


def _body(answer: Answer, effect: Effect, mask: Mask, keep: Keep | None) -> Any:
    if not answer.body:
        return None
    media = answer.header("content-type")
    if is_json(media) or not media:
        try:
            return mask.value(read_json(answer.body))
        except ValueError as error:
            if media:
                words = _unread(error)
                done: ToolErrorEffect = "none" if effect == "read" else "applied"
                raise ToolError(
                    "invalid_result", mask.text(words), status=answer.status, effect=done
                ) from None
    if is_text(media):
        return mask.text(_decoded(answer.body, media))
    return _media(answer, media, keep)


def _unread(error: ValueError) -> str:
    if "recursion limit" in str(error):
        return "the answer is nested too deep: it may have 200 levels"
    return f"the answer says that it is JSON, and is not: {str(error)[:200]}"


def _media(answer: Answer, media: str, keep: Keep | None) -> dict[str, Any]:
    """The guest makes a handle of what has ``$media``."""
    kind = media.partition(";")[0].strip().lower() or "application/octet-stream"
    name = _file_name(answer.header("content-disposition"))
    made: dict[str, Any] = {
        "name": name or "answer" + (guess_extension(kind) or ""),
        "type": kind[:200],
        "size": len(answer.body),
    }
    return made if keep is None else made | {"$media": keep(answer.body)}


def _file_name(disposition: str) -> str:
    message = Message()
    message["content-disposition"] = disposition.replace("\r", "").replace("\n", "")
    try:
        return (message.get_filename() or "").replace("\\", "/").rpartition("/")[2][:200]
    except (ValueError, LookupError, TypeError):
        return ""


def _decoded(body: bytes, media: str) -> str:
    charset = media.lower().partition("charset=")[2].partition(";")[0].strip().strip("\"'")
    try:
        return body.decode(charset or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _headers(answer: Answer, mask: Mask) -> Any:
    """What the code may know of them: not what a browser would keep."""
    seen: dict[str, str] = {}
    for name, value in answer.headers:
        if name in _HIDDEN or (name not in seen and len(seen) >= _bounds.HEADERS):
            continue
        seen[name] = f"{seen[name]}, {value}" if name in seen else value
    return ((name[:200], mask.text(value)[: _bounds.HEADER]) for name, value in seen.items())


def _failure(answer: Answer, effect: Effect, mask: Mask, advice: str) -> ToolError:
    status = answer.status
    said = mask.text(_said(answer))
    words = f"HTTP {status}: {said}" if said else f"the API answered with HTTP {status}"
    if status in (401, 407):
        return ToolError("auth_required", words + advice, status=status)
    # Of a refusal one knows that nothing was done; of a failure one does not.
    done = after(effect) if status >= 500 else "none"
    wait = retry_after(answer.header("retry-after"))
    passes = status in _AGAIN or wait is not None
    return ToolError(
        "unavailable" if passes else "failed",
        words,
        retryable=passes and done == "none",
        retry_after=wait,
        status=status,
        effect=done,
    )


def _said(answer: Answer) -> str:
    """What the API says of a failure; a page for people is not worth reading."""
    media = answer.header("content-type")
    if "html" in media.lower() or not (is_json(media) or is_text(media)):
        return ""
    return " ".join(_decoded(answer.body, media).split())[: _bounds.ERROR]


def retry_after(text: str) -> float | None:
    """In ms; the header has seconds or a date."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return max(0.0, min(seconds, _LONGEST_WAIT)) * 1000
