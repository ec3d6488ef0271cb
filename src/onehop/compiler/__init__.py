"""Jailed processes that read the programs of one agent each and run none: compilers of TypeScript,
and checkers of what a program does with types and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.compiler._answers import Compiled, Refused
    from onehop.compiler._checker import Checker
    from onehop.compiler._checkers import Checkers, UncheckedError
    from onehop.compiler._compilers import Broken, Compilers
    from onehop.compiler._facts import CallSite, Facts, Message, MissingAwait
    from onehop.compiler._process import Compiler

__all__ = [
    "Broken",
    "CallSite",
    "Checker",
    "Checkers",
    "Compiled",
    "Compiler",
    "Compilers",
    "Facts",
    "Message",
    "MissingAwait",
    "Refused",
    "UncheckedError",
]

__getattr__ = late(
    {
        "onehop.compiler._answers": "Compiled Refused",
        "onehop.compiler._checker": "Checker",
        "onehop.compiler._checkers": "Checkers UncheckedError",
        "onehop.compiler._compilers": "Broken Compilers",
        "onehop.compiler._facts": "CallSite Facts Message MissingAwait",
        "onehop.compiler._process": "Compiler",
    }
)
