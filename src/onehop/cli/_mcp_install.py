"""Add onehop to an MCP client: by the client's own command, or in its file, safely.

A file is changed at one place. Everything else in it stays, a copy of what was there is kept beside
it, and the new file takes its place in one step. Doing it twice changes nothing.
"""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from onehop.cli._mcp_clients import NAME, Client, Server
from onehop.cli.edits import UneditableError, jsonc, toml, yaml
from onehop.errors import ConfigError

_LARGEST: Final = 16 << 20
_PATIENCE: Final = 60
"""Seconds that a client's own command may take."""
_WAYS: Final = frozenset(
    "type source command args env url httpUrl serverUrl headers transport tools".split()
)
"""Fields that say how a server is reached: of an older entry they are not kept."""


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it was and as it is to be."""

    path: Path
    before: str | None
    """None when there is no file yet."""
    after: str

    @property
    def needed(self) -> bool:
        return self.before != self.after

    def difference(self) -> str:
        """What changes, as ``diff -u`` shows it."""
        old = (self.before or "").splitlines(keepends=True)
        new = self.after.splitlines(keepends=True)
        name = str(self.path)
        return "".join(difflib.unified_diff(old, new, name, name))

    def make(self) -> Path | None:
        """Write the file, and give back where the old one was copied to.

        Raises ConfigError, and then the file is as it was.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if _read(self.path) != self.before:
                raise ConfigError(str(self.path), "somebody else has just changed it: try again")
            copy = None if self.before is None else _copy(self.path)
            _write(self.path, self.after)
        except OSError as error:
            raise ConfigError(str(self.path), f"it cannot be written: {error.strerror}") from None
        return copy


def plan(client: Client, server: Server, path: Path) -> Change:
    """What to change in the client's file. Raises ConfigError that says why it cannot be."""
    refused = client.refuses(server)
    if refused:
        raise ConfigError(client.title, refused)
    path = Path(os.path.realpath(path))  # a link to the file stays a link
    before = _read(path)
    try:
        after = _with_line_ends(before or "", client, server)
    except UneditableError as error:
        raise ConfigError(str(path), f"{error}; nothing was changed") from None
    return Change(path, before, before if before is not None and before == after else after)


def _with_line_ends(text: str, client: Client, server: Server) -> str:
    """Edited, with the line ends of Windows if the text has those and no others."""
    lines = text.count("\n")
    if not lines or text.count("\r\n") < lines:
        return _edited(client, server, text)
    return _edited(client, server, text.replace("\r\n", "\n")).replace("\n", "\r\n")


def _edited(client: Client, server: Server, text: str) -> str:
    entry = client.entry(server)
    if client.form == "toml":
        return toml.put(text, (*client.keys, NAME), entry)
    if client.form == "yaml":
        return yaml.put(text, (*client.keys, NAME), entry)
    place = (*_keys(client, jsonc.load(text)), NAME)
    for question in client.inputs(server) if client.inputs else []:
        text = jsonc.append(text, ("inputs",), question)
    return jsonc.put(text, place, {**_kept(jsonc.load(text), place), **entry})


def _keys(client: Client, document: Any) -> tuple[str, ...]:
    """Where this file has its servers: as a newer version of the client writes it, or as ever."""
    for key in client.other_keys:
        document = document.get(key) if isinstance(document, dict) else None
    is_newer = client.other_keys and isinstance(document, dict) and "type" not in document
    return client.other_keys if is_newer else client.keys


def _kept(document: Any, place: tuple[str, ...]) -> dict[str, Any]:
    """What a person has added to an older entry, such as tools that need no approval."""
    for key in place:
        document = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, dict):
        return {}
    return {name: value for name, value in document.items() if name not in _WAYS}


def is_there(client: Client, server: Server, path: Path) -> bool:
    """Whether a client that is set up by its own command has this server already."""
    try:
        found = jsonc.load(_read(path) or "")
    except (ConfigError, UneditableError):
        return False
    for key in (*client.keys, NAME):
        found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, dict) and client.entry(server).items() <= found.items()


def commands(client: Client, server: Server) -> list[list[str]]:
    """The client's own commands for it, in order; none if a file is to be edited."""
    steps = client.steps(server)
    if client.line is None and steps and shutil.which(steps[0][0]) is None:
        return []
    return steps


def run(steps: list[list[str]]) -> None:
    """Run a client's commands; only the last has to succeed. Raises ConfigError."""
    for step in steps:
        shown = shlex.join(step)
        try:
            done = subprocess.run(
                step, capture_output=True, text=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL
            )
        except FileNotFoundError:
            raise ConfigError(
                step[0],
                "this command was not found: install it, or run this where it is installed:\n"
                + "\n".join(f"  {shlex.join(each)}" for each in steps),
            ) from None
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigError(step[0], f"{shown} failed: {error}") from None
        if done.returncode and step is steps[-1]:
            raise ConfigError(step[0], f"{shown} failed: {(done.stderr or done.stdout).strip()}")


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ConfigError(str(path), "it is too large for a file of settings")
        return data.decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(str(path), f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(str(path), "it is not UTF-8 text; nothing was changed") from None


def _copy(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in range(100):
        copy = path.with_name(f"{path.name}.{stamp}{f'-{number}' if number else ''}.bak")
        if not copy.exists():
            break
    shutil.copy2(path, copy)
    return copy


def _write(path: Path, text: str) -> None:
    """In one step: a program that reads meanwhile sees the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            shutil.copymode(path, name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
