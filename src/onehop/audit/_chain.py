"""The audit of a store's chain: what was changed, taken out, put in or moved, and where.

Each record carries a hash over all its fields, its place and the hash of the record before it, and
the store notes where the chain ends. This finds what somebody did to single records behind the
store's back. Somebody who can write to every table can also hash the whole chain anew, or cut off
its end and note an earlier one, and nothing in the database would tell. Against the first helps a
key, kept where the database is not; against both helps the hash of the head, noted elsewhere from
time to time and given back as ``expect``. What is older than the retention may be gone; with
the notes about it changed, more recent records at the start of the chain could be passed off as
such. Events and rollups are not chained.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal

from onehop.records import GENESIS, ExecutionRecord
from onehop.stores.base import RETENTION_SECONDS, ChainAnchor, ChainHead, Store

Kind = Literal["changed", "missing", "inserted", "reordered", "truncated", "unkeyed", "unexpected"]

_PAGE: Final = 500
_SLACK: Final = 3_600_000
"""ms by which the clock of a database that expires records may be ahead of ours."""
_SUSPECTS: Final = 100
"""Records whose right place is looked for among all places in doubt; of others, only nearby."""
_SETTLING: Final = 20
"""Times that the head is asked for, every 100 ms, while records stand beyond it."""
_LOWEST: Final = -(1 << 63)
_ORIGIN: Final = ExecutionRecord.model_construct(hash=GENESIS)
"""What stands before the first record."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as the store left it."""

    kind: Kind
    """changed: a record is not what was hashed. missing: records are gone before their time.
    inserted: a record that the store did not put there. reordered: a record stands in another
    place. truncated: the chain ends before the place that the store noted. unkeyed: it was hashed
    without the key, so by somebody else, or before there was one. unexpected: the hash that was
    noted elsewhere is not in the chain."""
    sequence: int
    """Where; the first place, if several records are missing."""
    request_id: str | None
    """Whose run, if there is a record."""
    detail: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the audit found."""

    checked: int
    """Records that were there."""
    expired: int
    """Records that are gone because they were older than the retention."""
    head: ChainHead
    """The end of the chain: note its hash elsewhere, and give it as ``expect`` later."""
    keyed: bool
    """Whether the hashes were checked with a key."""
    problems: tuple[Problem, ...]
    repeated: int = 0
    """Records of runs whose request id had run before: each is there, and told as a repeat."""

    @property
    def ok(self) -> bool:
        """Whether everything is as the store left it."""
        return not self.problems


async def verify(
    store: Store, key: bytes | None = None, expect: str | None = None, *, now: int | None = None
) -> AuditReport:
    """Read the whole chain of an open ``store`` and recompute each hash.

    ``expect`` is the hash of a head noted elsewhere earlier, which must still be in the chain.
    ``now`` (ms since the epoch) is the time by which records expire. Appending may go on
    meanwhile. Raises StoreUnavailableError.
    """
    before = await store.head()
    audit = _Audit(key, before, await store.anchors(), expect)
    async for record in _records(store):
        audit.take(record)
    anchors = await store.anchors()  # anew, since what is pruned meanwhile is not missing
    after = await _settled_head(store, audit.end)
    time_ms = time.time_ns() // 1_000_000 if now is None else now
    return audit.report(after, _Gaps(anchors, time_ms))


async def _records(store: Store) -> AsyncIterator[ExecutionRecord]:
    after = _LOWEST
    while page := await store.chain(after, _PAGE):
        for record in page:
            yield record
        after = page[-1].sequence or 0


async def _settled_head(store: Store, end: int) -> ChainHead:
    """The head, once it has been noted for what was being appended; not waited for for ever."""
    head = await store.head()
    for _ in range(_SETTLING):
        if head.sequence >= end:
            break
        await asyncio.sleep(0.1)
        head = await store.head()
    return head


class _Gaps:
    """Which places of the chain may be empty."""

    def __init__(self, anchors: Sequence[ChainAnchor], now: int) -> None:
        self.hashes = {anchor.sequence: anchor.hash for anchor in anchors}
        self._cutoff = now - RETENTION_SECONDS * 1000 + _SLACK
        self._times = {
            anchor.sequence - back: executed_at
            for anchor in anchors
            for back, executed_at in enumerate(reversed(anchor.times))
        }
        self._pruned = 0
        if anchors and anchors[0].executed_at <= self._cutoff:
            self._pruned = anchors[0].sequence
        self._first = min(self._pruned + 1, *self._times) if self._times else self._pruned + 1

    def missing(self, start: int, end: int) -> Iterator[range]:
        """The runs of places in ``start`` <= place < ``end`` that may not be empty."""
        place = max(start, self._first)
        while place < end:
            first = place
            while place < end and not self._allowed(place):
                place += 1
            if first < place:
                yield range(first, place)
            place += 1

    def _allowed(self, place: int) -> bool:
        if place in self._times:
            return self._times[place] <= self._cutoff
        return place <= self._pruned


@dataclass(slots=True)
class _Link:
    """A record as it was found in its place."""

    record: ExecutionRecord
    place: int
    right: str | None
    """What its hash should be; None if it cannot be worked out."""
    unkeyed: bool = False
    """It was hashed without the key that there is."""
    home: int | None = None
    """The place where it would be right."""
    why: str | None = None
    """What is wrong with it."""
    bypassed: bool = False
    """The record after it was chained to the one before it."""

    @property
    def hash(self) -> str:
        return str(self.record.hash)

    @property
    def valid(self) -> bool:
        return self.unkeyed or self.right == self.hash


class _Audit:
    """The chain as far as it was read, and what was wrong with it."""

    def __init__(
        self,
        key: bytes | None,
        head: ChainHead,
        anchors: Sequence[ChainAnchor],
        expect: str | None,
    ) -> None:
        self._key = key
        self._head = head
        self._noted = {anchor.sequence: anchor.hash for anchor in anchors}
        self._noted[head.sequence] = head.hash
        self._expect = expect
        self._met = expect in (None, GENESIS)
        self._checked = 0
        self._repeated = 0
        self._last = _Link(_ORIGIN, 0, GENESIS)
        self._before_last = ""
        self._suspects: list[_Link] = []
        self._gaps: list[tuple[int, int]] = []
        self._after_gaps: list[_Link] = []
        self._unkeyed: list[Problem] = []
        self._new: list[_Link] = []
        """What stands after the head that there was at first."""

    @property
    def end(self) -> int:
        """The last place there is."""
        return self._last.place

    def take(self, record: ExecutionRecord) -> None:
        """The next record of the chain."""
        link = self._examined(record)
        self._checked += 1
        self._repeated += record.repeat_of is not None
        if link.place <= self._last.place:
            self._suspect(link, "there is another record in its place", bypassed=True)
            return
        self._check_link(link)
        self._before_last = self._last.hash if self._follows(link) else ""
        self._last = link
        if link.place > self._head.sequence:
            self._new.append(link)
        self._met = self._met or (link.valid and link.hash == self._expect)

    def _examined(self, record: ExecutionRecord) -> _Link:
        link = _Link(record, _place(record), _hash(record, self._key))
        if not link.valid and self._key is not None and _hash(record, None) == link.hash:
            link.unkeyed = True
            detail = "it was hashed without the key"
            self._unkeyed.append(Problem("unkeyed", link.place, record.request_id, detail))
        if not link.valid:
            link.home = self._home(link, (link.place - 1, link.place + 1))
            self._suspect(link, "its hash is not that of what it says")
        elif self._noted.get(link.place, link.hash) != link.hash:
            self._suspect(link, "its hash is not the one that was noted of its place")
        return link

    def _home(self, link: _Link, places: Iterable[int]) -> int | None:
        """The place among ``places`` at which the record's hash is right."""
        for place in places:
            moved = link.record.model_copy(update={"sequence": place})
            if _hash(moved, self._key) == link.hash:
                return place
        return None

    def _follows(self, link: _Link) -> bool:
        return self._last.place == link.place - 1

    def _check_link(self, link: _Link) -> None:
        last, previous = self._last, str(link.record.previous_hash)
        if not self._follows(link):
            self._gaps.append((last.place + 1, link.place))
            self._after_gaps.append(link)
        elif previous in (last.hash, last.right):
            return
        elif previous == self._before_last and (link.valid or link.home == last.place):
            self._suspect(last, "the record after it was chained to the one before", bypassed=True)
        elif link.valid:
            self._suspect(last, "the record after it was chained to another hash")

    def _suspect(self, link: _Link, why: str, *, bypassed: bool = False) -> None:
        if link.why is None and link.record is not _ORIGIN:
            self._suspects.append(link)
        link.why = link.why or why
        link.bypassed = link.bypassed or bypassed

    def report(self, head: ChainHead, gaps: _Gaps) -> AuditReport:
        """What was wrong, now that ``head`` is where the chain ends."""
        self._gaps.append((self.end + 1, self._head.sequence + 1))
        empty = [places for gap in self._gaps for places in gaps.missing(*gap)]
        absent = sum(max(end - start, 0) for start, end in self._gaps)
        expired = absent - sum(map(len, empty))
        self._check_anchors(gaps.hashes)
        self._find_homes(empty)
        problems = [
            *self._unkeyed,
            *map(_problem, self._suspects),
            *self._missing(empty),
            *self._beyond(head),
            *self._cut(head, gaps.hashes),
            *self._unexpected(gaps.hashes),
        ]
        problems.sort(key=lambda problem: problem.sequence)
        keyed = self._key is not None
        return AuditReport(self._checked, expired, head, keyed, tuple(problems), self._repeated)

    def _check_anchors(self, hashes: Mapping[int, str]) -> None:
        for link in self._after_gaps:
            noted = hashes.get(link.place - 1)
            if noted not in (None, link.record.previous_hash):
                self._suspect(link, "it does not follow what was noted of the record before it")

    def _find_homes(self, empty: Sequence[range]) -> None:
        lost = [link for link in self._suspects if not link.valid and link.home is None]
        places = [link.place for link in self._suspects] + [gap.start for gap in empty]
        for link in lost[:_SUSPECTS]:
            link.home = self._home(link, places[: 2 * _SUSPECTS])

    def _missing(self, empty: Sequence[range]) -> Iterator[Problem]:
        """Places that are empty, or taken by a record of another place, and no record's home."""
        homes = {link.home for link in self._suspects if link.home is not None}
        left = [link.place for link in self._suspects if link.home not in (None, link.place)]
        taken = [range(place, place + 1) for place in left if place <= self._head.sequence]
        for places in [*empty, *taken]:
            for gone in _without(places, homes):
                yield _gone(gone, self._head.sequence)

    def _beyond(self, head: ChainHead) -> Iterator[Problem]:
        for link in self._new:
            if link.place > head.sequence and link.home is None and link.why is None:
                detail = f"the chain was noted to end at {head.sequence}"
                yield Problem("inserted", link.place, link.record.request_id, detail)

    def _cut(self, head: ChainHead, hashes: Mapping[int, str]) -> Iterator[Problem]:
        """Anchors are noted after the head, so that none is beyond it."""
        last = max(hashes, default=0)
        if last > head.sequence:
            yield _gone(range(head.sequence + 1, last + 1), last)

    def _unexpected(self, hashes: Mapping[int, str]) -> Iterator[Problem]:
        """Of records that are gone, the anchors tell the hash."""
        gone = {
            hashes[place]
            for start, end in self._gaps
            for place in hashes
            if start <= place < end and place <= self._head.sequence
        }
        if not self._met and self._expect not in gone:
            detail = f"no record has the hash {self._expect}, which was noted earlier"
            yield Problem("unexpected", self._head.sequence, None, detail)


def _problem(link: _Link) -> Problem:
    who = link.record.request_id
    if link.home is not None:
        return Problem("reordered", link.place, who, f"its place is {link.home}")
    kind: Kind = "inserted" if link.bypassed or link.place < 1 else "changed"
    return Problem(kind, link.place, who, link.why or "")


def _gone(places: range, end: int) -> Problem:
    first, last = places.start, places.stop - 1
    which = f"record {first} is" if first == last else f"records {first} to {last} are"
    if last == end:
        detail = f"{which} gone from the end of the chain"
        return Problem("truncated", first, None, detail)
    return Problem("missing", first, None, f"{which} gone before the retention was over")


def _without(places: range, homes: Set[int]) -> Iterator[range]:
    start = places.start
    for home in sorted(home for home in homes if home in places):
        if start < home:
            yield range(start, home)
        start = home + 1
    if start < places.stop:
        yield range(start, places.stop)


def _place(record: ExecutionRecord) -> int:
    """Where it stands; 0, which is not a place, when somebody has put something else there."""
    return record.sequence if isinstance(record.sequence, int) else 0


def _hash(record: ExecutionRecord, key: bytes | None) -> str | None:
    """The hash it should have, if what is there now can be hashed at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, about fields that were tampered with
        try:
            return record.compute_hash(key)
        except Exception:  # whatever is in there, it is not what was hashed
            return None
