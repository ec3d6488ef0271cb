"""What a run did before, by which it is made again: its questions, and their answers in order."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onehop.errors import SealedError
from onehop.sandbox.recordings._entries import (
    ENTRY,
    START,
    Answered,
    Ended,
    Entry,
    Intended,
    Made,
    Outgrown,
    Part,
    Place,
    call_of,
    read_entries,
)

if TYPE_CHECKING:
    from onehop.sandbox.recordings._sealing import Sealer
    from onehop.types import Effect


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where a run does something else than before."""

    number: int
    """Of the question, from 1."""
    was: str
    now: str

    def __str__(self) -> str:
        return f"at step {self.number} it was: {self.was}; now it is: {self.now}"


class Script:
    """The questions that are still to come, and the answers in the order in which they came."""

    def __init__(self, entries: Iterable[Entry] = (), place: Place = START) -> None:
        """``place`` is where it ends in the log."""
        self.entries = list(entries)
        self.place = place
        self.is_whole = True
        """Whether it has all answers: else the run cannot be made again."""
        self.made: dict[int, Made] = {}
        self.attempts: Counter[int] = Counter()
        self.effects: dict[int, Effect] = {}
        """What the tools of the calls that were about to be sent were said to do then."""
        self.answers: dict[int, Answered] = {}
        self.order: list[int] = []
        self.ended: Ended | None = None
        for entry in self.entries:
            self._take(entry)
        self._open: dict[tuple[str, str, str], deque[Made]] = {}
        for each in self.made.values():
            self._open.setdefault(_key(each), deque()).append(each)
        self._left = dict.fromkeys(self.made)

    def _take(self, entry: Entry) -> None:
        if isinstance(entry, Made):
            self.made.setdefault(entry.number, entry)
        elif isinstance(entry, Intended):
            self.attempts[entry.number] += 1
            self.effects[entry.number] = entry.effect
        elif isinstance(entry, Answered):
            if entry.number not in self.answers:
                self.answers[entry.number] = entry
                self.order.append(entry.number)
        elif isinstance(entry, Outgrown):
            self.is_whole = False
        else:
            self.ended = entry

    @property
    def is_over(self) -> bool:
        """Whether all of its questions have been asked again."""
        return not self._left

    def was_sent(self, made: Made) -> bool:
        """Whether it was answered, or about to be sent."""
        return made.number in self.answers or self.attempts[made.number] > 0

    @property
    def last(self) -> int:
        """The highest number of a question."""
        return max(self.made, default=0)

    @property
    def last_call(self) -> int:
        """The highest number in the id of a call."""
        ids = (each.call_id.rpartition("_")[2] for each in self.made.values())
        return max((int(number) for number in ids if number.isdigit()), default=0)

    @property
    def size(self) -> int:
        """Bytes, about, as ``RunLog`` counts them."""
        answers = (ENTRY + len(each.value or "") for each in self.answers.values())
        return sum(ENTRY + len(each.subject) for each in self.made.values()) + sum(answers)

    @cached_property
    def waited(self) -> float:
        """Seconds in which tools were at work, several at once counted once."""
        total = until = 0.0
        for begin, end in sorted(_spans(self.answers.values())):
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        return total / 1000

    def match(self, asked: Made) -> Made | None:
        """The question that this one is again: the first such that is still to come."""
        waiting = self._open.get(_key(asked))
        if not waiting:
            return None
        found = waiting.popleft()
        del self._left[found.number]
        return found

    def next_open(self) -> Made | None:
        """The first question that is still to come."""
        return self.made[next(iter(self._left))] if self._left else None

    def next_call(self) -> Made | None:
        """The first call that is still to come."""
        calls = (self.made[number] for number in self._left)
        return next((each for each in calls if each.kind == "call"), None)


def _spans(answers: Iterable[Answered]) -> Iterator[tuple[float, float]]:
    """When tools began, and when they had answered."""
    for each in answers:
        call = call_of(each)
        if call is not None and each.at is not None:
            yield each.at - call.duration, each.at


def in_words(asked: Made) -> str:
    """A question in words."""
    if asked.kind == "sleep":
        return f"a timer of {asked.digest} ms"
    if asked.kind == "ask":
        return f"a question about tools ({asked.subject}, {asked.digest})"
    return f"a call of {asked.subject} (arguments {asked.digest})"


def read_script(
    run_id: str, parts: Iterable[bytes], sealer: Sealer, head: bytes | None = None
) -> Script:
    """What a run has done, up to ``head`` at least. Raises SealedError when a part is missing,
    also at the end, or was changed."""
    found: list[Part] = []
    for each in parts:
        part = read_entries(sealer.open(each, f"{run_id} log"))
        _check_follows(part, _heeded(found, part))
        found.append(part)
    place = found[-1].place if found else START
    if place < _end(run_id, head, found, sealer):
        raise SealedError("the end of what is kept of the run is missing")
    return Script([entry for part in found for entry in part.entries], place)


def seal_head(run_id: str, place: Place, sealer: Sealer) -> bytes:
    """Where the log of a run ends, for the store."""
    return sealer.seal(json.dumps(place).encode(), f"{run_id} head")


def _heeded(found: list[Part], part: Part) -> Place:
    """Where the log ended for the owner of ``part``: a former one may have written more, which
    nobody has heeded, for it had lost the run."""
    while found and found[-1].place[0] < part.place[0] and part.after is not None:
        if found[-1].place <= part.after:
            break
        found.pop()
    return found[-1].place if found else START


def _check_follows(part: Part, last: Place) -> None:
    fence, number = part.place
    expected = last[1] + 1 if fence == last[0] else 1
    if fence < last[0] or number != expected or part.after not in (None, last):
        raise SealedError("a part of what is kept of the run is missing")


def _end(run_id: str, head: bytes | None, found: list[Part], sealer: Sealer) -> Place:
    """The last part that must be there."""
    if head is not None:
        fence, number = json.loads(sealer.open(head, f"{run_id} head"))
        return int(fence), int(number)
    if any(part.after is not None for part in found):
        raise SealedError("it is not known where what is kept of the run ends")
    return START  # a log from before heads were kept


def _key(made: Made) -> tuple[str, str, str]:
    return made.kind, made.subject, made.digest
