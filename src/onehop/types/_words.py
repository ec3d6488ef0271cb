"""The closed sets of words that the data of an execution is made of, and the hash of code."""

from __future__ import annotations

import hashlib
from typing import Final, Literal

Language = Literal["javascript", "typescript"]
Severity = Literal["low", "medium", "high", "critical"]
IssueType = Literal["dangerous_pattern", "unauthorized_access", "malicious_code"]
ValidationLevel = Literal["NONE", "ASYNC", "BLOCKING", "STRICT"]
LogLevel = Literal["log", "error", "warn", "info", "debug"]
ErrorType = Literal[
    "timeout",
    "validation",
    "runtime",
    "security",
    "resource_limit",
    "cancelled",
    "diverged",
    "internal",
]
Effect = Literal["read", "write", "destructive"]
"""What a tool does to the world."""
CallChange = Literal["none", "applied", "unknown"]
"""What a call of a tool changed."""
ToolOutcome = Literal["ok", "failed", "denied", "cancelled", "unknown"]
CheckPolicy = Literal["off", "provable", "strict"]
"""What lets the check refuse a run: nothing, what must fail, or all that TypeScript says."""
Status = Literal["completed", "failed", "paused", "running"]
Isolation = Literal["process", "realm"]

TYPECHECK: Final = "typecheck"
"""The pattern of findings of the check before a run: mistakes, and no matter of security."""


def code_hash(code: str) -> str:
    """First 16 hex digits of the SHA-256 of the UTF-8 code, as the contract has it."""
    return hashlib.sha256(code.encode()).hexdigest()[:16]
