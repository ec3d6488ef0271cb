"""Who watches a run has no part in it: its mistakes are logged, and the run's result is its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from onehop import Sandbox, SandboxConfig
from onehop.execution.executor import Executor
from onehop.runs.watching import Stage, Watch
from onehop.testing import FakeBackend


class FailsAtTheBeginning:
    """A watcher with a mistake in ``begin``."""

    def begin(self, stage: Stage, facts: Mapping[str, Any]) -> Watch | None:
        raise KeyError("result")


class FailsAtTheEnd:
    """A watcher whose watches have the mistake."""

    def begin(self, stage: Stage, facts: Mapping[str, Any]) -> Watch | None:
        return self

    def end(self, facts: Mapping[str, Any], error: BaseException | None) -> None:
        raise LookupError("result")


class Hears:
    """What it heard, in order."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def begin(self, stage: Stage, facts: Mapping[str, Any]) -> Watch | None:
        self.heard.append(f"{stage} begins")
        return _Heard(self.heard, stage)


class _Heard:
    def __init__(self, heard: list[str], stage: Stage) -> None:
        self._heard = heard
        self._stage = stage

    def end(self, facts: Mapping[str, Any], error: BaseException | None) -> None:
        self._heard.append(f"{self._stage} ends with {error}")


@pytest.mark.parametrize("watcher", [FailsAtTheBeginning(), FailsAtTheEnd()])
async def test_a_watcher_that_fails_changes_no_run_and_is_logged_once(
    watcher: Any, caplog: pytest.LogCaptureFixture
) -> None:
    hears = Hears()
    name = type(watcher).__name__
    with caplog.at_level(logging.ERROR):
        watchers = [watcher, hears]
        async with Sandbox(SandboxConfig(), backend=FakeBackend(1), watchers=watchers) as sandbox:
            executor = Executor(sandbox)
            results = [await executor.execute("return 1") for _ in range(3)]
    assert [(each.output, each.error) for each in results] == [(1, None)] * 3
    assert hears.heard.count("execution ends with None") == 3
    said = [each.getMessage() for each in caplog.records if name in each.getMessage()]
    assert len([each for each in said if "'execution'" in each]) == 1, said
    assert len(said) == len(set(said))
