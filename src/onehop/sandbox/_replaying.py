"""A recorded run made again, offline, and compared with what it gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from onehop.sandbox._backends import refuse_unsupported
from onehop.sandbox.halting import Halted, Printed, halted, or_stopped
from onehop.sandbox.recordings import OfflineDesk, compared, recording_from, replayed
from onehop.sandbox.services import Artifacts, RunServices

if TYPE_CHECKING:
    from onehop.backends.base import Backend
    from onehop.config import SandboxConfig
    from onehop.sandbox.recordings import Recording
    from onehop.types import Replay

_REPLAYS: Final = "onehop replays"
"""The agent that replays are run for."""


async def replay(
    config: SandboxConfig,
    backend: Backend,
    artifacts: Artifacts,
    recording: Recording | Mapping[str, Any],
) -> Replay:
    """What ``Sandbox.replay`` gives."""
    given = recording_from(recording)
    checked = replayed(config, given.program)
    refuse_unsupported(backend, checked)
    desk, services = OfflineDesk(given), RunServices(artifacts.of(_REPLAYS), None, None)
    limits = config.limits(checked.request.timeout)
    running = backend.run(checked, limits, _REPLAYS, None, desk, services)
    try:
        result = await or_stopped(running, desk.stopped)
    finally:
        await services.aclose()
    if isinstance(result, Halted):
        await result.end()
        result = halted(result.why, checked.request, Printed(None))
    return compared(result, desk)
