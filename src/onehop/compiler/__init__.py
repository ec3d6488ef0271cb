"""TypeScript to JavaScript, in jailed processes that serve one agent each."""

from __future__ import annotations

from onehop.compiler._answers import Compiled, Refused
from onehop.compiler._compilers import Broken, Compilers
from onehop.compiler._process import Compiler

__all__ = ["Broken", "Compiled", "Compiler", "Compilers", "Refused"]
