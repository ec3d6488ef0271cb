"""What a run that waits for people runs, and what it has done so far, as its record will show it.

A person who decides about a call wants to see the program that asks for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onehop.errors import SealedError

if TYPE_CHECKING:
    from onehop.audit.redaction import Redactor
    from onehop.execution.keeping import Keeper


@dataclass(frozen=True, slots=True)
class SoFar:
    """Of one run; secrets are masked."""

    code: str
    """As it runs."""
    details: dict[str, Any]
    """Its calls and what people have decided, as the details of a record have them."""


async def so_far(keeper: Keeper, redactor: Redactor, run_id: str) -> SoFar | None:
    """What is kept of a run that has not ended; None when nothing is kept of it, or it cannot be
    opened here. Raises StoreError."""
    kept = await keeper.store.kept_run(run_id)
    if kept is None or keeper.sealer is None or kept.phase == "ended":
        return None
    try:
        program, script = await keeper.open(kept)
    except SealedError:
        return None
    details = await keeper.effects_of(kept, script)
    context = program.arguments.get("context")
    shown = await asyncio.to_thread(redactor.unfinished, program.code, details, context)
    return SoFar(*shown)
