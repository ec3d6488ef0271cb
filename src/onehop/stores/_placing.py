"""Which records of a batch are new, which of them repeat a request id, and their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from onehop.records import ExecutionRecord
from onehop.stores._kept import KeptRecord
from onehop.stores.base import ChainHead

RunName = tuple[str, str]
"""An agent and its request id."""
REPEATED: Final = (
    "a run of this agent with the same request id is on record already (sequence {first}); "
    "this one ran too, and is kept as a repeat of it"
)


@dataclass(frozen=True, slots=True)
class First:
    """The run that a request id names."""

    sequence: int
    executed_at: int


@dataclass(frozen=True, slots=True)
class Known:
    """What a store has of the runs in a batch."""

    run_ids: Set[str] = frozenset()
    firsts: Mapping[RunName, First] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placed:
    """A new record at its place in the chain, and the JSON text of its fields."""

    record: ExecutionRecord
    texts: Mapping[str, str]


def name_of(record: ExecutionRecord) -> RunName:
    """What makes a request id one run's."""
    return record.agent_id, record.request_id


def place(
    records: Sequence[KeptRecord], known: Known, head: ChainHead, key: bytes | None
) -> list[Placed]:
    """The new ones among ``records``, chained to ``head``. Raises RecordRejectedError."""
    firsts, placed = dict(known.firsts), list[Placed]()
    for kept in records:
        first = firsts.get(name_of(kept.record))
        if _is_known(kept.record, known.run_ids, first):
            continue
        each = kept if first is None else _repeat(kept, first)
        record = each.chained(head.sequence + 1, head.hash, key)
        head = ChainHead(head.sequence + 1, record.hash or "")
        firsts.setdefault(name_of(record), First(head.sequence, record.executed_at))
        placed.append(Placed(record, each.texts))
    return placed


def end_of(placed: Sequence[Placed], head: ChainHead) -> ChainHead:
    """Where the chain ends with ``placed``."""
    if not placed:
        return head
    last = placed[-1].record
    return ChainHead(last.sequence or 0, last.hash or "")


def repeats_in(placed: Sequence[Placed]) -> list[ExecutionRecord]:
    """Those that are not the first of their request id."""
    return [each.record for each in placed if each.record.repeat_of is not None]


def _is_known(record: ExecutionRecord, run_ids: Set[str], first: First | None) -> bool:
    if record.run_id is not None:
        return record.run_id in run_ids
    # From before runs had names of their own: the same run started at the same time.
    return first is not None and first.executed_at == record.executed_at


def _repeat(kept: KeptRecord, first: First) -> KeptRecord:
    details = kept.record.details
    told = [*details.get("warnings", ()), REPEATED.format(first=first.sequence)]
    return kept.changed(repeat_of=first.sequence, details={**details, "warnings": told})
