"""The services of a run on its node: what the code shows goes on to the caller's process."""

from __future__ import annotations

from collections.abc import Callable

from onehop.backends.cluster._messages import Said
from onehop.runs.questions import (
    MOST_REPORTS,
    MOST_SHOWN,
    MOST_SHOWN_BYTES,
    Headway,
    Reply,
    Shown,
    Stored,
)


class RemoteServices:
    """Services whose host is elsewhere. They bound here what waits to be fetched."""

    def __init__(self, say: Callable[[Said], None]) -> None:
        self._say = say
        self._files = 0
        self._bytes = 0
        self._reports = 0

    def show(self, part: Shown) -> None:
        """See Services."""
        self._bytes += len(part.data)
        if self._files >= MOST_SHOWN or self._bytes > MOST_SHOWN_BYTES:
            raise ValueError("more files than a run may show")
        self._files += not part.more
        self._say(part)

    def progress(self, report: Headway) -> None:
        """See Services."""
        self._reports += 1
        if self._reports > MOST_REPORTS:
            raise ValueError("more reports of progress than a run may make")
        self._say(report)

    def store(self, question: Stored, reply: Reply) -> None:  # noqa: ARG002
        """Refuse: there are no sessions on a cluster."""
        raise ValueError("a question about what is stored, in a run without a session")
