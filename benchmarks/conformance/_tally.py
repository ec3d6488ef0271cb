"""What came of a program, here and by the reference, and the count of how often both agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from onehop.types import Language

Kind = Literal["differ", "refused falsely", "worker crash", "internal error"]
KINDS: tuple[Kind, ...] = ("differ", "refused falsely", "worker crash", "internal error")


@dataclass(frozen=True)
class Program:
    """One program of a corpus."""

    name: str
    code: str
    language: Language = "javascript"


@dataclass(frozen=True)
class Outcome:
    """How a program ended: with a value, or with an error at a line."""

    success: bool
    value: Any = None
    error: str | None = None
    """The name of the error."""
    message: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        if self.success:
            return f"value {self.value!r}"
        place = "" if self.line is None else f" (line {self.line})"
        return f"{self.error}: {self.message}{place}"


@dataclass(frozen=True)
class Fault:
    """One program with which the sandbox does not do what the reference does."""

    kind: Kind
    program: str
    expected: str
    got: str


@dataclass
class Tally:
    """The figures of one corpus."""

    name: str
    programs: int = 0
    same: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    began: float = 0
    ended: float = 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    def agree(self) -> None:
        """Count a program with which both do the same."""
        self.programs += 1
        self.same += 1

    def fault(self, kind: Kind, program: str, expected: object, got: object) -> None:
        """Count a program that shows a fault."""
        self.programs += 1
        self.faults.append(Fault(kind, program, str(expected), str(got)))

    def judge(self, program: str, expected: object, got: object) -> None:
        """Count a program by what it did."""
        if expected == got:
            self.agree()
        else:
            self.fault("differ", program, expected, got)

    def count(self, kind: Kind) -> int:
        """How many programs show this kind of fault."""
        return sum(fault.kind == kind for fault in self.faults)
