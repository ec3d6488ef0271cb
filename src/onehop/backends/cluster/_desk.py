"""The desk of a run on its node: it passes every question on to the caller's process."""

from __future__ import annotations

from collections.abc import Callable

from onehop.backends.cluster._messages import Answer, Question, Said, Terms, TimeIsUp
from onehop.runs.questions import Ask, Call, Reply, Sleep


class RemoteDesk:
    """A Desk whose answers come from elsewhere."""

    def __init__(self, terms: Terms, say: Callable[[Said], None]) -> None:
        self._terms = terms
        self._say = say
        self._replies: dict[int, Reply] = {}
        self._asked = 0

    @property
    def limits_json(self) -> str:
        """See Desk."""
        return self._terms.limits_json

    @property
    def most_calls(self) -> int:
        """See Desk."""
        return self._terms.most_calls

    @property
    def most_arguments(self) -> int:
        """See Desk."""
        return self._terms.most_arguments

    @property
    def wait_seconds(self) -> float:
        """See Desk."""
        return self._terms.wait_seconds

    @property
    def now(self) -> float | None:
        """See Desk: no clock is moved on a node."""
        return None

    def names(self) -> bytes:
        """See Desk."""
        return self._terms.names

    def take(self, question: Call | Ask | Sleep, reply: Reply) -> None:
        """See Desk. A node keeps no time for timers."""
        assert not isinstance(question, Sleep)  # noqa: S101 - the worker has refused it
        self._asked += 1
        self._replies[self._asked] = reply
        self._say(Question(self._asked, question))

    def run_out(self) -> None:
        """See Desk."""
        self._say(TimeIsUp())

    def answer(self, answer: Answer) -> None:
        """Pass an answer on; the first one to a question counts."""
        if reply := self._replies.pop(answer.number, None):
            reply(answer.value, answer.error)
