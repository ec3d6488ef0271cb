"""Tools for ``onehop serve --tools``: they answer what was recorded for exactly their arguments.

A file that ``ONEHOP_PLAYBACK`` names has the tools and the answers by task; a call says in its
channel which task it belongs to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from onehop import Tool, ToolContext, ToolFailed

RECORDING: Final = "ONEHOP_PLAYBACK"


def key(tool: str, arguments: Any) -> str:
    """The same for the same arguments; JavaScript does not tell 1.0 from 1."""
    return tool + json.dumps(_plain(arguments), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def recorded(file: Path) -> list[Tool]:
    """The tools of ``file``."""
    recording = json.loads(file.read_text("utf-8"))
    return [_tool(told, recording["answers"]) for told in recording["tools"]]


def _tool(told: dict[str, Any], answers: dict[str, dict[str, Any]]) -> Tool:
    return Tool(
        told["name"],
        _player(told["name"], answers),
        description=told["description"],
        input_schema=told["parameters"],
        effect="read",
    )


def _player(name: str, answers: dict[str, dict[str, Any]]) -> Callable[..., Any]:
    async def play(arguments: dict[str, Any], context: ToolContext) -> Any:
        of_task = answers[context.channel_id or ""]
        called = key(name, arguments)
        if called not in of_task:
            raise ToolFailed("nothing was recorded for these arguments")
        return of_task[called]

    return play


if RECORDING in os.environ:
    tools = recorded(Path(os.environ[RECORDING]))
