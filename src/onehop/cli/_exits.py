"""The exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a shell can tell apart; 124 and 130 are what ``timeout`` and a shell use."""

    SUCCESS = 0
    FAILED = 1
    BAD_INPUT = 2
    UNAVAILABLE = 3
    TIMEOUT = 124
    INTERRUPTED = 130
