"""Values in a text that stand behind a name: ``"password": "…"``, ``api_key=…``, ``token: …``."""

from __future__ import annotations

import re
from typing import Final

from onehop.audit.redaction._names import Names
from onehop.audit.redaction._tokens import MASK

USUAL: Final = (
    "*password*",
    "*passwd*",
    "*passphrase*",
    "pwd",
    "*secret*",
    "*api_key*",
    "*apikey*",
    "*api-key*",
    "*access_token*",
    "*accesstoken*",
    "*auth_token*",
    "*authtoken*",
    "*refresh_token*",
    "*private_key*",
    "*access_key*",
    "*accountkey*",
)
"""Names that announce a secret in any text."""

_KEY = re.compile(
    r"(?P<quote>\\{0,7}[\"'`]|)(?<![\w$.-])[.-]{0,3}(?P<name>[A-Za-z_$][\w$.-]{0,100}+)(?P=quote)"
    r"[ \t]{0,3}(?P<sign>=>|:|=(?!=))[ \t]{0,3}"
)
_QUOTED = re.compile(
    r"(?P<quote>[\"'])(?P<value>(?:\\.|(?!(?P=quote))[^\n\0\\])*+)|"
    r"(?P<tick>`)(?P<text>(?:\\.|[^`\0\\])*+)"
)
_ESCAPED = re.compile(r"(?P<quote>\\{1,7}[\"'`])(?P<value>(?:(?!(?<!\\)(?P=quote))[^\n\0])*+)")
_BARE = re.compile(r"[^\s\0,;&\"'`<>(){}\[\]|]++")
_REST_OF_LINE = re.compile(r"[^\n\r\0]++")
_BRACKET = re.compile(r"\"(?:\\.|[^\"\\\n\0])*+\"?|'(?:\\.|[^'\\\n\0])*+'?|[\[{]|[\]}]|\0")
_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_EMPTY = frozenset({"true", "false", "null", "undefined", "", MASK})
_BEFORE_NAME = frozenset("{[]()<,;?&|\n\r\0\"'`")
"""What stands before a name in data, where prose has a word."""


class NamedValues:
    """Masks values by the names in front of them."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def mask(self, text: str, *, code: bool = False) -> str:
        """The text with these values masked; of program code only literals are values."""
        if ":" not in text and "=" not in text:
            return text
        pieces, at = [], 0
        while (key := _KEY.search(text, at)) is not None:
            pieces.append(text[at : key.end()])
            at = key.end()
            if self._is_meant(key["name"]):
                masked, at = _mask_value(text, key, code=code)
                pieces.append(masked)
        return "".join([*pieces, text[at:]]) if pieces else text

    def _is_meant(self, name: str) -> bool:
        return self._names.match(name.rpartition(".")[2], name)


def _mask_value(text: str, key: re.Match[str], *, code: bool) -> tuple[str, int]:
    """What to write for the value behind ``key``, and where the text goes on."""
    at = key.end()
    quoted = _QUOTED.match(text, at) or _ESCAPED.match(text, at)
    if quoted is not None:
        return _mask_quoted(quoted)
    if code:
        return "", at
    if text[at : at + 1] in ("{", "["):
        return MASK, _closing(text, at)
    if key["name"].lower() in _HEADERS and key["sign"] == ":":
        return _mask_bare(_REST_OF_LINE.match(text, at), at)
    if key["sign"] == ":" and not _is_data(text, key):
        return "", at
    return _mask_bare(_BARE.match(text, at), at)


def _mask_quoted(found: re.Match[str]) -> tuple[str, int]:
    groups = found.groupdict()
    value = groups["value"] if groups["value"] is not None else groups["text"]
    mark = groups["quote"] or groups["tick"]
    kept = value if value in _EMPTY else MASK
    return f"{mark}{kept}", found.end()


def _mask_bare(found: re.Match[str] | None, at: int) -> tuple[str, int]:
    if found is None:
        return "", at
    return (found[0] if found[0] in _EMPTY else MASK), found.end()


def _is_data(text: str, key: re.Match[str]) -> bool:
    """Whether a colon divides a name from its value here, as it does not in a sentence."""
    before = text[max(0, key.start() - 20) : key.start()].rstrip(" \t")
    if not before:
        return key.start() <= 20
    return before[-1] in _BEFORE_NAME or bool(key["quote"])


def _closing(text: str, at: int) -> int:
    """Behind the bracket that closes the one at ``at``, or where the line or text ends."""
    depth = 0
    for found in _BRACKET.finditer(text, at):
        mark = found[0]
        if mark == "\0":
            return found.start()
        depth += (mark in "[{") - (mark in "]}")
        if depth <= 0 and mark in "]}":
            return found.end()
    return len(text)
