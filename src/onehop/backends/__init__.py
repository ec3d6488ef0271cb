"""Where executions run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onehop.backends.base import Backend

if TYPE_CHECKING:
    from onehop.backends.local import LocalBackend

__all__ = ["Backend", "LocalBackend"]


def __getattr__(name: str) -> Any:
    """``LocalBackend`` on first use: it needs Deno, and modules that only POSIX has."""
    if name != "LocalBackend":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from onehop.backends.local import LocalBackend

    return LocalBackend
