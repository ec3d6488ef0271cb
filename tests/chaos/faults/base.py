"""What a fault is."""

from __future__ import annotations

from typing import Protocol

from tests.chaos.subject import Subject


class Unavailable(Exception):  # noqa: N818 - a condition of the machine
    """This machine cannot have the fault; why."""


class Fault(Protocol):
    """Something that happens to a server and passes."""

    @property
    def name(self) -> str:
        """What happens, in a few words."""

    @property
    def recovers(self) -> float:
        """Seconds after its end by which a call is answered well."""

    @property
    def aftermath(self) -> float:
        """Seconds after that in which single calls may still fail."""

    async def strike(self, subject: Subject) -> None:
        """Let it happen, and pass. Raises Unavailable."""
