"""URLs of stores: what kind they name, and how they are shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from onehop.errors import ConfigError

_SECRET: Final = re.compile(
    r"([?&][^=&]*(?:pass|pwd|secret|token|key|credential|mechanismprop)[^=&]*=)[^&]*",
    re.IGNORECASE,
)
MASK: Final = "***"
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:\d*)?")


def scheme(url: str) -> str:
    """What stands before the first colon, without the name of a driver."""
    return url.partition(":")[0].partition("+")[0].lower()


def masked(url: str) -> str:
    """``url`` with ``***`` for its password and for each query parameter that may hold a secret.

    Hides too much rather than too little of anything that is not a proper URL.
    """
    start, slashes, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    name, colon, _password = user.partition(":")
    user = f"{name}:{MASK}" if colon else user
    return _SECRET.sub(rf"\1{MASK}", f"{start}{slashes}{user}{at}{place}")


def has_proper_hosts(url: str) -> bool:
    """Whether hosts and ports can be read; an unescaped password is what usually forbids it."""
    authority = re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0]
    hosts = authority.rpartition("@")[2].split(",")
    return all(_HOST.fullmatch(host) for host in hosts)


def sqlite_path(url: str) -> Path:
    """The file that ``url`` names. Raises ConfigError when it names none."""
    start, _, name = url.partition(":///")
    if not name or start.partition("+")[2] not in ("", "aiosqlite") or "?" in name:
        raise ConfigError(
            "store",
            f"{url!r} names no SQLite file: write sqlite:///relative/path.db or "
            f"sqlite:////absolute/path.db (memory: keeps nothing on disk)",
        )
    return Path(name).expanduser()
