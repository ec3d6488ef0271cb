"""What a run did before, by which it is made again: its questions, and their answers in order."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass

from onehop.errors import SealedError
from onehop.recordings._entries import Answered, Ended, Entry, Intended, Made, read_entries
from onehop.recordings._sealing import Sealer


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

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = list(entries)
        self.made: dict[int, Made] = {}
        self.attempts: Counter[int] = Counter()
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
        elif isinstance(entry, Answered):
            if entry.number not in self.answers:
                self.answers[entry.number] = entry
                self.order.append(entry.number)
        else:
            self.ended = entry

    @property
    def is_over(self) -> bool:
        """Whether all of its questions have been asked again."""
        return not self._left

    @property
    def last(self) -> int:
        """The highest number of a question."""
        return max(self.made, default=0)

    @property
    def last_call(self) -> int:
        """The highest number in the id of a call."""
        ids = (each.call_id.rpartition("_")[2] for each in self.made.values())
        return max((int(number) for number in ids if number.isdigit()), default=0)

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


def in_words(asked: Made) -> str:
    """A question in words."""
    if asked.kind == "sleep":
        return f"a timer of {asked.digest} ms"
    if asked.kind == "ask":
        return f"a question about tools ({asked.subject}, {asked.digest})"
    return f"a call of {asked.subject} (arguments {asked.digest})"


def read_script(run_id: str, parts: Iterable[bytes], sealer: Sealer) -> Script:
    """What a run has done. Raises SealedError when a part is missing or was changed."""
    entries: list[Entry] = []
    last = (0, 0)
    for part in parts:
        fence, number, found = read_entries(sealer.open(part, f"{run_id} log"))
        expected = (last[0], last[1] + 1) if fence == last[0] else (fence, 1)
        if fence < last[0] or (fence, number) != expected:
            raise SealedError("a part of what is kept of the run is missing")
        last = fence, number
        entries += found
    return Script(entries)


def _key(made: Made) -> tuple[str, str, str]:
    return made.kind, made.subject, made.digest
