"""What it takes to run a program again: the call, its caller, and what was fixed for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from onehop.errors import SealedError

if TYPE_CHECKING:
    from onehop.sandbox.recordings._sealing import Sealer
    from onehop.types import Isolation


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """All of it is JSON data."""

    arguments: dict[str, Any] = field(repr=False)
    """Of ``code_execute``, on the wire, as the caller gave them."""
    code: str = field(repr=False)
    """As it is run, corrected and all."""
    digest: str
    """Of that."""
    catalogue: str = field(repr=False)
    """JSON of the names of the tools that it may use."""
    limits: str
    """JSON of how much of them."""
    seed: int
    clock: float
    still: bool
    """Whether the clock stands still."""
    isolation: Isolation = "process"
    conversation: str = ""
    names: list[str] | None = None
    """The tools that the call has asked for, by names and globs; None has all."""
    rules: list[Any] = field(default_factory=list)
    """Layers of rules that the call has brought."""
    executed_at: int

    def seal(self, run_id: str, sealer: Sealer) -> bytes:
        """For the store."""
        return sealer.seal(json.dumps(asdict(self)).encode(), f"{run_id} program")


def open_program(run_id: str, sealed: bytes, sealer: Sealer) -> Program:
    """The program of a run. Raises SealedError."""
    data = sealer.open(sealed, f"{run_id} program")
    try:
        return Program(**json.loads(data))
    except (ValueError, TypeError) as error:
        raise SealedError(f"it is not a program: {error!r}") from None
