"""Look at this machine: which layers it offers, which versions are here, does a run really work.

The self-test opens a sandbox and does to it what hostile code would do.
"""

from __future__ import annotations

import asyncio
import platform
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from onehop._version import onehop_version
from onehop.config import SandboxConfig
from onehop.errors import OnehopError

if TYPE_CHECKING:
    from onehop.jail import LayerReport
    from onehop.sandbox import Sandbox
    from onehop.types import ExecutionResult, Language

_REPORT = "This must not happen: report it with the output of 'onehop doctor --json'."
_OTHER = {"permissions": "Deno itself was granted none"}
_SLOW = "The machine may be overloaded: try again when it is idle."
_BOMB = "const kept = []; for (;;) kept.push(new Array(100000).fill(Math.random()))"


@dataclass(frozen=True, slots=True)
class Check:
    """One step of the self-test."""

    name: str
    passed: bool
    detail: str = ""
    """What was seen instead, when it did not pass."""
    advice: str = ""
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor found."""

    layers: list[LayerReport]
    versions: dict[str, str]
    selftest: list[Check] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether every check passed."""
        return bool(self.selftest) and all(check.passed for check in self.selftest)


def examine(config: SandboxConfig | None = None) -> Report:
    """Examine this machine; takes about a second. Raises ConfigError for unusable settings.

    Not for use inside a running event loop: there, call it in a thread.
    """
    from onehop.jail import probe

    config = config or SandboxConfig()
    versions = _versions(config)
    enforced: set[str] = set()
    checks = asyncio.run(_self_test(config.replace(pool_size=1), enforced))
    return Report(_in_force(probe(), enforced), versions, checks)


def _in_force(layers: list[LayerReport], enforced: set[str]) -> list[LayerReport]:
    """Mark the layers that a worker has proved to be under, and add those only it knows of."""
    from onehop.jail import LayerReport

    proved = [replace(each, state="in force") if each.name in enforced else each for each in layers]
    others = enforced - {layer.name for layer in layers}
    return proved + [
        LayerReport(name, "in force", _OTHER.get(name, "reported by a worker"))
        for name in sorted(others)
    ]


def _versions(config: SandboxConfig) -> dict[str, str]:
    return {
        "onehop": onehop_version(),
        "Python": platform.python_version(),
        **_deno_versions(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "pool": f"{config.pool_size} warm, at most {config.max_concurrency} at once, "
        f"{config.max_queue} may wait",
        "limits": f"{config.timeout:g} ms (at most {config.timeout_max:g}), "
        f"{config.memory_limit} MB",
        "allowed to be missing": ", ".join(sorted(config.allow_degraded)) or "nothing",
    }


def _deno_versions() -> dict[str, str]:
    """What the engine says of itself, or why it says nothing."""
    try:
        from deno import find_deno_bin

        told = subprocess.run(
            [str(find_deno_bin()), "--version"], capture_output=True, text=True, timeout=20
        )
    except (OSError, ImportError, subprocess.SubprocessError) as error:
        return {"Deno": f"cannot be run: {error}"}
    found = dict(line.split()[:2] for line in told.stdout.splitlines() if len(line.split()) > 1)
    names = {"deno": "Deno", "v8": "V8", "typescript": "TypeScript"}
    return {name: found.get(key, "unknown") for key, name in names.items()}


async def _self_test(config: SandboxConfig, enforced: set[str]) -> list[Check]:
    from onehop.sandbox import Sandbox

    checks = []
    try:
        async with Sandbox(config) as sandbox:
            checks.append(Check("a sandbox opens", passed=True))
            async for check in _trials(sandbox, enforced):
                checks.append(check)  # noqa: PERF401 - what came before an exception is kept
    except (OnehopError, OSError) as error:
        name = "the sandbox stays usable" if checks else "a sandbox opens"
        checks.append(Check(name, False, str(error), "Look at the layers above."))
    return checks


@dataclass(frozen=True, slots=True)
class _Trial:
    """A run and what has to come of it."""

    name: str
    code: str
    passes: Callable[[ExecutionResult], bool]
    language: Language = "javascript"
    timeout: float | None = None
    advice: str = _REPORT


def _returns(value: Any) -> Callable[[ExecutionResult], bool]:
    return lambda result: result.success and result.output == value


def _fails_as(*kinds: str) -> Callable[[ExecutionResult], bool]:
    def passes(result: ExecutionResult) -> bool:
        return result.error_info is not None and result.error_info.type in kinds

    return passes


_FORBIDDEN = _fails_as("runtime", "security", "validation")
_TRIALS = (
    _Trial("JavaScript runs", "return 1 + 1", _returns(2)),
    _Trial(
        "TypeScript runs",
        "interface P { x: number }\nenum E { A = 3 }\nconst p: P = { x: E.A }\nreturn p.x",
        _returns(3),
        language="typescript",
    ),
    _Trial("eval is refused", "return (0, eval)('1 + 1')", _FORBIDDEN),
    _Trial("import is refused", "return Object.keys(await import('node:fs'))", _FORBIDDEN),
    _Trial("Deno is out of reach", "return Deno.version.deno", _FORBIDDEN),
    _Trial("an endless loop ends", "for (;;);", _fails_as("timeout"), timeout=300, advice=_SLOW),
    _Trial("a memory bomb ends", _BOMB, _fails_as("resource_limit"), timeout=10_000, advice=_SLOW),
    _Trial("the next run is unharmed", "return 'clean'", _returns("clean")),
)


async def _trials(sandbox: Sandbox, enforced: set[str]) -> AsyncIterator[Check]:
    longest = sandbox.get_config().timeout_max
    for trial in _TRIALS:
        timeout = None if trial.timeout is None else min(trial.timeout, longest)
        result = await sandbox.execute(trial.code, trial.language, timeout)
        enforced.update(result.enforcement)
        passed = trial.passes(result)
        detail = "" if passed else _seen(result)
        yield Check(trial.name, passed, detail, "" if passed else trial.advice)


def _seen(result: ExecutionResult) -> str:
    if result.error_info is None:
        return f"returned {str(result.output)[:80]!r}"
    return f"{result.error_info.type}: {result.error_info.message[:200]}"
