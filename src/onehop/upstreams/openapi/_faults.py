"""What is wrong with a document, or with one part of it."""

from __future__ import annotations


class DocumentError(Exception):
    """The whole document cannot be used; the text says why."""


class SkippedError(Exception):
    """One operation cannot be a tool; the text says why."""
