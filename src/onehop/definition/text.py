"""A result as text that a model reads well: what it returned, or why it failed and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from onehop.definition.told import Told, told_of
from onehop.types import ExecutionResult


def render(result: ExecutionResult) -> str:
    """All of it as text."""
    return to_text(told_of(result))


def to_text(told: Told) -> str:
    """The value alone where that says it all, otherwise paragraphs with headings.

    JSON has no indentation: it would cost a model a third more tokens, and tell it nothing.
    """
    if told.running:
        return told.running
    if told.plan is not None:
        return "\n\n".join([_plan(told.plan), *_beside(told)])
    if told.success and not told.is_preview:
        paragraphs = [*_beside(told)]
        value = _json(told.output)
        return "\n\n".join([f"Output:\n{value}", *paragraphs]) if paragraphs else value
    return "\n\n".join([_preview(told) if told.success else _failure(told), *_beside(told)])


def _beside(told: Told) -> Iterator[str]:
    if told.logs:
        yield "Console:\n" + "\n".join(told.logs)
    if told.artifacts:
        yield _list("Shown", told.artifacts)
    if told.corrections:
        yield _list("Corrected before the run", told.corrections)
    if told.warnings:
        yield _list("Warnings", told.warnings)
    if told.findings and told.success:
        yield _list("Worth a look", told.findings)


def _plan(calls: Sequence[str]) -> str:
    if not calls:
        return "Plan: no calls of tools. Nothing was executed."
    return _list("Plan (nothing was executed)", calls)


def _preview(told: Told) -> str:
    head = "Output (too large, this is its beginning as JSON text):"
    return f"{head}\n{told.output}…\n\n{told.reading}"


def _failure(told: Told) -> str:
    kind = f" ({told.error_kind})" if told.error_kind else ""
    lines = [f"Error{kind}: {told.error}"]
    if told.findings:
        lines.append(_list("What was found", told.findings))
    if told.hints:
        lines.append(_list("Hints", told.hints))
    return "\n".join(lines)


def _list(title: str, items: Sequence[str]) -> str:
    return "\n".join([f"{title}:", *(f"- {item}" for item in items)])


def _json(value: Any) -> str:
    return to_json(value, inf_nan_mode="null").decode()
