"""Verdicts that were reached before, by the hash of the code; the oldest go first."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from onehop.types import Finding
from onehop.validation._risk import Measures


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the code alone decides; the risk depends on who sends it."""

    findings: tuple[Finding, ...]
    measures: Measures
    is_final: bool = True
    """Whether the same code would be judged the same again."""


class Cache:
    """Holds a bounded number of verdicts; may be used from several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._verdicts: OrderedDict[bytes, Verdict] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._verdicts)

    def get(self, key: bytes) -> Verdict | None:
        """The verdict under ``key``, which becomes the newest."""
        with self._lock:
            if key in self._verdicts:
                self._verdicts.move_to_end(key)
            return self._verdicts.get(key)

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Keep a verdict; one that is not final is not kept."""
        if not verdict.is_final:
            return
        with self._lock:
            self._verdicts[key] = verdict
            self._verdicts.move_to_end(key)
            while len(self._verdicts) > self._size:
                self._verdicts.popitem(last=False)


def key_of(code: str, language: str, agent_id: str) -> bytes:
    """What the code is kept under: a verdict is the agent's own, since its process gave it."""
    text = f"{len(agent_id)}\0{agent_id}{language}\0{code}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
