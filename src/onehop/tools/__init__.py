"""Functions of the host that the code may call: their schemas, names, rules and values."""

from __future__ import annotations

from onehop.errors import ToolError, ToolFailed
from onehop.limits import ToolLimits
from onehop.tools._bound import Bound
from onehop.tools._catalogue import Catalogue
from onehop.tools._compose import Provider, Tools
from onehop.tools._context import ToolContext
from onehop.tools._rules import Decision, Policy, Rule, read_rules
from onehop.tools._tool import Effect, Tool, tool

__all__ = [
    "Bound",
    "Catalogue",
    "Decision",
    "Effect",
    "Policy",
    "Provider",
    "Rule",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "ToolLimits",
    "Tools",
    "read_rules",
    "tool",
]
