"""Where executions run."""

from __future__ import annotations

from onehop.backends.base import Backend
from onehop.backends.local import LocalBackend

__all__ = ["Backend", "LocalBackend"]
