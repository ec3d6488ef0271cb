"""Where a sandbox runs code: the backend that its settings name, and what that one can do."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, cast

from onehop.descriptors import is_of_one, shortage
from onehop.errors import InvalidRequestError, SandboxUnavailableError

if TYPE_CHECKING:
    from onehop.analysis import Analyst
    from onehop.backends.base import Backend
    from onehop.backends.begun import Begun
    from onehop.config import SandboxConfig
    from onehop.requests import Ahead, CheckedRequest


def backend_of(config: SandboxConfig, analyst: Analyst, begun: Begun | None) -> Backend:
    """The backend that ``config`` names. Raises SandboxUnavailableError where none can be."""
    if config.backend != "local":
        from onehop.backends.cluster import RayBackend  # needs Ray, which takes a second to import

        address = None if config.backend == "ray" else config.backend
        return RayBackend(config, address=address)
    return _local(config, analyst, begun)


def _local(config: SandboxConfig, analyst: Analyst, early: Begun | None) -> Backend:
    if sys.platform == "win32":
        raise SandboxUnavailableError(
            "onehop has no jail for Windows, and runs nothing without one: use it inside WSL 2"
        )
    from onehop import jail

    begun = (
        early.spawner() if early else None
    ) or jail.begin()  # it loads as long as all that the backend needs
    from onehop.backends.local import LocalBackend  # needs modules that only POSIX has

    return LocalBackend(config, analyst=analyst, begun=begun)


def refuse_unsupported(backend: Backend, checked: CheckedRequest) -> None:
    """Another class than the one that was asked for is never taken instead."""
    offered, isolation = getattr(backend, "isolations", ("process",)), checked.isolation
    if checked.request.session is not None and not getattr(backend, "has_sessions", True):
        allowed = f"left out with this backend ({type(backend).__name__}), which has no sessions"
        raise InvalidRequestError("session", repr(checked.request.session), allowed)
    if isolation not in offered:
        allowed = f"{' or '.join(map(repr, offered))} with this backend ({type(backend).__name__})"
        raise InvalidRequestError("isolation", repr(isolation), allowed)


def ahead_of(backend: Backend, agent: str) -> Ahead | None:
    """What reads the context of a call of ``agent`` while that is checked, where the backend has
    such a thing."""
    make = getattr(backend, "ahead", None)
    return None if make is None else cast("Ahead", make(agent))


async def or_close(backend: Backend, tools: asyncio.Task[None]) -> None:
    """Wait for the tools; without those that must be there, no worker may stay."""
    try:
        await tools
    except BaseException:
        await backend.aclose()
        raise


def prepare_checker(backend: Backend) -> None:
    """Start a checker of types where the backend has some."""
    from onehop.sandbox.checks import Room

    if isinstance(backend, Room):
        backend.checkers.prepare()


def reworded(error: OSError) -> Exception:
    """What to raise for it: itself, unless it is a shortage of descriptors."""
    return SandboxUnavailableError(shortage(error)) if is_of_one(error) else error
