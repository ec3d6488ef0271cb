"""One call from start to end: corrected, validated, announced, run and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.execution.compose import open_executor
    from onehop.execution.executor import Executor

__all__ = ["Executor", "open_executor"]

__getattr__ = late(
    {
        "onehop.execution.compose": "open_executor",
        "onehop.execution.executor": "Executor",
    }
)
