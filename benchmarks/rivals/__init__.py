"""The sandboxes that are compared, by name."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack

from benchmarks.rivals.base import Rival
from benchmarks.rivals.deno_run import DenoRun
from benchmarks.rivals.modebox import Modebox
from benchmarks.rivals.onehop import Onehop
from benchmarks.rivals.pydeno import Pydeno, PydenoFork, PydenoJit
from benchmarks.rivals.quickjs_rs import QuickjsRs

ALL: dict[str, type[Rival]] = {
    rival.name: rival
    for rival in (Onehop, Pydeno, PydenoFork, PydenoJit, Modebox, QuickjsRs, DenoRun)
}
MAIN = ("onehop", "pydeno", "modebox", "quickjs-rs", "deno run")
"""One entry for each package, as it comes."""


async def open_all(
    names: Iterable[str], stack: AsyncExitStack, absent: dict[str, str]
) -> list[Rival]:
    """Open each rival until ``stack`` closes; what cannot be opened goes into ``absent``."""
    opened = []
    for name in names:
        rival = await open_one(name, stack, absent)
        if rival is not None:
            opened.append(rival)
    return opened


async def open_one(name: str, stack: AsyncExitStack, absent: dict[str, str]) -> Rival | None:
    """Open the rival ``name``, or say in ``absent`` why it cannot be."""
    rival = ALL[name]()
    if rival.version() is None:
        absent[name] = "not installed"
        return None
    try:
        await rival.open()
    except Exception as error:
        absent[name] = f"does not start here: {type(error).__name__}: {error}".splitlines()[0]
        return None
    stack.push_async_callback(rival.aclose)
    return rival
