"""How code is checked and repaired before it runs."""

from __future__ import annotations

from typing import ClassVar

from onehop.config._settings import Settings, setting
from onehop.types import Severity, ValidationLevel


class ValidationConfig(Settings):
    """What is checked before code runs."""

    table: ClassVar[str] = "validation"

    level: ValidationLevel = setting(
        "ASYNC",
        "VALIDATION_DEFAULT_LEVEL",
        "How strict validation is; `code_execute` is held to BLOCKING at least.",
    )
    off: frozenset[str] = setting(
        frozenset(), "ONEHOP_VALIDATION_OFF", "Rules that are not applied, by name."
    )
    severity: dict[str, Severity] = setting(
        {}, "ONEHOP_VALIDATION_SEVERITY", "Severities that replace a rule's own, by its name."
    )
    rules: tuple[str, ...] = setting(
        (), "ONEHOP_VALIDATION_RULES", "More rules: Python functions, as `module:function`."
    )
    cache: int = setting(
        1024, "ONEHOP_VALIDATION_CACHE", "Verdicts kept by the hash of the code.", ge=0
    )


class CorrectionConfig(Settings):
    """What is repaired in a call before it is checked."""

    table: ClassVar[str] = "corrections"

    enabled: bool = setting(
        True, "AUTO_CORRECTION_ENABLED", "Whether what a call obviously meant is repaired."
    )
    max_retries: int = setting(
        3, "AUTO_CORRECTION_MAX_RETRIES", "Rounds of repair of one call.", ge=0, le=10
    )
