"""Snippets: code that has run, and that a person lets agents call as `snippets.NAME(input)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.snippets._bound import SPACE, SnippetBound
    from onehop.snippets._discovery import SnippetDiscovery, types_of
    from onehop.snippets._info import info_of
    from onehop.snippets._names import NAME_SCHEMA, checked_name
    from onehop.snippets._offer import offer_of
    from onehop.snippets._saving import Keeper, Saving, Snippets, unfit
    from onehop.snippets._schema import schema_from
    from onehop.snippets._shelf import Compile, Fit, Shelf

__all__ = [
    "NAME_SCHEMA",
    "SPACE",
    "Compile",
    "Fit",
    "Keeper",
    "Saving",
    "Shelf",
    "SnippetBound",
    "SnippetDiscovery",
    "Snippets",
    "checked_name",
    "info_of",
    "offer_of",
    "schema_from",
    "types_of",
    "unfit",
]

__getattr__ = late(
    {
        "onehop.snippets._bound": "SPACE SnippetBound",
        "onehop.snippets._discovery": "SnippetDiscovery types_of",
        "onehop.snippets._info": "info_of",
        "onehop.snippets._names": "NAME_SCHEMA checked_name",
        "onehop.snippets._offer": "offer_of",
        "onehop.snippets._saving": "Keeper Saving Snippets unfit",
        "onehop.snippets._schema": "schema_from",
        "onehop.snippets._shelf": "Compile Fit Shelf",
    }
)
