"""Patches of a document, as RFC 6902 has them."""

from __future__ import annotations

from typing import Any

from onehop._extras import needed_for
from onehop.upstreams.openapi._faults import DocumentError


def patched(document: Any, patches: list[Any]) -> Any:
    """``document``, changed in place. Raises DocumentError that says which patch does not fit."""
    if not patches:
        return document
    with needed_for("patches of OpenAPI documents"):
        import jsonpatch
        from jsonpointer import JsonPointerException
    for number, one in enumerate(patches, 1):
        try:
            document = jsonpatch.apply_patch(document, [one], in_place=True)
        except (jsonpatch.JsonPatchException, JsonPointerException, TypeError, ValueError) as error:
            raise DocumentError(f"patch {number} cannot be applied: {str(error)[:300]}") from None
    return document
