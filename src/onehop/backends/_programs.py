"""From a call to what a worker runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from onehop import source
from onehop.workers import Job

if TYPE_CHECKING:
    from onehop.limits import Limits
    from onehop.requests import CheckedRequest
    from onehop.runs.questions import Desk, Services
    from onehop.types import OnLog
    from onehop.workers.protocol import Original


class Program(NamedTuple):
    """The text that a worker runs."""

    code: str
    original: Original | None = None
    """What it was made from."""
    is_checked: bool = True
    """See Compiled."""


def plain(request: CheckedRequest) -> Program | None:
    """Of a call whose text is JavaScript already; None of any other."""
    if request.request.language == "typescript":
        return None
    return Program(source.without_shebang(request.request.code))


def make_job(
    request: CheckedRequest,
    limits: Limits,
    program: Program,
    on_log: OnLog | None,
    desk: Desk | None,
    services: Services | None,
    session_json: str | None = None,
) -> Job:
    """What a worker is asked to run."""
    return Job(
        code=program.code,
        original=program.original,
        context_json=request.context_json,
        capture_console=request.request.capture_console,
        limits=limits,
        on_log=on_log,
        desk=desk,
        seed=request.request.seed,
        clock=request.request.clock,
        moves=request.moves,
        services=services,
        session_json=session_json,
    )
