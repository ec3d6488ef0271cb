"""Rooms whose parts are loaded when they are asked for: most runs need few of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any


def late(homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a room: each module that has parts of it, with their names."""
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    @cache  # a run may ask for the same part again
    def load(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"there is nothing called {name!r} here")
        return getattr(import_module(home_of[name]), name)

    return load
