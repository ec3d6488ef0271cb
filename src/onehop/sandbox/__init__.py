"""The library's door: check the call, run it, give the result."""

from onehop.sandbox._desks import is_checked
from onehop.sandbox._once import run
from onehop.sandbox._sandbox import Sandbox

__all__ = ["Sandbox", "is_checked", "run"]
