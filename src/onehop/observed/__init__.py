"""What the answers of a tool have looked like: shapes without values, merged and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.observed._observer import Keeper, Observer
    from onehop.observed._schema import schema_of
    from onehop.observed._shape import Shape, merged, shape_in
    from onehop.observed._text import ShapeError, shape_from_text, shape_to_text
    from onehop.observed._types import Observed, ObservedType

__all__ = [
    "Keeper",
    "Observed",
    "ObservedType",
    "Observer",
    "Shape",
    "ShapeError",
    "merged",
    "schema_of",
    "shape_from_text",
    "shape_in",
    "shape_to_text",
]

__getattr__ = late(
    {
        "onehop.observed._observer": "Keeper Observer",
        "onehop.observed._schema": "schema_of",
        "onehop.observed._shape": "Shape merged shape_in",
        "onehop.observed._text": "ShapeError shape_from_text shape_to_text",
        "onehop.observed._types": "Observed ObservedType",
    }
)
