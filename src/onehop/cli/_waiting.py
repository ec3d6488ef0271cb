"""Says on the terminal that a call of ``onehop run`` waits for a person, while it waits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onehop.events import Event
    from onehop.execution.executor import Executor


def tell_of_waiting(executor: Executor) -> None:
    """From now on, each call that a rule asks about is named at once, with the command for it."""
    from onehop.events import CODE_APPROVAL_REQUESTED

    executor.bus.subscribe(_tell, types=[CODE_APPROVAL_REQUESTED], name="terminal")


def _tell(event: Event) -> None:
    from onehop.cli._output import write
    from onehop.events import ApprovalRequested

    if not isinstance(event, ApprovalRequested):
        return
    command = f"onehop approvals approve {event.run_id}"
    write(sys.stderr, f"{event.tool} ({event.call_id}) waits for a person: {command}\n", "yellow")
