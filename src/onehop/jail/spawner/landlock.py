"""Landlock: the rules are made once, each worker puts them on."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from .kernel import check, syscall

SYS_LANDLOCK_CREATE = 444
SYS_LANDLOCK_ADD = 445


def make_ruleset(plan: dict[str, Any]) -> int:
    """A Landlock ruleset descriptor that grants only what ``plan`` lists."""
    landlock = plan["landlock"]
    words = (ctypes.c_uint64 * 3)(
        landlock["handled_fs"], landlock["handled_net"], landlock["scoped"]
    )
    size = landlock["attr_size"]
    ruleset = check(
        "landlock",
        "landlock_create_ruleset",
        syscall(SYS_LANDLOCK_CREATE, ctypes.byref(words), size, 0),
    )
    for path, access in landlock["rules"]:
        add_rule(ruleset, path, access)
    return ruleset


def add_rule(ruleset: int, path: str, access: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    attr = access.to_bytes(8, sys.byteorder) + parent.to_bytes(4, sys.byteorder)
    buffer = ctypes.create_string_buffer(attr, len(attr))
    result = syscall(SYS_LANDLOCK_ADD, ruleset, 1, buffer, 0)
    os.close(parent)
    check("landlock", f"landlock_add_rule {path}", result)
