"""What an engine, or somebody who knows better words, says of a text that it has refused."""

from __future__ import annotations

from onehop._data import data


@data(frozen=True, slots=True)
class Diagnosis:
    """Why the text was refused; line and column are 1-based, None when the engine gave none."""

    message: str
    line: int | None
    column: int | None
