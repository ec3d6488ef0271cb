"""The settings file ``onehop.toml``: found, read within bounds, and its tables known by name."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from onehop.errors import ConfigError
from onehop.limits import MIB

_FILE = "onehop.toml"


_LARGEST_FILE = MIB
"""Bytes of a settings file."""


UPSTREAM: Final = "upstream"
"""The table that has a table for each upstream server: ``[upstream.NAME]``."""
_TABLES = frozenset(
    {
        "sandbox",
        "sessions",
        "validation",
        "corrections",
        "tools",
        "recording",
        "audit",
        "analytics",
        "server",
        "telemetry",
        "webhook",
        UPSTREAM,
    }
)
"""Every table that the file may have: those of ``SECTIONS``, and the servers'."""


def from_file(section: str, fields: Collection[str], environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings in the table ``section``, which may hold ``fields``. Raises ConfigError."""
    path = settings_file(environ)
    if path is None:
        return {}
    tables = parse_settings(path, read_settings(path))
    _refuse_unknown(str(path), "tables", tables, _TABLES)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(str(path), f"{name} is not a table: write [{name}]")
    found: dict[str, Any] = tables.get(section, {})
    _refuse_unknown(str(path), f"settings in [{section}]", found, fields)
    return found


def upstream_tables(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The tables ``[upstream.NAME]`` of the settings file, as they stand there. Raises
    ConfigError."""
    path = settings_file(environ)
    tables = {} if path is None else parse_settings(path, read_settings(path)).get(UPSTREAM, {})
    if not isinstance(tables, dict):
        raise ConfigError(str(path), f"{UPSTREAM} is not a table: write [{UPSTREAM}.NAME]")
    for name, table in tables.items():
        if not isinstance(table, dict):
            told = f"it is not a table: each server has one, [{UPSTREAM}.NAME]"
            raise ConfigError(f"{UPSTREAM}.{name}", told)
    return tables


def settings_file(environ: Mapping[str, str]) -> Path | None:
    """The settings file, or None if there is none.

    Raises ConfigError if ONEHOP_CONFIG names something else, or a folder bears the file's name.
    """
    named = environ.get("ONEHOP_CONFIG")
    path = Path(named or _FILE)
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise ConfigError("ONEHOP_CONFIG", f"the file {named} does not exist") from None
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), f"the settings file cannot be found: {error}") from None
    if stat.S_ISDIR(mode):
        raise ConfigError(
            str(path), "this is a folder, not a settings file: name a file in ONEHOP_CONFIG"
        )
    return path


def read_settings(path: Path) -> str:
    """The text of a settings file, without an editor's byte order mark. Raises ConfigError."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        advice = "make it readable for this user, or name another file in ONEHOP_CONFIG"
        reason = f"the settings file cannot be read ({error.strerror}): {advice}"
        raise ConfigError(str(path), reason) from None
    if len(data) > _LARGEST_FILE:
        reason = f"this is not a settings file: it has more than {_LARGEST_FILE} bytes"
        raise ConfigError(str(path), reason)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.object[error.start]:#04x} at offset {error.start}"
        reason = f"the settings file is not UTF-8 text ({place}): save it as UTF-8"
        raise ConfigError(str(path), reason) from None


def parse_settings(path: Path, text: str) -> dict[str, Any]:
    """The tables of a settings file. Raises ConfigError that says where the text is wrong."""
    import tomllib  # compiles patterns, and most runs read no file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"this is not valid TOML: {error}") from None


def _refuse_unknown(path: str, where: str, given: Iterable[str], known: Collection[str]) -> None:
    unknown = sorted({*given} - {*known})
    if unknown:
        from difflib import get_close_matches  # most runs have nothing unknown

        near = get_close_matches(unknown[0], known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(path, f"unknown {where}: {', '.join(unknown)}{hint}")
