"""Files that settings name: a command that needs one stops where it is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from onehop.cli._settings import Problem, Setting, SettingsFile, settings_file_of
from onehop.config import UPSTREAM, ServerConfig, ToolsConfig

_NAMED = {(ToolsConfig, "files"), (ServerConfig, "tls_cert"), (ServerConfig, "tls_key")}
"""Settings that name files."""


def missing_files(environ: Mapping[str, str], settings: Sequence[Setting]) -> Iterator[Problem]:
    """What cannot be read of the files that the settings and the tables ``[upstream.NAME]`` name,
    each at its place."""
    for setting in settings:
        if (setting.section, setting.name) in _NAMED and setting.value:
            given = setting.value
            for path in (given,) if isinstance(given, str) else given:
                told = f"[{setting.section.table}] {setting.name}: "
                yield from _problem(setting.place, told, path)
    file = settings_file_of(environ)
    tables = file.tables.get(UPSTREAM) if file is not None else None
    if file is not None and isinstance(tables, dict):
        for name, table in tables.items():
            yield from _of_upstream(file, f"{UPSTREAM}.{name}", table)


def _of_upstream(file: SettingsFile, place: str, table: Any) -> Iterator[Problem]:
    if not isinstance(table, dict):
        return
    for setting in ("openapi", "patches"):
        path = table.get(setting)
        if isinstance(path, str) and "://" not in path:
            yield from _problem(
                file.place(place, setting), f"{place}.{setting}: ", os.path.expanduser(path)
            )
    folder = table.get("cwd")
    if isinstance(folder, str) and not Path(folder).is_dir():
        told = f"{place}.cwd: {folder} is not a folder here"
        yield Problem(file.place(place, "cwd"), told)


def _problem(place: str, told: str, path: str) -> Iterator[Problem]:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        yield Problem(place, f"{told}{path} cannot be read: {error.strerror}")
