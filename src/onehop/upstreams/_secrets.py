"""Secrets by reference, and the mask that keeps them out of whatever a server sends back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from onehop._extras import needed_for
from onehop.config import DEFAULT_MASK
from onehop.errors import ConfigError
from onehop.upstreams._options import OAuthClient

_MASK: Final = "***"
_SHORTEST: Final = 6
"""Characters: what is shorter comes up everywhere, and would mask what is not meant."""
_LARGEST: Final = 64 * 1024
"""Bytes of a file with a secret."""
_SCHEME: Final = re.compile(r"((?:Bearer|Basic|Token)\s+)(.+)", re.IGNORECASE | re.DOTALL)
"""A kind of credentials and these themselves, as a header has them."""


class Mask:
    """Replaces secrets in texts, wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Further ones, such as a token that was refreshed."""
        more = self._known | {s for s in secrets if len(s) >= _SHORTEST}
        if more != self._known:
            self._known = more
            known = sorted(more, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, known)))

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        return text if self._pattern is None else self._pattern.sub(_MASK, text)

    def value(self, value: Any) -> Any:
        """JSON data without secrets, keys included."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value


class Resolved:
    """Settings with their references replaced, and the mask of what was secret in them."""

    def __init__(self, given: Mapping[str, str], place: str, environ: Mapping[str, str]) -> None:
        """Raises ConfigError that names the reference which leads nowhere."""
        self.values: dict[str, str] = {}
        self.secrets: list[str] = []
        for name, text in given.items():
            value = resolve(text, f"{place}.{name}", environ)
            self.values[name] = value
            if value != text or is_secret_name(name):
                self.secrets += _parts(value)


def resolved_client(
    client: OAuthClient | None, place: str, environ: Mapping[str, str]
) -> OAuthClient | None:
    """The client with its references replaced. Raises ConfigError."""
    if client is None:
        return None
    given = {"client_id": client.client_id, "client_secret": client.client_secret}
    found = {
        name: resolve(text, f"{place}.oauth.{name}", environ)
        for name, text in given.items()
        if text is not None
    }
    return client.model_copy(update=found)


def resolve(text: str, place: str, environ: Mapping[str, str]) -> str:
    """What ``env:NAME``, ``file:PATH`` or ``keyring:SERVICE/USER`` refers to, after ``Bearer`` too;
    any other text is itself. Raises ConfigError."""
    if scheme := _SCHEME.fullmatch(text):
        return scheme[1] + resolve(scheme[2], place, environ)
    kind, colon, name = text.partition(":")
    if not colon or kind not in ("env", "file", "keyring"):
        return text
    if kind == "file":
        return _from_file(name, place)
    if kind == "keyring":
        return _from_keyring(name, place)
    if name not in environ:
        raise ConfigError(place, f"the environment has no variable {name}")
    return environ[name]


def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret as a rule."""
    return any(fnmatchcase(name.lower(), glob) for glob in DEFAULT_MASK)


def secrets_of_url(url: str) -> list[str]:
    """A password in it, and parameters whose names say that they are secret."""
    parts = urlsplit(url)
    found = [parts.password] if parts.password else []
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if value and is_secret_name(unquote(name)):
            found.append(value)
    return [form for secret in found for form in (secret, unquote(secret))]


def _parts(value: str) -> list[str]:
    """A secret, and the same without the word for its kind that a header has in front."""
    scheme = _SCHEME.fullmatch(value)
    return [value, scheme[2]] if scheme else [value]


def _from_file(name: str, place: str) -> str:
    path = Path(name).expanduser()
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) <= _LARGEST:
            return data.decode().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(place, f"the file {name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(place, f"the file {name} is not UTF-8 text") from None
    raise ConfigError(place, f"the file {name} has more than {_LARGEST} bytes")


def _from_keyring(name: str, place: str) -> str:
    """It may ask a person to unlock it, and waits."""
    with needed_for("secrets in the keyring"):
        import keyring
        from keyring.errors import KeyringError
    service, slash, user = name.rpartition("/")
    if not slash or not service or not user:
        raise ConfigError(place, "write keyring:SERVICE/USER")
    try:
        found = keyring.get_password(service, user)
    except KeyringError as error:
        raise ConfigError(place, f"the keyring cannot be read: {str(error)[:200]}") from None
    if found is None:
        raise ConfigError(place, f"the keyring has nothing for {user} at {service}")
    return found
