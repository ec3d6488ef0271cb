"""What can go wrong in the spawner."""

from __future__ import annotations

import os
from typing import Any

from .layout import ENTRY_SIZE


class LayerError(Exception):
    """A layer could not be applied."""

    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(f"{layer}: {reason}")
        self.layer = layer
        self.reason = reason


class StepError(Exception):
    """A call of a table had another result than it should.

    ``failed``, ``result`` and ``entries`` are the table's header; ``first_step`` is how many bytes
    behind ``entries`` the confinement starts.
    """

    def __init__(self, failed: int, result: int, entries: int, first_step: int) -> None:
        self.step = (failed - entries - first_step) // ENTRY_SIZE
        self.result = result
        super().__init__(f"step {self.step}: {explain(result)}")


class TemplateError(Exception):
    """There is no template, or none any more."""


Steps = list[list[Any]]
"""For each step of a worker's confinement: its layer, what it does, what it expects."""


def failure(error: StepError, steps: Steps) -> LayerError:
    """What it means for a worker that was to be confined by ``steps``."""
    if not 0 <= error.step < len(steps):
        return LayerError("exec", f"execveat: {explain(error.result)}")
    layer, what, expect = steps[error.step]
    if expect == "refusal":
        return LayerError(layer, f"{what} succeeded inside the jail")
    if expect == "spawner":
        return LayerError(layer, "the spawner ended meanwhile")
    return LayerError(layer, f"{what}: {explain(error.result)}")


def explain(result: int) -> str:
    return f"{os.strerror(-result)} (errno {-result})"
