"""Asks one analysis process from threads: for callers without an event loop."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Collection, Mapping
from typing import Any

from onehop.analysis._analyst import SECONDS
from onehop.analysis._answers import read_answer
from onehop.analysis._framing import pack
from onehop.analysis._link import AnalysisLostError, Link
from onehop.analysis._zygote import Zygote


class BlockingAnalyst:
    """Its process is started at the first question and ends with this object, or by ``close``."""

    def __init__(self, allow_degraded: Collection[str] = ()) -> None:
        self._zygote = Zygote(allow_degraded)
        self._lock = threading.Lock()
        self._links: list[Link] = []
        """One, or none yet."""
        self._end = weakref.finalize(self, _close, self._zygote, self._links)

    def ask(self, operation: str, arguments: Mapping[str, Any], rules: tuple[str, ...] = ()) -> Any:
        """See ``Analyst.ask``; ``rules`` are the same in each call."""
        question = pack({"operation": operation, "arguments": dict(arguments)})
        with self._lock:
            try:
                return self._ask_once(question, rules)
            except AnalysisLostError as error:
                if error.took_long:
                    raise
                return self._ask_once(question, rules)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            _close(self._zygote, self._links)

    def _ask_once(self, question: bytes, rules: tuple[str, ...]) -> Any:
        if not self._links:
            self._links.append(self._zygote.fork(rules))
        try:
            return read_answer(self._links[0].ask(question, SECONDS))
        except BaseException:
            self._links.pop().close()
            raise


def _close(zygote: Zygote, links: list[Link]) -> None:
    while links:
        links.pop().close()
    zygote.close()
