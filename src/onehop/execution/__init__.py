"""One call from start to end: corrected, validated, announced, run and recorded."""

from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor

__all__ = ["Executor", "open_executor"]
