"""What the answers of a tool have looked like: shapes without values, merged and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.tools.observed._observer import Keeper, Observer
    from onehop.tools.observed._schema import schema_of
    from onehop.tools.observed._shape import Shape, merged, shape_in
    from onehop.tools.observed._text import ShapeError, shape_from_text, shape_to_text
    from onehop.tools.observed._types import Observed, ObservedType

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
        "onehop.tools.observed._observer": "Keeper Observer",
        "onehop.tools.observed._schema": "schema_of",
        "onehop.tools.observed._shape": "Shape merged shape_in",
        "onehop.tools.observed._text": "ShapeError shape_from_text shape_to_text",
        "onehop.tools.observed._types": "Observed ObservedType",
    }
)
