"""What the page of a run offers an admin who wants to save its code as a snippet; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from onehop.errors import InvalidRequestError
from onehop.records import ExecutionRecord
from onehop.sandbox.snippets import Saving, schema_from, unfit

_NAME: Final = 64
_SCHEMA: Final = 8_000
"""Characters of a schema that the form shows; a longer one is made again when it is saved."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The form, as it is filled in at first, or as it came back."""

    why_not: str = ""
    """Why this run cannot be saved; then the form is not there."""
    name: str = ""
    description: str = ""
    schema: str = ""
    for_all: bool = False
    replace: bool = False
    problem: str = ""


def keeping_of(record: ExecutionRecord) -> Keeping | None:
    """At first: named after what the run was for. None for a run that failed."""
    if not record.success:
        return None
    if why_not := unfit(record):
        return Keeping(why_not)
    return Keeping(
        name=_name_from(record.description or ""),
        description=record.description or "",
        schema=_schema_text(record.context_data),
    )


def came_back(form: Mapping[str, str], problem: str) -> Keeping:
    """With what the person has filled in, and why it was not taken."""
    return Keeping(
        name=form.get("name", ""),
        description=form.get("description", ""),
        schema=form.get("inputSchema", ""),
        for_all="forAll" in form,
        replace="replace" in form,
        problem=problem,
    )


def saving_of(form: Mapping[str, str], agent_id: str) -> Saving:
    """The form as arguments; ``agent_id`` says whose run it is. Raises InvalidRequestError."""
    wanted = Saving(agent_id=agent_id, for_all="forAll" in form, replace="replace" in form)
    wanted["description"] = form.get("description", "")
    if form.get("inputSchema"):
        wanted["input_schema"] = _schema(form["inputSchema"])
    return wanted


def _schema(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = f"text that is not JSON ({str(error)[:120]})"
        raise InvalidRequestError("inputSchema", what, "a JSON Schema of an object") from None
    if not isinstance(found, dict):
        raise InvalidRequestError("inputSchema", "other JSON", "a JSON Schema of an object")
    return found


def _schema_text(context: Any) -> str:
    text = json.dumps(schema_from(context), indent=1)
    return text if len(text) <= _SCHEMA else ""


def _name_from(words: str) -> str:
    """As code may write it; empty where the words have nothing of the kind."""
    found = re.findall(r"[a-z0-9]+", words.lower())
    return "_".join(found).lstrip("0123456789_")[:_NAME].rstrip("_")
