"""Files that runs have shown, kept for their owner until newer ones need the room."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from onehop import types
from onehop._data import data
from onehop.errors import ArtifactNotFoundError

if TYPE_CHECKING:
    from onehop.types import Artifact


@data(frozen=True, slots=True)
class _Kept:
    artifact: Artifact
    data: bytes


class ArtifactShelf:
    """One agent's place among the ``Artifacts``."""

    def __init__(self, artifacts: Artifacts, agent_id: str) -> None:
        self._artifacts = artifacts
        self._agent_id = agent_id

    def keep(self, name: str, type_: str, data: bytes) -> Artifact:
        """Keep a file; gives what a result says of it."""
        return self._artifacts.keep(self._agent_id, name, type_, data)


class Artifacts:
    """Keeps at most ``capacity`` bytes. When there is more, the agent that keeps the most loses its
    oldest: what others keep goes only when they keep as much."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: dict[str, OrderedDict[str, _Kept]] = {}
        self._used: dict[str, int] = {}

    def of(self, agent_id: str) -> ArtifactShelf:
        """The agent's place."""
        return ArtifactShelf(self, agent_id)

    def keep(self, agent_id: str, name: str, type_: str, data: bytes) -> Artifact:
        """Keep one of an agent's."""
        artifact = types.Artifact(
            name=name, type=type_, size=len(data), id=secrets.token_urlsafe(16)
        )
        self._kept.setdefault(agent_id, OrderedDict())[artifact.id] = _Kept(artifact, data)
        self._used[agent_id] = self._used.get(agent_id, 0) + len(data)
        while sum(self._used.values()) > self._capacity:
            self._drop_oldest(max(self._used, key=self._used.__getitem__))
        return artifact

    def read(self, identifier: str, agent_id: str | None) -> tuple[Artifact, bytes]:
        """A file by its id: of an agent, or any for None. Raises ArtifactNotFoundError."""
        owners: list[str] = list(self._kept) if agent_id is None else [agent_id]
        for owner in owners:
            if (found := self._shelf(owner).get(identifier)) is not None:
                return found.artifact, found.data
        raise ArtifactNotFoundError(
            f"no artifact is kept under {identifier[:80]!r}: it was dropped for newer ones, or it "
            "is not one of your runs"
        )

    def _shelf(self, agent_id: str) -> Mapping[str, _Kept]:
        return self._kept.get(agent_id, {})

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._used.clear()

    def _drop_oldest(self, agent_id: str) -> None:
        _, dropped = self._kept[agent_id].popitem(last=False)
        self._used[agent_id] -= len(dropped.data)
        if not self._kept[agent_id]:
            del self._kept[agent_id], self._used[agent_id]
