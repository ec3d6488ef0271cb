"""The error when the framework of an adapter is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports of a framework belong into this block.

    Raises ImportError with the command that installs what is missing.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"this adapter needs {extra}: pip install 'onehop[{extra}]' ({error})", name=error.name
        ) from error
