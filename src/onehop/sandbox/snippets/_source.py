"""The code of a recorded run, whole and as it ran; pure."""

from __future__ import annotations

from typing import Any

from onehop.errors import SnippetRefusedError
from onehop.records import ExecutionRecord
from onehop.types import code_hash


def code_from(record: ExecutionRecord, given: str | None) -> str:
    """The code that a run has run. ``given`` is its text from elsewhere: its hash must be the
    run's. Raises SnippetRefusedError."""
    if given is not None:
        return _given(record, given)
    ran: Any = record.details.get("ran")
    if isinstance(ran, dict):
        code, digest = ran.get("code"), ran.get("hash")
        if isinstance(code, str) and code_hash(code) == digest:
            return code
        raise SnippetRefusedError(_INCOMPLETE)
    if code_hash(record.code_snippet) == record.code_hash:
        return record.code_snippet
    raise SnippetRefusedError(_INCOMPLETE)


_INCOMPLETE = (
    "the record does not have the whole code of the run: it is too long, something in it looks "
    "like a secret and was masked, or keep_code is off. Give its text (--code FILE); its hash is "
    "compared with the run's"
)


def _given(record: ExecutionRecord, given: str) -> str:
    ran = record.details.get("ran")
    wanted = ran.get("hash") if isinstance(ran, dict) else record.code_hash
    if code_hash(given) == wanted:
        return given
    if isinstance(ran, dict) and code_hash(given) == record.code_hash:
        raise SnippetRefusedError(
            "the code was corrected before it ran, so that the text given is not what has run: "
            "have the agent run the corrected code, and save that run"
        )
    raise SnippetRefusedError(
        f"the text given is not the code of this run: its hash is {code_hash(given)}, and the "
        f"run's is {wanted}"
    )
