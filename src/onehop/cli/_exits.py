"""The exit codes of the command line, and how the help of each command tells them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """What a shell can tell apart; 124 and 130 are what ``timeout`` and a shell use."""

    SUCCESS = 0
    FAILED = 1
    BAD_INPUT = 2
    UNAVAILABLE = 3
    TIMEOUT = 124
    INTERRUPTED = 130


_ALWAYS: Final = {
    ExitCode.SUCCESS: "success",
    ExitCode.BAD_INPUT: "bad usage or bad input",
    ExitCode.INTERRUPTED: "interrupted",
}
"""What these mean for every command, unless the command says otherwise."""


def epilog(meanings: dict[ExitCode, str]) -> str:
    """The exit codes of a command for the end of its help: ``meanings`` and what all have."""
    rows = sorted({**_ALWAYS, **meanings}.items())
    return "\n".join(["\b", "Exit codes:", *(f"  {code:<4} {text}" for code, text in rows)])


STORE: Final = epilog({ExitCode.UNAVAILABLE: "the audit trail cannot be read"})
"""For commands that ask the store."""
FILES: Final = epilog({ExitCode.UNAVAILABLE: "onehop failed"})
"""For commands that only read and write text."""
ALL: Final = epilog(
    {
        ExitCode.FAILED: "the code failed, or waits for a person",
        ExitCode.UNAVAILABLE: "the sandbox cannot run here",
        ExitCode.TIMEOUT: "timeout",
    }
)
"""For the command as a whole, and for ``run``, which has all of them."""
