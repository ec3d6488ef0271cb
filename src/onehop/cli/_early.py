"""What ``onehop run`` does before it reads its own words: each step saves time of the first run."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onehop.backends.begun import Begun


@contextmanager
def begun_for(words: Sequence[str]) -> Iterator[Begun | None]:
    """Processes that the command of these words will need; None where it needs none."""
    begun = _begin() if _runs_code(words) else None
    if begun is None:
        yield None
        return
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for some takes 10 ms
    with begun, no_collections():
        try:
            yield begun
        finally:
            gc.freeze()  # or the next collection would look at all that was loaded: 20 ms


def _runs_code(words: Sequence[str]) -> bool:
    return words[:1] == ["run"] and {"-h", "--help"}.isdisjoint(words)


def _begin() -> Begun | None:
    """None if they do not start: the command tries again, and says why."""
    from onehop.backends.begun import Begun
    from onehop.errors import SandboxUnavailableError

    try:
        return Begun()
    except SandboxUnavailableError:
        return None


@contextmanager
def no_collections() -> Iterator[None]:
    """What a run imports stays, so that looking for garbage is in vain until its end."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
