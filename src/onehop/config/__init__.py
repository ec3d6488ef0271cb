"""All settings: constructor arguments first, then the environment, then ``onehop.toml``.

Each field carries its environment name, so the classes are the whole table; ``onehop.toml`` in the
working folder (or the file that ``ONEHOP_CONFIG`` names) uses the field names, in one table for
each class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.config._audit import DEFAULT_MASK, AnalyticsConfig, AuditConfig
    from onehop.config._environment import env_name, parse_variable
    from onehop.config._file import (
        UPSTREAM,
        parse_settings,
        read_settings,
        settings_file,
        upstream_tables,
    )
    from onehop.config._model import checked_value
    from onehop.config._outside import TelemetryConfig, WebhookConfig
    from onehop.config._reading import CorrectionConfig, ValidationConfig
    from onehop.config._sandbox import Layer, SandboxConfig, SessionConfig
    from onehop.config._sections import SECTIONS
    from onehop.config._server import ServerConfig
    from onehop.config._settings import Settings
    from onehop.config._tools import RecordingConfig, ToolsConfig

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

__getattr__ = late(
    {  # each class takes a millisecond to make, and most runs need few of them
        "onehop.config._audit": "DEFAULT_MASK AnalyticsConfig AuditConfig",
        "onehop.config._environment": "env_name parse_variable",
        "onehop.config._file": "UPSTREAM parse_settings read_settings settings_file "
        "upstream_tables",
        "onehop.config._model": "checked_value",
        "onehop.config._outside": "TelemetryConfig WebhookConfig",
        "onehop.config._reading": "CorrectionConfig ValidationConfig",
        "onehop.config._sandbox": "Layer SandboxConfig SessionConfig",
        "onehop.config._sections": "SECTIONS",
        "onehop.config._server": "ServerConfig",
        "onehop.config._settings": "Settings",
        "onehop.config._tools": "RecordingConfig ToolsConfig",
    }
)
