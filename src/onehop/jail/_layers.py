"""The isolation layers by name, and what is known of each on this machine."""

from __future__ import annotations

from typing import Literal

from onehop._data import data

State = Literal["in force", "available", "degraded", "missing"]


@data(frozen=True, slots=True)
class LayerReport:
    """One layer: ``available`` here, ``degraded`` (optional, not here), or ``missing``."""

    name: str
    state: State
    reason: str
