"""Says on the terminal that a call of ``onehop run`` waits for a person, while it waits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onehop.events import Event
    from onehop.execution.executor import Executor


_FORGETFUL = (
    "onehop: warning: approvals are off with --no-record, because they are kept with the history: "
    "a call that a rule asks about is denied\n"
)


def tell_of_waiting(executor: Executor, record: bool) -> None:
    """From now on, each call that a rule asks about is named at once, with the command for it. If
    nothing is recorded, none can wait, and a warning says so now."""
    if not record:
        from onehop.cli._output import write

        write(sys.stderr, _FORGETFUL, "yellow")
        return
    from onehop.events import CODE_APPROVAL_REQUESTED

    executor.bus.subscribe(_tell, types=[CODE_APPROVAL_REQUESTED], name="terminal")


def _tell(event: Event) -> None:
    from onehop.cli._output import write
    from onehop.events import ApprovalRequested

    if not isinstance(event, ApprovalRequested):
        return
    command = f"onehop approvals approve {event.run_id}"
    write(sys.stderr, f"{event.tool} ({event.call_id}) waits for a person: {command}\n", "yellow")
