"""The server and its limits."""

from __future__ import annotations

from typing import ClassVar, Literal

from onehop.config._settings import Settings, setting
from onehop.limits import MIB


class ServerConfig(Settings):
    """How `onehop serve` listens, and what an agent may ask of it."""

    table: ClassVar[str] = "server"

    host: str = setting(
        "localhost", "ONEHOP_HOST", "Name or address to listen on; `0.0.0.0` is every network."
    )
    port: int = setting(
        3001, "ONEHOP_PORT", "Port to listen on; 0 takes any that is free.", ge=0, le=65535
    )
    auth: bool = setting(
        True, "ONEHOP_AUTH", "Whether a key is needed; only a loopback address may go without."
    )
    tls_cert: str | None = setting(
        None, "ONEHOP_TLS_CERT", "File of the certificate chain (PEM); with it, HTTPS is spoken."
    )
    tls_key: str | None = setting(
        None, "ONEHOP_TLS_KEY", "File of the certificate's private key (PEM)."
    )
    workers: int = setting(
        1,
        "ONEHOP_WORKERS",
        "Processes that serve the port together; more than one need PostgreSQL or MongoDB.",
        ge=1,
        le=64,
    )
    dashboard: bool = setting(
        True, "ONEHOP_DASHBOARD", "Whether the pages at `/dashboard` are served."
    )
    session_lifetime: int = setting(
        43_200_000,
        "ONEHOP_SESSION_LIFETIME",
        "Time, in ms, after which a person has to sign in to the dashboard again.",
        ge=60_000,
    )
    session_idle: int = setting(
        7_200_000,
        "ONEHOP_SESSION_IDLE",
        "Time, in ms, after which a session of the dashboard that nobody uses ends.",
        ge=60_000,
    )
    origins: tuple[str, ...] = setting(
        (),
        "ONEHOP_ORIGINS",
        "Web pages of other origins that may call, as `https://app.example`; `*` means all.",
    )
    hosts: tuple[str, ...] = setting(
        (),
        "ONEHOP_ALLOWED_HOSTS",
        "Names in the Host header that are answered, beside the loopback's; on other addresses "
        "than loopback all are, when none is named.",
    )
    log_format: Literal["auto", "text", "json"] = setting(
        "auto", "ONEHOP_LOG_FORMAT", "`text`, `json`, or `auto`: text on a terminal, else JSON."
    )
    max_runs: int = setting(
        32,
        "ONEHOP_AGENT_MAX_RUNS",
        "Runs that one agent may have at the same time, those that wait for a worker included.",
        ge=1,
    )
    max_rate: int = setting(
        6000, "ONEHOP_AGENT_MAX_RATE", "Runs that one agent may start in a minute.", ge=1
    )
    max_streams: int = setting(
        16, "ONEHOP_AGENT_MAX_STREAMS", "Streams of events that one agent may have open.", ge=1
    )
    max_body: int = setting(
        24 * MIB,
        "ONEHOP_MAX_BODY",
        "Bytes of one request's body.",
        ge=1024,
        le=256 * MIB,
    )
    agent_bodies: int = setting(
        48 * MIB,
        "ONEHOP_AGENT_MAX_BODIES",
        "Bytes that the requests of one agent hold at once, 64 for each JSON value included; one "
        "that is alone always fits.",
        ge=1024,
    )
    max_bodies: int = setting(
        128 * MIB,
        "ONEHOP_MAX_BODIES",
        "The same of all agents together.",
        ge=1024,
    )
    max_refused: int = setting(
        600,
        "ONEHOP_MAX_REFUSED",
        "Wrong keys that one address may try in a minute.",
        ge=1,
    )
    max_connections: int | None = setting(
        None,
        "ONEHOP_MAX_CONNECTIONS",
        "Connections that are open at once; by default half of the descriptors that the process "
        "may have, at most 4096.",
        ge=1,
    )
    unread_timeout: int = setting(
        30_000,
        "ONEHOP_UNREAD_TIMEOUT",
        "Time, in ms, after which a client that takes nothing of its answer is dropped.",
        ge=100,
    )
    body_timeout: int = setting(
        30_000, "ONEHOP_BODY_TIMEOUT", "Time that a request's body may take to come, in ms.", ge=100
    )
    key_grace: int = setting(
        300_000,
        "ONEHOP_KEY_GRACE",
        "Time, in ms, that a key which was good goes on working while the store does not answer.",
        ge=0,
    )
    shutdown_timeout: int = setting(
        40_000,
        "ONEHOP_SHUTDOWN_TIMEOUT",
        "Time, in ms, that runs in flight have to end when the server is stopped.",
        ge=0,
    )

    def check(self) -> None:
        """A certificate comes with its key."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: one of them is missing")
