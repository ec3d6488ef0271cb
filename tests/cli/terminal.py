"""The command on a pseudo-terminal, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests import copies
from tests.copies import ONEHOP
from tests.waiting import PATIENCE, until

_SEQUENCES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>78])")


class Terminal:
    """``onehop`` with a terminal of its own; what it has drawn is ``raw``."""

    def __init__(
        self, *words: str, environment: Mapping[str, str] | None = None, width: int = 120
    ) -> None:
        self._words = words
        self._width = width
        self._environment = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
        for name in ("COLUMNS", "LINES"):  # this process's own
            self._environment.pop(name, None)
        self.raw = ""

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self._width, 0, 0))
        self.process = copies.start(
            [*ONEHOP, *self._words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self._environment,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that was drawn, without what steers the terminal."""
        return _SEQUENCES.sub("", self.raw)

    def wait(self, words: str) -> None:
        """Until they were drawn."""
        until(lambda: words in self.text or self.process.poll() is not None, words)
        assert words in self.text, self.text[-2000:]

    def press(self, keys: str) -> None:
        """As if somebody typed them."""
        os.write(self._master, keys.encode())

    def ended(self) -> int:
        """Its exit code."""
        return self.process.wait(PATIENCE)

    def _read(self) -> None:
        pending = b""
        while True:
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # the other end is closed
                return
            if not chunk:
                return
            pending += chunk
            self.raw, pending = self.raw + pending.decode(errors="replace"), b""
