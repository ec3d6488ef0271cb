"""Functions of the host that the code may call: their schemas, names, rules and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.errors import ToolError, ToolFailed
    from onehop.limits import ToolLimits
    from onehop.tools._bound import Bound
    from onehop.tools._brief import signature
    from onehop.tools._catalogue import Catalogue, taken_by
    from onehop.tools._compose import LoginFault, Provider, Tools, composed
    from onehop.tools._condition import WHEN
    from onehop.tools._context import ToolContext
    from onehop.tools._declarations import ambient, declarations
    from onehop.tools._declared import Declared
    from onehop.tools._discovery import Discovery
    from onehop.tools._files import load_tools, undecorated
    from onehop.tools._harmless import is_identifier, key, one_line
    from onehop.tools._http import HttpAnswer, unwrapped
    from onehop.tools._lookalikes import mixed_alphabets
    from onehop.tools._lookup import look_up
    from onehop.tools._offer import offer
    from onehop.tools._read_rules import (
        read_rule_list,
        read_rules,
        rule_from_text,
        rules_from_json,
        rules_to_json,
    )
    from onehop.tools._rules import GLOB, Action, Decision, Policy, Rule
    from onehop.tools._schema import CheckedSchema
    from onehop.tools._stray import stray
    from onehop.tools._threads import Threads
    from onehop.tools._tool import Effect, Tool, tool
    from onehop.tools._wording import shown_at

__all__ = [
    "GLOB",
    "WHEN",
    "Action",
    "Bound",
    "Catalogue",
    "CheckedSchema",
    "Decision",
    "Declared",
    "Discovery",
    "Effect",
    "HttpAnswer",
    "LoginFault",
    "Policy",
    "Provider",
    "Rule",
    "Threads",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "ToolLimits",
    "Tools",
    "ambient",
    "composed",
    "declarations",
    "is_identifier",
    "key",
    "load_tools",
    "look_up",
    "mixed_alphabets",
    "offer",
    "one_line",
    "read_rule_list",
    "read_rules",
    "rule_from_text",
    "rules_from_json",
    "rules_to_json",
    "shown_at",
    "signature",
    "stray",
    "taken_by",
    "tool",
    "undecorated",
    "unwrapped",
]

__getattr__ = late(
    {
        "onehop.errors": "ToolError ToolFailed",
        "onehop.limits": "ToolLimits",
        "onehop.tools._bound": "Bound",
        "onehop.tools._brief": "signature",
        "onehop.tools._catalogue": "Catalogue taken_by",
        "onehop.tools._compose": "LoginFault Provider Tools composed",
        "onehop.tools._condition": "WHEN",
        "onehop.tools._context": "ToolContext",
        "onehop.tools._declarations": "ambient declarations",
        "onehop.tools._declared": "Declared",
        "onehop.tools._discovery": "Discovery",
        "onehop.tools._files": "load_tools undecorated",
        "onehop.tools._harmless": "is_identifier key one_line",
        "onehop.tools._http": "HttpAnswer unwrapped",
        "onehop.tools._lookalikes": "mixed_alphabets",
        "onehop.tools._lookup": "look_up",
        "onehop.tools._offer": "offer",
        "onehop.tools._read_rules": "read_rule_list read_rules "
        "rule_from_text rules_from_json rules_to_json",
        "onehop.tools._rules": "GLOB Action Decision Policy Rule",
        "onehop.tools._schema": "CheckedSchema",
        "onehop.tools._stray": "stray",
        "onehop.tools._threads": "Threads",
        "onehop.tools._tool": "Effect Tool tool",
        "onehop.tools._wording": "shown_at",
    }
)
