"""What is written down of each run, and the questions about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import SecretStr

from onehop.config._settings import Settings, setting
from onehop.limits import MIB

DEFAULT_MASK = (
    "*password*",
    "*passwd*",
    "*secret*",
    "*token*",
    "*api_key*",
    "*apikey*",
    "*api-key*",
    "*private_key*",
    "*privatekey*",
    "*access_key*",
    "*accesskey*",
    "*credential*",
    "authorization",
    "cookie",
    "set-cookie",
)
"""Names of fields that hold secrets as a rule; compared without regard to case."""


class AuditConfig(Settings):
    """What is kept of each run, and where."""

    table: ClassVar[str] = "audit"

    store: str | None = setting(
        None,
        "ONEHOP_STORE",
        "`sqlite:///PATH`, `postgresql://…`, `mongodb://…` or `memory:`; otherwise a SQLite file "
        "in the user's data folder.",
    )
    mode: Literal["journal", "strict"] = setting(
        "journal",
        "ONEHOP_AUDIT",
        "`journal`: while the database is away, runs go on and records wait on disk; "
        "`strict`: nothing runs then.",
    )
    journal: str | None = setting(
        None,
        "ONEHOP_JOURNAL",
        "Folder where records wait for the database; otherwise in the user's data folder.",
    )
    journal_max: int = setting(
        1024,
        "ONEHOP_JOURNAL_MAX",
        "MB of records that may wait for the database; nothing more is run until it takes some.",
        ge=16,
    )
    sync: Literal["process", "power"] = setting(
        "process",
        "ONEHOP_AUDIT_SYNC",
        "What the journal survives: the end of the process, or the loss of power too (slower).",
    )
    key: SecretStr | None = setting(
        None, "ONEHOP_AUDIT_KEY", "Secret that the chain of hashes is keyed with."
    )
    keep_output: bool = setting(True, "ONEHOP_AUDIT_OUTPUT", "Whether outputs are kept.")
    keep_logs: bool = setting(True, "ONEHOP_AUDIT_LOGS", "Whether console lines are kept.")
    keep_context: bool = setting(True, "ONEHOP_AUDIT_CONTEXT", "Whether contexts are kept.")
    keep_code: bool = setting(
        True,
        "ONEHOP_AUDIT_CODE",
        "Whether the code of a run that succeeded is kept whole, so that it can become a snippet.",
    )
    max_field: int = setting(
        256 * 1024,
        "ONEHOP_AUDIT_MAX_FIELD",
        "Bytes of JSON that are kept of each output, log or context; longer ones are cut.",
        ge=1024,
        le=4 * MIB,
    )
    mask: tuple[str, ...] = setting(
        DEFAULT_MASK,
        "ONEHOP_AUDIT_MASK",
        "Names of fields whose values are kept masked; `*` stands for anything, a dot for nesting.",
    )
    omit: tuple[str, ...] = setting(
        (), "ONEHOP_AUDIT_OMIT", "Names of fields that are left out of what is kept, in that form."
    )
    mask_secrets: bool = setting(
        True,
        "ONEHOP_AUDIT_MASK_SECRETS",
        "Whether text that looks like an API key, a token or a password is masked wherever it is.",
    )


class AnalyticsConfig(Settings):
    """How trends are kept."""

    table: ClassVar[str] = "analytics"

    aggregation_interval: int = setting(
        60_000, "ANALYTICS_AGGREGATION_INTERVAL", "Time between rollups, in ms.", ge=100
    )
    retention_days: int = setting(
        90, "ANALYTICS_RETENTION_DAYS", "Days that rollups are kept.", ge=1, le=3650
    )
