"""Snippets: code that has run, and that a person lets agents call as `snippets.NAME(input)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.sandbox.snippets._bound import SPACE, SnippetBound
    from onehop.sandbox.snippets._discovery import SnippetDiscovery, types_of
    from onehop.sandbox.snippets._info import info_of
    from onehop.sandbox.snippets._names import NAME_SCHEMA, checked_name
    from onehop.sandbox.snippets._offer import offer_of
    from onehop.sandbox.snippets._saving import Keeper, Saving, Snippets, unfit
    from onehop.sandbox.snippets._schema import schema_from
    from onehop.sandbox.snippets._shelf import Compile, Fit, Shelf

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
        "onehop.sandbox.snippets._bound": "SPACE SnippetBound",
        "onehop.sandbox.snippets._discovery": "SnippetDiscovery types_of",
        "onehop.sandbox.snippets._info": "info_of",
        "onehop.sandbox.snippets._names": "NAME_SCHEMA checked_name",
        "onehop.sandbox.snippets._offer": "offer_of",
        "onehop.sandbox.snippets._saving": "Keeper Saving Snippets unfit",
        "onehop.sandbox.snippets._schema": "schema_from",
        "onehop.sandbox.snippets._shelf": "Compile Fit Shelf",
    }
)
