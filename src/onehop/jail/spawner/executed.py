"""Workers that are executed one by one."""

from __future__ import annotations

import os
from typing import Any

from .errors import StepError, failure
from .table import Command, Table


class Executed:
    """Starts each worker by executing the program."""

    def __init__(self, plan: dict[str, Any], run: Any, ruleset: int) -> None:
        self.plan = plan
        self.table = Table(plan["executed"], run)
        self.table.name(ruleset=ruleset, spawner=os.getpid())
        self.written: tuple[str, int] | None = None

    def start(self, program: str, heap: int, stdio: list[int], account: int) -> int:
        """The pid of a confined child that executes the program. Raises LayerError."""
        if (program, heap) != self.written:
            self.command = Command(self.plan, program, heap)
            self.command.put_into(self.table)
            self.written = program, heap
        streams = zip(("stdin", "stdout", "stderr"), stdio, strict=True)
        self.table.name(**dict(streams), account=account)
        try:
            return self.table.start()
        except StepError as error:
            raise failure(error, self.plan["steps"]) from None

    def stop(self) -> None:
        """Nothing is left of it."""
