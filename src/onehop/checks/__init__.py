"""The check before a run: what of a program must fail, and which calls of tools it would make."""

from __future__ import annotations

from onehop.checks._check import TYPECHECK, Check, Checks, Room

__all__ = ["TYPECHECK", "Check", "Checks", "Room"]
