"""All settings: constructor arguments first, then the environment, then ``onehop.toml``.

Each field carries its environment name, so the classes are the whole table; ``onehop.toml`` in the
working folder (or the file that ``ONEHOP_CONFIG`` names) uses the field names, in one table for
each class.
"""

from __future__ import annotations

from onehop.config._audit import DEFAULT_MASK, AnalyticsConfig, AuditConfig
from onehop.config._environment import env_name, parse_variable
from onehop.config._file import (
    UPSTREAM,
    parse_settings,
    read_settings,
    settings_file,
    upstream_tables,
)
from onehop.config._outside import TelemetryConfig, WebhookConfig
from onehop.config._reading import CorrectionConfig, ValidationConfig
from onehop.config._sandbox import Layer, SandboxConfig, SessionConfig
from onehop.config._server import ServerConfig
from onehop.config._settings import Settings, checked_value
from onehop.config._tools import RecordingConfig, ToolsConfig

SECTIONS: tuple[type[Settings], ...] = (
    SandboxConfig,
    SessionConfig,
    ValidationConfig,
    CorrectionConfig,
    ToolsConfig,
    RecordingConfig,
    AuditConfig,
    AnalyticsConfig,
    ServerConfig,
    TelemetryConfig,
    WebhookConfig,
)
"""Every table of ``onehop.toml`` but for the servers'."""

__all__ = [
    "DEFAULT_MASK",
    "SECTIONS",
    "UPSTREAM",
    "AnalyticsConfig",
    "AuditConfig",
    "CorrectionConfig",
    "Layer",
    "RecordingConfig",
    "SandboxConfig",
    "ServerConfig",
    "SessionConfig",
    "Settings",
    "TelemetryConfig",
    "ToolsConfig",
    "ValidationConfig",
    "WebhookConfig",
    "checked_value",
    "env_name",
    "parse_settings",
    "parse_variable",
    "read_settings",
    "settings_file",
    "upstream_tables",
]
