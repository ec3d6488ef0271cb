"""Tokens of OAuth, in one file of this user: read and written under a lock that other processes
of onehop keep to, so that one of them refreshes a token at a time."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from platformdirs import user_state_path

from onehop.errors import ConfigError

_LARGEST: Final = 4 * 1024 * 1024
_PAUSE: Final = 0.02
_PATIENCE: Final = 30.0
"""Seconds that another process may hold the lock: it refreshes."""


@dataclass(frozen=True)
class Login:
    """What one login gave: JSON of the SDK's models, and when the access token ends."""

    tokens: dict[str, Any]
    client: dict[str, Any]
    metadata: dict[str, Any] | None
    ends: float | None
    """In seconds since 1970; None if the server did not say."""

    @property
    def access(self) -> str:
        """The access token."""
        return str(self.tokens["access_token"])

    def with_secret(self, secret: str | None) -> Login:
        """The same for a client whose secret is not kept here."""
        return replace(self, client={**self.client, "client_secret": secret})

    def is_fresh(self, margin: float = 30.0) -> bool:
        """Whether the access token lasts for a while."""
        return self.ends is None or self.ends - time.time() > margin


def tokens_path() -> Path:
    """Of this user."""
    return user_state_path("onehop") / "tokens.json"


class TokenFile:
    """Logins by the URLs of their servers."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, url: str) -> Login | None:
        """None where nobody has logged in. Raises ConfigError for a file that others may read."""
        given = self._all().get(url)
        return None if given is None else Login(**given)

    def write(self, url: str, login: Login | None) -> None:
        """Keep it, or forget it; only within ``locked``."""
        everything = self._all()
        everything.pop(url, None)
        if login is not None:
            everything[url] = asdict(login)
        temporary = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(everything, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._path)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Nobody else reads to refresh, or writes, meanwhile. Raises ConfigError."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    async def _lock(self, descriptor: int) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise ConfigError(str(self._path), "another process holds its lock") from None
                await asyncio.sleep(_PAUSE)
            else:
                return

    def _all(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as stream:
                found = os.fstat(stream.fileno())
                if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.geteuid():
                    words = "others may read it: make it yours alone (chmod 600)"
                    raise ConfigError(str(self._path), words)
                data = json.loads(stream.read(_LARGEST))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigError(str(self._path), f"it cannot be read: {error}") from None
        return data if isinstance(data, dict) else {}
