"""Calls of one tool, as a run makes them: checked, then invoked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onehop import ToolContext, ToolError, Tools
from onehop.tools import Bound, Catalogue

CONTEXT = ToolContext("agent", "channel", "request", "")


def bound(tool: Any) -> Bound:
    """The one tool of a catalogue."""
    (only,) = Catalogue.of(Tools(tool)).bound.values()
    return only


async def call(tool: Any, /, **arguments: Any) -> Any:
    """What the code gets."""
    return await call_with(tool, arguments)


async def call_with(tool: Any, arguments: dict[str, Any], **options: Any) -> Any:
    """The same for arguments that are not Python's names."""
    one = tool if isinstance(tool, Bound) else bound(tool)
    return json.loads(await one.invoke(one.check(arguments), CONTEXT, **options))


def refusal(tool: Any, arguments: Any) -> ToolError:
    """The error of arguments that are refused."""
    one = tool if isinstance(tool, Bound) else bound(tool)
    with pytest.raises(ToolError) as caught:
        one.check(arguments)
    assert caught.value.tool == one.path
    return caught.value


async def failure(tool: Any, /, **arguments: Any) -> ToolError:
    """The error of a call that fails."""
    with pytest.raises(ToolError) as caught:
        await call(tool, **arguments)
    return caught.value
