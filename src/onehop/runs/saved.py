"""What a store keeps of a snippet: code that has run, and that agents may call by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from onehop.types import Language

MOST_SNIPPETS: Final = 500
"""Snippets that one question to a store gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One snippet. Its agent and its name are its key; a new version takes the place of the last
    one."""

    agent_id: str
    """The agent that may call it; empty for all agents."""
    name: str
    version: int = 1
    """One more each time that it is saved under the same name."""
    language: Language
    code: str = field(repr=False)
    """The body of an async function, as it ran."""
    code_hash: str
    """The first 16 hex digits of the SHA-256 of the code."""
    description: str = ""
    input_schema: str
    """JSON text of the schema of what it is called with."""
    tools: str
    """JSON text: the fingerprint of each tool that the run called, by path."""
    request_id: str
    """The run that it was saved from, and"""
    source_agent: str
    """the agent that the run was of."""
    saved_by: str
    saved_at: int
    """ms since 1970."""
