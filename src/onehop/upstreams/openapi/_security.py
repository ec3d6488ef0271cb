"""Which credentials an operation wants, by the names of the document's security schemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._faults import SkippedError

Requirement = frozenset[str]
"""Schemes that are all needed."""
How = Literal["header", "query", "cookie", "bearer", "basic"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a secret is sent, and under which name."""

    how: How
    name: str = "Authorization"


def requirements(document: Document, operation: dict[str, Any]) -> tuple[Requirement, ...] | None:
    """The alternatives; one of them is enough. An operation that says nothing has none, or None if
    no other one says anything."""
    given = operation.get("security", document.data.get("security"))
    if not isinstance(given, list):
        return () if document.has_security else None
    return tuple(frozenset(one) for one in given if isinstance(one, dict))


def schemes(document: Document) -> dict[str, Scheme]:
    """Those that a secret can be set for."""
    components = document.data.get("components")
    given = components.get("securitySchemes") if isinstance(components, dict) else None
    found = {}
    for name, one in (given if isinstance(given, dict) else {}).items():
        try:
            scheme = _scheme(document.object_at(one))
        except SkippedError:
            continue
        if scheme is not None:
            found[name] = scheme
    return found


def _scheme(given: dict[str, Any]) -> Scheme | None:
    kind = given.get("type")
    if kind == "apiKey" and isinstance(given.get("name"), str):
        places: dict[object, How] = {"header": "header", "query": "query", "cookie": "cookie"}
        how = places.get(given.get("in"))
        return Scheme(how, given["name"]) if how is not None else None
    if kind in ("oauth2", "openIdConnect"):
        return Scheme("bearer")
    if kind == "http" and str(given.get("scheme")).lower() in ("bearer", "basic"):
        return Scheme("basic" if str(given["scheme"]).lower() == "basic" else "bearer")
    return None


def hidden(document: Document) -> set[tuple[str, str]]:
    """Parameters that are credentials: place and name in small letters. Code never gives them."""
    return {
        (one.how, one.name.lower())
        for one in schemes(document).values()
        if one.how in ("header", "query", "cookie")
    }
