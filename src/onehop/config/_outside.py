"""What is sent to others: telemetry and webhooks."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import SecretStr

from onehop.config._settings import Settings, setting


class TelemetryConfig(Settings):
    """What programs that watch hear of runs: metrics and traces."""

    table: ClassVar[str] = "telemetry"

    metrics: Literal["viewer", "open", "off"] = setting(
        "viewer",
        "ONEHOP_METRICS",
        "Who may read `/metrics` of `onehop serve`: `viewer`, with the key of a viewer or an "
        "admin; `open`, anyone who reaches the server; `off`, nobody, and nothing is counted.",
    )
    traces: Literal["off", "http", "grpc"] = setting(
        "off",
        "ONEHOP_TRACES",
        "How spans are sent by OTLP; where to, OpenTelemetry's own variables say, such as "
        "`OTEL_EXPORTER_OTLP_ENDPOINT`.",
    )
    trace_content: bool = setting(
        False,
        "ONEHOP_TRACE_CONTENT",
        "Whether spans hold code, contexts, outputs, and arguments and answers of tools, unmasked.",
    )


class WebhookConfig(Settings):
    """An address of yours that hears of calls that wait for a person: see `approvals`."""

    table: ClassVar[str] = "webhook"

    url: SecretStr | None = setting(
        None, "ONEHOP_WEBHOOK_URL", "Where messages are sent (POST); nowhere without it."
    )
    secret: SecretStr | None = setting(
        None,
        "ONEHOP_WEBHOOK_SECRET",
        "What messages are signed with: `whsec_` and the base64 of 24 to 64 random bytes.",
    )
    private: bool = setting(
        False, "ONEHOP_WEBHOOK_PRIVATE", "Whether the URL may lead to a private address."
    )
    arguments: bool = setting(
        False,
        "ONEHOP_WEBHOOK_ARGUMENTS",
        "Whether messages hold the arguments of calls, masked as in the audit trail.",
    )
