"""A recorded run as a test for pytest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onehop.sandbox.recordings._recording import Recording

_TEXT = '''"""A recorded run of onehop, made again: it must do and give the same."""

import asyncio
import json

from onehop import Replay, Sandbox

NAME = {name}
RECORDING = json.loads(
    {recording}
)


async def _replay() -> Replay:
    async with Sandbox() as sandbox:
        return await sandbox.replay(RECORDING)


def test_the_run_is_the_same() -> None:
    replay = asyncio.run(_replay())
    assert replay.same, replay.difference
'''


def test_text(request_id: str, recording: Recording) -> str:
    """The text of the file."""
    data = json.dumps(recording.to_dict())
    return _TEXT.format(name=ascii(request_id), recording=ascii(data))
