"""Where executions run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.backends.base import Backend
    from onehop.backends.local import LocalBackend

__all__ = ["Backend", "LocalBackend"]

__getattr__ = late(
    {
        "onehop.backends.base": "Backend",
        "onehop.backends.local": "LocalBackend",  # needs Deno, and modules that only POSIX has
    }
)
