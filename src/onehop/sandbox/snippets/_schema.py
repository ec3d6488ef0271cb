"""The schema of a snippet's input: given by a person, or made of the data that its run had."""

from __future__ import annotations

import json
from typing import Any, Final

from onehop.errors import ConfigError, InvalidRequestError
from onehop.tools import Catalogue, Tool
from onehop.tools.observed import merged, schema_of, shape_in

_LARGEST: Final = 64 * 1024
"""Characters of JSON text."""


def schema_from(context: Any) -> dict[str, Any]:
    """The kinds of what stands in a run's context: every field of it is required."""
    if not isinstance(context, dict) or "$truncated" in context:
        return {"type": "object"}
    shape = shape_in(context)
    found = schema_of(merged(shape, shape))  # a name that came once may be data; these are not
    return found if found.get("type") == "object" else {"type": "object"}


def checked_schema(given: Any) -> str:
    """A schema of objects as JSON text. Raises InvalidRequestError for what is none."""
    field, what = "inputSchema", "a JSON Schema of an object"
    if not isinstance(given, dict):
        raise InvalidRequestError(field, f"a {type(given).__name__}", what)
    try:
        text = json.dumps(given, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequestError(field, f"what is not JSON ({error})"[:200], what) from None
    if len(text) > _LARGEST:
        raise InvalidRequestError(field, f"{len(text)} characters", f"{what} of at most {_LARGEST}")
    try:
        Catalogue.of([Tool("snippet", _nothing, input_schema=given)])
    except ConfigError as error:
        raise InvalidRequestError(field, "a schema that cannot be used", str(error)) from None
    return text


def _nothing(**_fields: Any) -> None:
    """Only its schema is looked at."""
