"""The check before a run: what of a program must fail, and which calls of tools it would make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.sandbox.checks._check import Check, Checks, Room

__all__ = ["Check", "Checks", "Room"]

__getattr__ = late(
    {
        "onehop.sandbox.checks._check": "Check Checks Room",
    }
)
