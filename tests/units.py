"""A unit test starts no process: one that tries to is stopped, and fails."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any, Final

import pytest

_STARTS: Final = frozenset(
    "subprocess.Popen os.posix_spawn os.fork os.forkpty os.exec os.system pty.spawn".split()
)
"""Audit events of Python. The jail's own start is one of them: it begins with subprocess.Popen."""


class NoProcesses:
    """A plugin of pytest; it watches the tests marked ``unit`` and what is set up for them."""

    def __init__(self) -> None:
        self._watching = False
        self._tried: list[str] = []
        sys.addaudithook(self._audit)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        return (yield from self._watched(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        return (yield from self._watched(item))

    def _watched(self, item: pytest.Item) -> Generator[None, object, object]:
        self._tried.clear()
        self._watching = item.get_closest_marker("unit") is not None
        try:
            result = yield
        finally:
            self._watching = False
        if self._tried:  # and the code under test has made nothing of the error
            pytest.fail(f"a test marked unit may start no process: {self._tried[0]}")
        return result

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._watching and event in _STARTS:
            what = f"{event} {arguments}"[:300]
            self._tried.append(what)
            raise RuntimeError(f"a test marked unit may start no process: {what}")
