"""Every table of settings, in the order of the reference."""

from __future__ import annotations

from onehop.config._audit import AnalyticsConfig, AuditConfig
from onehop.config._outside import TelemetryConfig, WebhookConfig
from onehop.config._reading import CorrectionConfig, ValidationConfig
from onehop.config._sandbox import SandboxConfig, SessionConfig
from onehop.config._server import ServerConfig
from onehop.config._settings import Settings
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
