"""Many requests at once: from code that is not async, and from a file to a file."""

from __future__ import annotations

from onehop.batches._batch import Batch, Progress
from onehop.batches._blocking import map  # noqa: A004 - its name
from onehop.batches._requests import Requests
from onehop.batches._results import ResultsFile

__all__ = ["Batch", "Progress", "Requests", "ResultsFile", "map"]
