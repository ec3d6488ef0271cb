"""The key that recordings are sealed with: given, or in a file that only its owner can read."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from onehop.errors import ConfigError

SETTING: Final = "recording.key"
_SHORTEST: Final = 16
"""Characters of a key that is given."""
_WRITTEN: Final = 32
"""Bytes of a key that is made; the file has them as hexadecimal digits."""
_FORM: Final = re.compile(rb"[0-9a-f]{%d}" % (2 * _WRITTEN))
_LARGEST: Final = 1024
"""Bytes of a file that are read."""


def given_key(text: str) -> bytes:
    """The key that the settings give. Raises ConfigError."""
    if len(text) < _SHORTEST:
        raise ConfigError(SETTING, f"it has {len(text)} characters; {_SHORTEST} at least")
    return text.encode()


class KeyFile:
    """A file with a key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes | None:
        """The key; None when the file is not there. Raises ConfigError for one that is not as it
        was made: another key would open nothing that was sealed with this one."""
        try:
            with self.path.open("rb") as found:
                mode, text = os.fstat(found.fileno()).st_mode, found.read(_LARGEST).strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(SETTING, f"{self.path} cannot be read: {error.strerror}") from error
        if mode & 0o077:
            raise ConfigError(SETTING, f"{self.path} can be read by others: chmod 600 {self.path}")
        if not _FORM.fullmatch(text):
            words = (
                f"{self.path} has {len(text)} characters, and not the {2 * _WRITTEN} hexadecimal "
                "digits that were written there: put it back from a copy"
            )
            raise ConfigError(SETTING, words)
        return text

    def make(self) -> bytes:
        """A new key, or the one that somebody else makes at the same time. Raises ConfigError."""
        try:
            self._make()
        except OSError as error:
            words = f"{self.path} is not there, and cannot be made: {error.strerror}"
            raise ConfigError(SETTING, words) from error
        made = self.read()
        if made is None:
            raise ConfigError(SETTING, f"{self.path} leads nowhere: is it a broken link?")
        return made

    def _make(self) -> None:
        """Whole or not at all, also after a power cut."""
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f"{self.path.name}.{os.urandom(4).hex()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as out:
                out.write(os.urandom(_WRITTEN).hex() + "\n")
                out.flush()
                os.fsync(out.fileno())
            with suppress(FileExistsError):
                os.link(draft, self.path)
        finally:
            draft.unlink()
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
