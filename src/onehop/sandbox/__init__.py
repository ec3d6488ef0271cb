"""The library's door: check the call, run it, give the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.sandbox._desks import is_checked
    from onehop.sandbox._once import run
    from onehop.sandbox._sandbox import Sandbox

__all__ = ["Sandbox", "is_checked", "run"]

__getattr__ = late(
    {  # a server that serves artifacts, or a command that reads records, needs no sandbox
        "onehop.sandbox._desks": "is_checked",
        "onehop.sandbox._once": "run",
        "onehop.sandbox._sandbox": "Sandbox",
    }
)
