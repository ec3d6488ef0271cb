"""What a desk needs in order to ask people about calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from onehop.runs.decisions import Decision
    from onehop.tools import Bound
    from onehop.types import Effect


@dataclass(frozen=True)
class Question:
    """A call that a rule asks about; its arguments fit the schema."""

    call_id: str
    bound: Bound
    effect: Effect
    rule: str | None
    arguments: Mapping[str, Any]
    arguments_hash: str


class Asker(Protocol):
    """Asks people about the calls of one run."""

    @property
    def hold(self) -> float:
        """Seconds that the run waits for people in all."""
        ...

    @property
    def patience(self) -> float:
        """Seconds that a question waits for its decision, with the run or without."""
        ...

    async def ask(self, question: Question) -> Decision | None:
        """What was decided; None if nobody did in time. Raises ToolError if nobody can be asked.
        Cancelling takes the question back."""
        ...
