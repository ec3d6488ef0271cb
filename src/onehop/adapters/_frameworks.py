"""What is said when the framework of an adapter is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports of a framework belong into this block.

    Raises ModuleNotFoundError with the command that installs what is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"this adapter needs the package {error.name}: pip install 'onehop[{extra}]'",
            name=error.name,
        ) from error
