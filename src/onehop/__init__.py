"""onehop: run an agent's JavaScript or TypeScript in a jailed, disposable V8 process.

>>> import onehop
>>> onehop.run("return 1 + 1").output
2
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onehop.config import SandboxConfig
    from onehop.errors import (
        ConfigError,
        InvalidRequestError,
        LayerUnavailableError,
        OnehopError,
        OutputNotFoundError,
        Overloaded,
        SandboxClosedError,
        SandboxUnavailableError,
        WorkerStartError,
    )
    from onehop.sandbox import Sandbox, run
    from onehop.types import ErrorInfo, ExecutionResult, LogEntry, OutputPage, ResourceUsage

_HOMES = {
    "onehop.config": ["SandboxConfig"],
    "onehop.errors": [
        "ConfigError",
        "InvalidRequestError",
        "LayerUnavailableError",
        "OnehopError",
        "OutputNotFoundError",
        "Overloaded",
        "SandboxClosedError",
        "SandboxUnavailableError",
        "WorkerStartError",
    ],
    "onehop.sandbox": ["Sandbox", "run"],
    "onehop.types": ["ErrorInfo", "ExecutionResult", "LogEntry", "OutputPage", "ResourceUsage"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ConfigError",
    "ErrorInfo",
    "ExecutionResult",
    "InvalidRequestError",
    "LayerUnavailableError",
    "LogEntry",
    "OnehopError",
    "OutputNotFoundError",
    "OutputPage",
    "Overloaded",
    "ResourceUsage",
    "Sandbox",
    "SandboxClosedError",
    "SandboxConfig",
    "SandboxUnavailableError",
    "WorkerStartError",
    "run",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that importing onehop stays light."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'onehop' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
