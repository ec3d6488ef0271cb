"""Where the server is and who calls it: what a client is made with, checked."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from onehop._version import onehop_version
from onehop.errors import ConfigError

DEFAULT_URL: Final = "http://localhost:3001"
_KEY_VARIABLE: Final = "AGENT_API_KEY"
_URL_VARIABLE: Final = "ONEHOP_SERVER_URL"
API: Final = "/api/v1"
"""Comes after the address of a server."""
_MAX_NAME: Final = 256
HEADER_TEXT: Final = f"at most {_MAX_NAME} printable ASCII characters"
_MAX_RETRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Options:
    """Made by ``make_options``."""

    server_url: str
    """Without a slash at its end."""
    api_key: SecretStr | None = field(repr=False)
    key_advice: str
    """What to do when the server refuses the key, or that there is none."""
    agent_id: str | None
    channel_id: str
    margin: float
    """Seconds that an answer may take beyond the deadline of the run."""
    retries: int

    def headers(self) -> dict[str, str]:
        """What each request says about its caller."""
        given = {
            "Authorization": self.api_key and f"Bearer {self.api_key.get_secret_value()}",
            "X-Agent-Id": self.agent_id,
            "X-Channel-Id": self.channel_id,
            "User-Agent": f"onehop/{onehop_version().split()[0]}",
        }
        return {name: value for name, value in given.items() if value}


def make_options(
    agent_id: str | None,
    api_key: str | None,
    server_url: str | None,
    channel_id: str,
    timeout: float,
    retries: int,
) -> Options:
    """Check the arguments of a client; the environment fills in the key and the address.

    Raises ConfigError that names the argument; the key itself is never in it.
    """
    return Options(
        server_url=_url(server_url or os.environ.get(_URL_VARIABLE) or DEFAULT_URL),
        api_key=_key(api_key or os.environ.get(_KEY_VARIABLE) or ""),
        key_advice=_key_advice(api_key),
        agent_id=header_text("agent_id", agent_id) if agent_id else None,
        channel_id=header_text("channel_id", channel_id),
        margin=_seconds(timeout),
        retries=_count(retries),
    )


def header_text(field_name: str, text: object) -> str:
    """``text`` if it can stand in a header. Raises ConfigError."""
    if isinstance(text, str) and len(text) <= _MAX_NAME and text.isascii() and text.isprintable():
        return text
    raise ConfigError(field_name, f"got {repr(text)[:80]}; it must be {HEADER_TEXT}")


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = "that" if "@" in text else repr(text)  # it may hold a password
        raise ConfigError("server_url", f"{shown} is not an address like {DEFAULT_URL}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            "server_url", "give only scheme, host, port and path; the key goes into api_key"
        )
    return text.rstrip("/").removesuffix(API).rstrip("/")


def _key_advice(given: str | None) -> str:
    if given and given.strip():
        return "the server does not accept the key given by api_key="
    if os.environ.get(_KEY_VARIABLE, "").strip():
        return f"the server does not accept the key given by {_KEY_VARIABLE}"
    return (
        f"the client has no key: set {_KEY_VARIABLE}, or pass api_key= in Python; "
        "an operator makes keys with 'onehop agents add'"
    )


def _key(text: str) -> SecretStr | None:
    key = text.strip()  # a key read from a file ends with a newline
    if not key:
        return None
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError("api_key", "a key has printable ASCII characters only, and no space")
    return SecretStr(key)


def _seconds(timeout: object) -> float:
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    seconds = float(timeout) / 1000 if is_number else 0  # type: ignore[arg-type]
    if seconds > 0 and math.isfinite(seconds):
        return seconds
    raise ConfigError("timeout", f"got {timeout!r}; it must be a number of milliseconds above 0")


def _count(retries: object) -> int:
    if isinstance(retries, int) and not isinstance(retries, bool) and 0 <= retries <= _MAX_RETRIES:
        return retries
    raise ConfigError("retries", f"got {retries!r}; it must be from 0 to {_MAX_RETRIES}")
