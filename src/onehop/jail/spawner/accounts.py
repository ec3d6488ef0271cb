"""A user and group id of its own for each worker, so that the kernel counts its threads alone.

No system gives these ids to anybody: systemd's UIDS-GIDS.md lists them as unused, and SSSD's
default range ends before. They own no file and belong to no group, so that a worker may do no more
with them than with the id of nobody.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from .layout import FIRST_ACCOUNT, MOST_ACCOUNTS


def draw(taken: Collection[int]) -> int:
    """An id that no worker of this spawner has. Other spawners draw from the same range: two of
    a hundred workers have one in common in one of 30,000 cases, and then share their bound."""
    while True:
        account = FIRST_ACCOUNT + int.from_bytes(os.urandom(4), "little") % MOST_ACCOUNTS
        if account not in taken:
            return account
