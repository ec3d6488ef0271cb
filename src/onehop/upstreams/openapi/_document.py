"""A document and the references inside it. What lies elsewhere is never fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from onehop._extras import needed_for
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._faults import DocumentError, SkippedError

_VERSION: Final = re.compile(r"3\.([0-2])(\.|$)")


class Document:
    """An OpenAPI document of version 3."""

    def __init__(self, data: Any) -> None:
        """Raises DocumentError for what is not one."""
        self.data = _checked(data)
        self.is_30 = str(data["openapi"]).startswith("3.0")
        with needed_for("OpenAPI documents"):
            from referencing import Registry, Specification
            from referencing.exceptions import Unresolvable
        resource = Specification.OPAQUE.create_resource(self.data)
        self._resolver: Any = Registry().resolver_with_root(resource)
        self._unresolvable: Any = Unresolvable

    @cached_property
    def has_security(self) -> bool:
        """Whether any operation says which credentials it wants."""
        items = self.data.get("paths", {}).values()
        parts = (part for item in items if isinstance(item, dict) for part in item.values())
        return "security" in self.data or any(
            isinstance(p, dict) and "security" in p for p in parts
        )

    def target(self, reference: object) -> Any:
        """What a ``$ref`` leads to. Raises SkippedError."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            shown = repr(reference)[:120]
            raise SkippedError(f"$ref {shown} leads to another document, and none is fetched")
        try:
            return self._resolver.lookup(reference).contents
        except (self._unresolvable, LookupError, ValueError, TypeError):
            raise SkippedError(f"$ref {reference[:120]!r} leads to nothing") from None

    def followed(self, part: Any) -> Any:
        """``part``, or what it refers to, in as many steps as it takes. Raises SkippedError."""
        for _ in range(_bounds.HOPS):
            if not isinstance(part, Mapping) or "$ref" not in part:
                return part
            part = self.target(part["$ref"])
        raise SkippedError("a $ref leads to another one without end")

    def object_at(self, part: Any) -> dict[str, Any]:
        """As ``followed``, for what has to be an object."""
        found = self.followed(part)
        return found if isinstance(found, dict) else {}


def _checked(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DocumentError("it is not an OpenAPI document: it is not an object")
    if "swagger" in data:
        raise DocumentError("it is Swagger 2.0; convert it to OpenAPI 3 first")
    if "openapi" not in data:
        raise DocumentError("it is not an OpenAPI document: it has no field openapi")
    if not _VERSION.match(str(data.get("openapi", ""))):
        raise DocumentError(
            f"its openapi is {str(data.get('openapi'))[:20]!r}; it must be 3.0 or 3.1"
        )
    if not isinstance(data.get("paths", {}), dict):
        raise DocumentError("its paths are not an object")
    return data
