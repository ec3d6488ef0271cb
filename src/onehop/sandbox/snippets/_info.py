"""A snippet as people and programs outside see it."""

from __future__ import annotations

import json
from dataclasses import asdict

from onehop.runs.saved import Snippet
from onehop.types import SnippetInfo


def info_of(snippet: Snippet) -> SnippetInfo:
    """With its schema and tools as data."""
    fields = asdict(snippet)
    fields |= {name: json.loads(fields[name]) for name in ("input_schema", "tools")}
    return SnippetInfo(**fields)
