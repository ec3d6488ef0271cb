"""What can go wrong in the spawner."""

from __future__ import annotations

import os
from typing import Any


class LayerError(Exception):
    """A layer could not be applied."""

    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(f"{layer}: {reason}")
        self.layer = layer
        self.reason = reason


class StepError(Exception):
    """A call of a table had another result than it should."""

    def __init__(self, step: int, result: int) -> None:
        super().__init__(f"step {step}: {explain(result)}")
        self.step = step
        self.result = result


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
