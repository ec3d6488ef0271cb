"""Two executions side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from onehop.records import ExecutionRecord
from onehop.server.dashboard._code import code_of
from onehop.server.dashboard._diff import DiffLine, diff, side_by_side
from onehop.server.dashboard._door import field
from onehop.server.dashboard._executions import find_record, state_of
from onehop.server.dashboard._visit import Page, Visit


@dataclass(frozen=True, slots=True)
class Part:
    """Something that both have."""

    title: str
    lines: list[DiffLine]

    @property
    def rows(self) -> list[tuple[DiffLine | None, DiffLine | None]]:
        """Side by side."""
        return side_by_side(self.lines)

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return all(line.kind in ("same", "gap") for line in self.lines)


async def look(visit: Visit) -> Page:
    """The page; the address names both."""
    asked = visit.asked
    left = await find_record(visit, field(asked, "left"), asked.get("leftAgent"))
    right = await find_record(visit, field(asked, "right"), asked.get("rightAgent"))
    parts = await asyncio.to_thread(_parts, left, right)
    sides = [(record, state_of(record), _calls(record)) for record in (left, right)]
    return Page("compare.html", {"sides": sides, "parts_of": parts})


def _parts(left: ExecutionRecord, right: ExecutionRecord) -> list[Part]:
    return [
        Part("Code", diff(code_of(left)[0], code_of(right)[0])),
        Part("Context", diff(json_text(left.context_data), json_text(right.context_data))),
        Part("Output", diff(json_text(left.output), json_text(right.output))),
        Part("Error", diff(left.error or "", right.error or "")),
        Part("Console", diff("\n".join(left.logs), "\n".join(right.logs))),
        Part("Calls of tools", diff(_called(left), _called(right))),
    ]


def json_text(value: Any) -> str:
    """By lines."""
    return to_json(value, indent=1).decode(errors="replace")


def _calls(record: ExecutionRecord) -> list[dict[str, Any]]:
    return [each for each in record.details.get("toolCalls") or () if isinstance(each, dict)]


def _called(record: ExecutionRecord) -> str:
    return "\n".join(
        f"{each.get('tool')} {each.get('argumentsHash')} {each.get('outcome')}"
        for each in _calls(record)
    )
