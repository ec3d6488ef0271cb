"""What to say when this process has as many descriptors open as it may."""

from __future__ import annotations

import errno
import os
import resource
from typing import Final

ADVICE: Final = "Allow more, or close some"
_FEW: Final = 4
"""What SQLite opens for one database: the file, its log, the log's index and the folder."""
_USED_UP: Final = (errno.EMFILE, errno.ENFILE)


def shortage(error: BaseException | None = None) -> str | None:
    """In words, when that is what ``error`` says, or what stands in its way: SQLite says only that
    it cannot open a file. None otherwise."""
    if not is_of_one(error) and _are_left(_FEW):
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return (
        f"no descriptor is left: this process has as many files and connections open as it may, "
        f"{limit} (RLIMIT_NOFILE; 'ulimit -n' shows it)"
    )


def is_of_one(error: BaseException | None) -> bool:
    """Whether ``error`` says that no descriptor is left."""
    return getattr(error, "errno", None) in _USED_UP


def _are_left(count: int) -> bool:
    made: list[int] = []
    try:
        made += (os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(count))
    except OSError as error:
        return error.errno not in _USED_UP
    finally:
        for descriptor in made:
            os.close(descriptor)
    return True
